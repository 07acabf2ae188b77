#include "train/system/mpi.h"

#include <fmt/core.h>
#include <algorithm>
#include <thread>

#include "core/io/cpu_quota.h"
#include "core/io/files.h"
#include "core/options.h"
#include "core/parallel.h"

namespace yonder::ranks {
namespace {

std::string packed(const ExitStatus& e) { return std::to_string(int(e.code)) + " " + e.text; }

[[noreturn]] void throw_packed(const std::string& text) {
  const std::size_t space = text.find(' ');
  throw SharedError({ExitCode(std::stoi(text.substr(0, space))), text.substr(space + 1)});
}

// "" or what `work` threw.
std::string failure_of(const std::function<void()>& work) {
  try {
    work();
    return "";
  } catch (...) { return packed(current_exit_status()); }
}

}  // namespace

void run_collectively(const std::function<void()>& work) {
  if (count() == 1) return work();
  for (const std::string& failure : gathered(failure_of(work)))
    if (!failure.empty()) throw_packed(failure);
}

std::string broadcast_from_root(const std::function<std::string()>& make) {
  if (count() == 1) return make();
  std::string text;
  const std::string failure = rank() == 0 ? failure_of([&] { text = make(); }) : "";
  const std::string first = gathered(failure).front();
  if (!first.empty()) throw_packed(first);
  return gathered(text).front();
}

void require_same(const std::string& what, const std::string& text) {
  const std::vector<std::string> all = gathered(text);
  for (std::size_t r = 1; r < all.size(); ++r) {
    if (all[r] == all[0]) continue;
    const auto first = split(all[0], '\n'), other = split(all[r], '\n');
    std::size_t line = 0;
    while (line < first.size() && line < other.size() && first[line] == other[line]) ++line;
    const auto said = [line](const std::vector<std::string>& lines) {
      return line < lines.size() ? "'" + lines[line] + "'" : std::string("nothing more");
    };
    throw SharedError(
        {ExitCode::usage,
         fmt::format("{} of rank 0 has {} and that of rank {} {}; start all ranks alike", what,
                     said(first), r, said(other))});
  }
}

void require_same_program() {
  if (count() == 1) return;
  require_same("the program",
               "yonder " YONDER_VERSION ", build " + checksum(read_file("/proc/self/exe")));
}

void share_processors() {
  int processors = int(std::thread::hardware_concurrency());
  if (const int quota = cpu_quota()) processors = std::min(processors, quota);
  set_threads(std::clamp(processors / local_size(), 1, threads()));
}

Slice slice(std::int64_t n, int rank) {
  const std::int64_t first = n * rank / count();
  return {first, n * (rank + 1) / count() - first};
}

}  // namespace yonder::ranks
