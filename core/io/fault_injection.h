#pragma once
#include <functional>
#include <string>

/// \file
/// A disk that fails, for tests: no program sets any fault.
namespace yonder {

/// The system calls that can be made to fail.
enum class Call { open, read, write, sync, rename, remove, make_folder };

/// Asked before every call to the system that core/io/files makes about `path`: the errno with
/// which it fails, 0 to let it be made, or `half` for a write that takes half of what it is given.
using Faults = std::function<int(Call, const std::string& path)>;
inline constexpr int half = -1;  ///< only half of the bytes are written

/// Sets what is asked from now on; an empty function ends it.
void set_faults(Faults);

}  // namespace yonder
