#include "train/config/input_checksums.h"

namespace yonder {

std::string fingerprint(const RunConfig& config, const Corpora& texts) {
  std::string lines;
  for (const Setting& s : config.options) {
    if (s.option.ends_with(".path"))
      lines += s.option + " = " + s.value + ", checksum " + texts[s.value]->checksum + "\n";
  }
  return lines;
}

}  // namespace yonder
