#pragma once
#include <chrono>
#include <string>

/// \file
/// Progress on stderr: one line that is redrawn on a terminal, otherwise plain lines every ten
/// seconds, nothing if quiet.
namespace yonder {

/// "45 s", "3 min 20 s", "2 h 05 min".
std::string duration(double seconds);
/// 950, "12.3k", "1.2M".
std::string rounded(double number);
/// Whether stderr is a terminal on which lines may be redrawn and coloured.
bool on_terminal();

/// Lines on stderr: one that is redrawn, and permanent ones.
class Progress {
 public:
  /// Prints nothing if quiet.
  explicit Progress(bool quiet) : quiet_(quiet) {}
  ~Progress() { close(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Shows `line`, at most ten times a second on a terminal and every ten seconds elsewhere.
  void show(const std::string& line);
  /// Prints `line` permanently, in place of the redrawn line.
  void print_line(const std::string& line);
  /// Erases the redrawn line, so that a result can take its place.
  void clear();
  /// Keeps the redrawn line and moves below it, e.g. for an error.
  void close();

 private:
  bool quiet_;
  std::chrono::steady_clock::time_point last_{};
  bool open_ = false;
};

}  // namespace yonder
