#pragma once
#include <string>
#include <vector>

/// \file
/// Linux control groups, with which containers, batch systems and systemd limit a process.
namespace yonder {

/// A control group of this process.
struct ControlGroup {
  std::string folder;  ///< contains the limit files
  int version;         ///< 1 or 2
};

/// The groups that may limit this process by `controller` ("cpu", "memory"): its own and all
/// its ancestors. Some may not exist: a container may see its own group as the root while /proc
/// names it as the host does. `root` is the folder that contains /proc and /sys.
std::vector<ControlGroup> control_groups(const std::string& controller, const std::string& root);

/// The content of a group's file; "" if it can't be read.
std::string text_in(const ControlGroup&, const std::string& name);

/// Bytes that this process may still allocate: Linux's MemAvailable, within what each of its groups
/// has left.
double memory_left(const std::string& root = "");

}  // namespace yonder
