#include "encodings/encoding.h"
#include "tests/fuzz/fuzz.h"
#include "train/results.h"

using namespace yonder;

// Rows of a table, the encodings that they name, and the options that these take as text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return reads<UsageError>(data, size, [](const std::string& list) {
    for (const Row& row : parse_rows(list)) {
      const auto parts = split(row.encoding, ':');
      Composition encoding(parts[0]);
      for (std::size_t i = 1; i < parts.size(); ++i) {
        const auto equals = parts[i].find('=');
        encoding.set(parts[i].substr(0, equals), parts[i].substr(equals + 1));
      }
      for (const Setting& s : row.extension) encoding.set(s.option, s.value);
      expect(!row.label().empty());
    }
  });
}
