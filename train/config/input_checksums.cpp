#include "train/config/input_checksums.h"

namespace yonder {

std::string fingerprint(const RunConfig& config, const Corpora& texts) {
  std::string lines;
  for (const auto& [key, value] : config.options) {
    if (key.name != "path") continue;
    const std::string path = text_of(value);
    lines += text_of(key) + " = " + path + ", checksum " + texts[path]->checksum + "\n";
  }
  return lines;
}

}  // namespace yonder
