#include "train/config/toml.h"
#include "tests/fuzz/fuzz.h"

using namespace yonder;

namespace {

SweepConfig read(const std::string& text) {
  SweepConfig config;
  apply_config(text, "a.toml", config);
  return config;
}

}  // namespace

// Whatever can be read is written to a text that reads back the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return reads(data, size, [](const std::string& text) {
    const std::string again = to_toml(read(text));
    expect(to_toml(read(again)) == again);
  });
}
