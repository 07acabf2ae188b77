#include <algorithm>
#include <filesystem>

#include "encodings/base/encoding.h"

#include "tests/support/catch.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;

TEST_CASE(
    "every encoding is registered from a file of its own name, and every file registers one") {
  std::vector<std::string> files;
  for (const auto& f : std::filesystem::directory_iterator(YONDER_SOURCE "/encodings"))
    if (const auto& p = f.path(); p.extension() == ".cpp") files.push_back(p.stem());
  std::sort(files.begin(), files.end());
  std::vector<std::string> names;
  for (const Entry& e : registry()) {
    names.push_back(e.name);
    CHECK(e.file == e.name + ".cpp");
    CHECK(!e.title.empty());
    CHECK(!e.formula.empty());
    CHECK_THAT(e.paper, ContainsSubstring("arXiv:") || ContainsSubstring("kexue.fm") ||
                            ContainsSubstring("aclanthology.org") ||
                            ContainsSubstring("github.com/"));
  }
  CHECK(names == files);
}
