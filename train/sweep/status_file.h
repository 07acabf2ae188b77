#pragma once
#include <string>

/// \file
/// How far a sweep is, for `yonder show` from elsewhere: progress.json in its folder, from its
/// start until it is done.
namespace yonder {

/// Notes how far the sweep in `folder` is, in words.
void write_status(const std::string& folder, const std::string& words);
/// The sweep is over.
void remove_status(const std::string& folder);
/// What was noted last, how long ago, and by which machine and job; "" if nothing is.
std::string read_status(const std::string& folder);

}  // namespace yonder
