#include "core/io/safetensors.h"
#include "tests/fuzz/fuzz.h"

using namespace yonder;

// Whatever can be read is written to a file that reads back the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return reads(data, size, [](const std::string& content) {
    const std::string again = format_safetensors(parse_safetensors(content, "a"));
    expect(format_safetensors(parse_safetensors(again, "a")) == again);
  });
}
