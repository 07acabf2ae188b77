#pragma once
#include <string>

/// \file
/// The progress of a sweep, for `yonder show` in another process: progress.json in its folder,
/// which is removed when the sweep is done.
namespace yonder {

/// Records the progress of the sweep in `folder`, in words.
void write_status(const std::string& folder, const std::string& words);
/// Removes the record of a finished sweep.
void remove_status(const std::string& folder);
/// The last record, its age, and the machine and job that wrote it; "" if there is none.
std::string read_status(const std::string& folder);

}  // namespace yonder
