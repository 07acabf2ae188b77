#include "encodings/base/encoding.h"
#include "tests/fuzz/fuzz.h"
#include "train/results/panel.h"

using namespace yonder;

// Parses rows of a table, the encodings that they name, and the values of their options.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return reads<UsageError>(data, size, [](const std::string& list) {
    for (const Row& row : parse_rows(list)) {
      Composition encoding(row.name());
      for (const Override& s : row.training()) encoding.set(s.key, s.value);
      for (const Override& s : row.extension) encoding.set(s.key, s.value);
      expect(!row.label().empty());
    }
  });
}
