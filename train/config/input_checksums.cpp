#include "train/config/input_checksums.h"

#include "core/io/files.h"

namespace yonder {

std::string fingerprint(const RunConfig& config) {
  std::string lines;
  for (const auto& [key, value] : config.options) {
    if (key.name != "path") continue;
    const std::string path = text_of(value);
    std::string sums;
    for (const std::string& file : list_files(path)) sums += checksum(read_file(file));
    lines += text_of(key) + " = " + path + ", checksum " + checksum(sums) + "\n";
  }
  return lines;
}

}  // namespace yonder
