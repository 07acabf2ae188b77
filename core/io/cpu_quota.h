#pragma once
#include <string>

/// \file
/// How much processor time a container grants its processes.
namespace yonder {

/// How many processors this process's control groups let it keep busy, rounded up; 0 if there is no
/// limit. `root` is the folder that contains /proc and /sys.
int cpu_quota(const std::string& root = "");

}  // namespace yonder
