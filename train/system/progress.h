#pragma once
#include <chrono>
#include <string>

/// \file
/// What long work shows on stderr: one line that is redrawn on a terminal, plain lines every so
/// often otherwise, nothing if quiet.
namespace yonder {

/// "45 s", "3 min 20 s", "2 h 05 min".
std::string duration(double seconds);
/// 950, "12.3k", "1.2M".
std::string rounded(double number);
/// True if stderr is a terminal that may be redrawn and coloured.
bool on_terminal();

class Progress {
 public:
  enum class Verbosity { normal, quiet };
  explicit Progress(Verbosity verbosity) : verbosity_(verbosity) {}
  ~Progress() { close(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Shows `line`, at most ten times a second on a terminal and every ten seconds elsewhere.
  void show(const std::string& line);
  /// Shows `line` for good, whatever was shown last.
  void print_line(const std::string& line);
  /// Wipes the line that was being redrawn, so that a result can stand in its place.
  void clear();
  /// Leaves it where it is, so that an error can stand below.
  void close();

 private:
  Verbosity verbosity_;
  std::chrono::steady_clock::time_point last_{};
  bool open_ = false;
};

}  // namespace yonder
