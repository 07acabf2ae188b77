#pragma once
#include <string>

/// \file
/// A folder as one text, to be sent where the disk is another one.
namespace yonder {

/// All files below a folder, but for those whose names begin with a dot; "" if there are none.
std::string packed(const std::string& folder);
/// Writes what `packed` has read below another folder, which is made.
void unpack(const std::string& archive, const std::string& folder);

}  // namespace yonder
