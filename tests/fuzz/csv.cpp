#include "tests/fuzz/fuzz.h"
#include "train/results/study.h"

using namespace yonder;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return reads(data, size, [](const std::string& text) {
    const std::string csv = to_csv(study_from_csv(text, "a.csv"));
    expect(!study_from_csv(csv, "a.csv").panels.empty());
  });
}
