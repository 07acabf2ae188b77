#include "core/io/cpu_quota.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "core/io/control_groups.h"

namespace yonder {
namespace {

// Version 2: "150000 100000" or "max 100000", in µs.  kernel.org, cgroup-v2, "CPU Interface Files"
// Version 1: one file each, the quota −1 if there is none.  kernel.org, scheduler/sched-bwc
double processors_of(const ControlGroup& group) {
  double quota = 0, period = 0;
  if (group.version == 2) {
    std::sscanf(text_in(group, "cpu.max").c_str(), "%lf %lf", &quota, &period);
  } else {
    quota = std::atof(text_in(group, "cpu.cfs_quota_us").c_str());
    period = std::atof(text_in(group, "cpu.cfs_period_us").c_str());
  }
  return quota > 0 && period > 0 ? quota / period : std::numeric_limits<double>::infinity();
}

}  // namespace

int cpu_quota(const std::string& root) {
  double most = std::numeric_limits<double>::infinity();
  for (const ControlGroup& g : control_groups("cpu", root)) most = std::min(most, processors_of(g));
  return std::isinf(most) ? 0 : int(std::ceil(std::min(most, 1e6)));
}

}  // namespace yonder
