#include "core/io/control_groups.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "core/error.h"
#include "core/io/files.h"
#include "core/options.h"

namespace yonder {
namespace {

std::string text_of_file(const std::string& path) {
  try {
    return read_file(path);
  } catch (const FileError&) { return ""; }
}

void add(std::vector<ControlGroup>& all, const std::string& tree, std::string group, int version) {
  for (; !group.empty(); group.resize(group.rfind('/'))) all.push_back({tree + group, version});
  all.push_back({tree, version});
}

}  // namespace

std::vector<ControlGroup> control_groups(const std::string& controller, const std::string& root) {
  const std::string tree = root + "/sys/fs/cgroup";
  std::vector<ControlGroup> all;
  // Lines like "4:cpu,cpuacct:/docker/1f2e" and, in version 2, "0::/user.slice".
  for (const std::string& line : split(text_of_file(root + "/proc/self/cgroup"), '\n')) {
    const std::size_t first = line.find(':'), second = line.find(":/", first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string group = line.substr(second + 1);
    if (second == first + 1) add(all, tree, group, 2);
    for (const std::string& name : split(line.substr(first + 1, second - first - 1), ','))
      if (name == controller) add(all, tree + "/" + controller, group, 1);
  }
  return all;
}

std::string text_in(const ControlGroup& group, const std::string& name) {
  return text_of_file(group.folder + "/" + name);
}

namespace {

// The number that follows `name` in a text, 0 if there is none ("max").
double number_after(const std::string& text, const std::string& name) {
  const std::size_t at = text.find(name);
  return at == text.npos ? 0 : std::strtod(text.c_str() + at + name.size(), nullptr);
}

// Memory that a group has left, infinite without a limit. Inactive file pages can be reclaimed.
//   kernel.org, cgroup-v2, "Memory"; cgroup-v1/memory
double left_in(const ControlGroup& group) {
  const bool old = group.version == 1;
  const auto number = [&](const char* file, const char* name) {
    return number_after(text_in(group, file), name);
  };
  const double limit = number(old ? "memory.limit_in_bytes" : "memory.max", ""),
               used = number(old ? "memory.usage_in_bytes" : "memory.current", ""),
               files = number("memory.stat", old ? "total_inactive_file " : "inactive_file ");
  return limit > 0 ? limit - used + files : std::numeric_limits<double>::infinity();
}

}  // namespace

double memory_left(const std::string& root) {
  double most = std::numeric_limits<double>::infinity();
  if (const double kilobytes = number_after(text_of_file(root + "/proc/meminfo"), "MemAvailable:");
      kilobytes > 0)
    most = 1024 * kilobytes;
  for (const ControlGroup& g : control_groups("memory", root)) most = std::min(most, left_in(g));
  return most;
}

}  // namespace yonder
