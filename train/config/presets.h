#pragma once
#include <string>
#include <vector>

/// \file
/// The experiments of train/presets/*.toml, which the build puts into the program.
namespace yonder {

/// A configuration that is compiled into the program.
struct Preset {
  std::string name;  ///< of the file, without .toml
  std::string toml;  ///< its content
};

/// In alphabetical order of names.
const std::vector<Preset>& presets();
/// UsageError with a "did you mean" if there is none of that name.
const Preset& preset(const std::string& name);

}  // namespace yonder
