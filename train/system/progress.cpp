#include "train/system/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace yonder {
namespace {

std::size_t columns() {
  if (const char* text = std::getenv("COLUMNS"))
    if (const int n = std::atoi(text); n > 0) return std::size_t(n);
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

std::string duration(double seconds) {
  const long s = std::lround(std::max(0.0, seconds));
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min {:02} s", s / 60, s % 60);
  return fmt::format("{} h {:02} min", s / 3600, s / 60 % 60);
}

std::string rounded(double number) {
  if (number < 1000) return fmt::format("{:.0f}", number);
  if (number < 999950) return fmt::format("{:.1f}k", number / 1e3);
  return fmt::format("{:.1f}M", number / 1e6);
}

bool on_terminal() {
  const char* kind = std::getenv("TERM");
  return isatty(STDERR_FILENO) && (!kind || std::string(kind) != "dumb");
}

void Progress::show(const std::string& line) {
  using namespace std::chrono;
  if (quiet_) return;
  const auto now = steady_clock::now();
  const auto pause = on_terminal() ? milliseconds(100) : milliseconds(10000);
  if (last_ == steady_clock::time_point{} && !on_terminal()) last_ = now;  // no line at the start
  if (now - last_ < pause) return;
  last_ = now;
  if (!on_terminal()) return void(std::fprintf(stderr, "%s\n", line.c_str()));
  // Cut to the width of the terminal: a line that wraps can't be redrawn.
  std::fputs(fmt::format("\r\033[K{:.{}}", line, columns() - 1).c_str(), stderr);
  std::fflush(stderr);
  open_ = true;
}

void Progress::print_line(const std::string& line) {
  if (quiet_) return;
  clear();
  std::fprintf(stderr, "%s\n", line.c_str());
}

void Progress::clear() {
  if (open_) std::fputs("\r\033[K", stderr);
  open_ = false;
}

void Progress::close() {
  if (open_) std::fputc('\n', stderr);
  open_ = false;
}

}  // namespace yonder
