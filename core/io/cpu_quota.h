#pragma once
#include <string>

/// \file
/// How much processor time a container leaves its processes.
namespace yonder {

/// How many processors this process's control groups let it keep busy, rounded up; 0 if there is no
/// limit. `root` is the folder that /proc and /sys are in.
int cpu_quota(const std::string& root = "");

}  // namespace yonder
