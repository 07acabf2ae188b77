#pragma once
#include <functional>
#include <string>

/// \file
/// Disk failures for tests; no program sets any.
namespace yonder {

/// The system calls that can be made to fail.
enum class Call { open, read, write, sync, rename, remove, make_folder };

/// Called before each such system call that core/io/files makes on `path`. Returns the errno with
/// which it fails, 0 to let it through, or `half` for a write of only half of its bytes.
using Faults = std::function<int(Call, const std::string& path)>;
inline constexpr int half = -1;  ///< only half of the bytes are written

/// Sets the function that is called from now on; an empty one disables faults.
void set_faults(Faults);

}  // namespace yonder
