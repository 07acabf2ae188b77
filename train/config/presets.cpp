#include "train/config/presets.h"

#include "core/error.h"
#include "core/options.h"

namespace yonder {

const std::string& preset(const std::string& name) {
  const auto found = preset_files().find(name);
  if (found != preset_files().end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [other, toml] : preset_files()) names.push_back(other);
  const std::string hint = did_you_mean(name, names);
  throw UsageError("sweep: '" + name + "' is neither a file nor a preset" +
                   (hint.empty() ? "; see yonder list presets" : hint));
}

}  // namespace yonder
