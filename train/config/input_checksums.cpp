#include "train/config/input_checksums.h"

#include "core/io/files.h"

namespace yonder {

std::string fingerprint(const RunConfig& config) {
  std::string lines;
  for (const Setting& s : config.options) {
    if (!s.option.ends_with(".path")) continue;
    std::string sums;
    for (const std::string& file : list_files(s.value)) sums += checksum(read_file(file));
    lines += s.option + " = " + s.value + ", checksum " + checksum(sums) + "\n";
  }
  return lines;
}

}  // namespace yonder
