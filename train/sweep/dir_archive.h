#pragma once
#include <string>

/// \file
/// A folder packed into one string, to send it to a machine with another disk.
namespace yonder {

/// All files below a folder except those whose names begin with a dot; "" if there are none.
std::string packed(const std::string& folder);
/// Writes the result of packed() to another folder, which is created.
void unpack(const std::string& archive, const std::string& folder);

}  // namespace yonder
