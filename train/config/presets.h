#pragma once
#include <map>
#include <string>

/// \file
/// The experiments of train/presets/*.toml, which the build puts into the program.
namespace yonder {

/// Their configurations by the names of the files without .toml.
const std::map<std::string, std::string>& preset_files();
/// One of them. UsageError with a "did you mean" if there is none of that name.
const std::string& preset(const std::string& name);

}  // namespace yonder
