#include "train/sweep/dir_archive.h"

#include <filesystem>

#include "tests/support/binary.h"
#include "tests/support/catch.h"

using namespace yonder;

TEST_CASE("an archive unpacks to the files that were packed, whatever they contain") {
  const Folder folder;
  namespace fs = std::filesystem;
  fs::create_directories(folder / "from/below/it");
  put(folder / "from/empty", "");
  put(folder / "from/.hidden", "stays");
  put(folder / "from/below/it/bytes", std::string("3 x\n\0\xff 7 y\n", 12));
  unpack(packed(folder / "from"), folder / "to");
  CHECK(content_of(folder / "to/below/it/bytes") == content_of(folder / "from/below/it/bytes"));
  CHECK(fs::exists(folder / "to/empty"));
  CHECK_FALSE(fs::exists(folder / "to/.hidden"));
  CHECK(packed(folder / "nowhere").empty());
}
