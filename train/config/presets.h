#pragma once
#include <map>
#include <string>

/// \file
/// The experiments of train/presets/*.toml, which the build embeds in the program.
namespace yonder {

/// Their configurations by file name without .toml.
const std::map<std::string, std::string>& preset_files();
/// One of them. Throws UsageError with a "did you mean" if there is none of that name.
const std::string& preset(const std::string& name);

}  // namespace yonder
