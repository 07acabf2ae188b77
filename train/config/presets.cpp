#include "train/config/presets.h"

#include "core/error.h"
#include "core/options.h"

namespace yonder {

// The build writes this list: CMakeLists.txt.
extern const char* const preset_files[];
extern const int preset_count;

const std::vector<Preset>& presets() {
  static const std::vector<Preset> all = [] {
    std::vector<Preset> list;
    for (int i = 0; i < preset_count; ++i)
      list.push_back({preset_files[2 * i], preset_files[2 * i + 1]});
    return list;
  }();
  return all;
}

const Preset& preset(const std::string& name) {
  std::vector<std::string> names;
  for (const Preset& p : presets()) {
    if (p.name == name) return p;
    names.push_back(p.name);
  }
  const std::string hint = did_you_mean(name, names);
  throw UsageError("sweep: '" + name + "' is neither a file nor a preset" +
                   (hint.empty() ? "; see yonder list presets" : hint));
}

}  // namespace yonder
