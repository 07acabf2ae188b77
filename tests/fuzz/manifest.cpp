#include "models/manifest.h"
#include "tests/fuzz/fuzz.h"

using namespace yonder;
using nlohmann::ordered_json;

// Few bytes that are made up end in their own checksum: objects are read with a right one, too.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return reads(data, size, [](const std::string& text) {
    const ordered_json said = ordered_json::parse(text, nullptr, false);
    if (said.is_object() && !said.empty()) unsealed(sealed(said), "step-1.json");
    unsealed(text, "step-1.json");
  });
}
