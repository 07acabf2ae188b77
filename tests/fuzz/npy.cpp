#include "core/io/npy.h"
#include "tests/fuzz/fuzz.h"

using namespace yonder;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return reads(data, size, [](const std::string& content) {
    const IntArray array = parse_npy_ints(content, "a.npy");
    std::size_t elements = 1;
    for (const int extent : array.shape) elements *= std::size_t(extent);
    expect(array.values.size() == elements);
  });
}
