#pragma once
#include <string>
#include <vector>

/// \file
/// The control groups of Linux, by which containers, batch systems and systemd limit a process.
namespace yonder {

/// A control group of this process.
struct ControlGroup {
  std::string folder;  ///< with the files of the limits
  int version;         ///< 1 or 2
};

/// The groups that may limit this process by `controller` ("cpu", "memory"): its own and all that
/// this lies in. Some may not be there: a container may see its own group as the root while /proc
/// names it as the host does. `root` is the folder that /proc and /sys are in.
std::vector<ControlGroup> control_groups(const std::string& controller, const std::string& root);

/// A group's file; "" if there is none.
std::string text_in(const ControlGroup&, const std::string& name);

/// Bytes that this process may still take: what Linux calls available, within what each of its
/// groups has left.
double memory_left(const std::string& root = "");

}  // namespace yonder
