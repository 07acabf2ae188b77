#include <nlohmann/json.hpp>

#include "core/io/json.h"
#include "tests/fuzz/fuzz.h"
#include "train/results/study.h"

using namespace yonder;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return reads(data, size, [](const std::string& text) {
    parse_json(text, "a.json");
    to_csv(study_from_json(text, "a.json"));
  });
}
