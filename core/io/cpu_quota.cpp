#include "core/io/cpu_quota.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "core/error.h"
#include "core/io/files.h"
#include "core/options.h"

namespace yonder {
namespace {

const double unlimited = std::numeric_limits<double>::infinity();

// "" if there is no such file: the root of all groups has none, nor has one without this
// controller.
std::string content_of(const std::string& path) {
  try {
    return read_file(path);
  } catch (const FileError&) { return ""; }
}

double processors(double quota, double period) {
  return quota > 0 && period > 0 ? quota / period : unlimited;
}

// Version 2: "150000 100000" or "max 100000", in µs.  kernel.org, cgroup-v2, "CPU Interface Files"
double limit_in(const std::string& group) {
  double quota = 0, period = 0;
  std::sscanf(content_of(group + "/cpu.max").c_str(), "%lf %lf", &quota, &period);
  return processors(quota, period);
}

// Version 1: a file each, the quota −1 where there is none.  kernel.org, scheduler/sched-bwc
double old_limit_in(const std::string& group) {
  return processors(std::atof(content_of(group + "/cpu.cfs_quota_us").c_str()),
                    std::atof(content_of(group + "/cpu.cfs_period_us").c_str()));
}

// The least of a group and of all it lies in, as each of them limits it. A container may see its
// own group as the root while /proc names it as the host does: then nothing is found until the
// root.
template <class Limit>
double least(const std::string& tree, std::string group, Limit limit) {
  double most = unlimited;
  while (!group.empty()) {
    most = std::min(most, limit(tree + group));
    group.resize(group.rfind('/'));
  }
  return std::min(most, limit(tree));
}

}  // namespace

int cpu_quota(const std::string& root) {
  const std::string groups = root + "/sys/fs/cgroup";
  double most = unlimited;
  // Lines like "4:cpu,cpuacct:/docker/1f2e" and, of version 2, "0::/user.slice".
  for (const std::string& line : split(content_of(root + "/proc/self/cgroup"), '\n')) {
    const std::size_t first = line.find(':'), second = line.find(":/", first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string group = line.substr(second + 1);
    if (second == first + 1) most = std::min(most, least(groups, group, limit_in));
    for (const std::string& controller : split(line.substr(first + 1, second - first - 1), ','))
      if (controller == "cpu") most = std::min(most, least(groups + "/cpu", group, old_limit_in));
  }
  return most == unlimited ? 0 : int(std::ceil(std::min(most, 1e6)));
}

}  // namespace yonder
