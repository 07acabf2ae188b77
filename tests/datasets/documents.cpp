#include "datasets/base/documents.h"

#include <sys/stat.h>

#include <filesystem>

#include "core/error.h"
#include "tests/support/binary.h"
#include "tests/support/catch.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

TEST_CASE("a linked folder is read like the others, but only once") {
  const Folder folder;
  fs::create_directories(folder / "books");
  fs::create_directories(folder / "more");
  put(folder / "books/a.txt", std::string(100, 'a'));
  put(folder / "more/b.txt", std::string(900, 'b'));
  fs::create_directory_symlink("../more", folder / "books/linked");
  fs::create_directory_symlink("..", folder / "more/back");
  const Documents read = Documents::read(folder / "books");
  std::size_t bytes = 0;
  for (const auto* part : {&read.train, &read.validation, &read.test})
    for (const std::string& d : *part) bytes += d.size();
  CHECK(bytes == 1000);
}

TEST_CASE("binary files and pipes are refused by name") {
  const Folder folder;
  put(folder / "t.gz", std::string("\x1f\x8b\x08 and so on"));
  put(folder / "utf16",
      "\xff\xfe"
      "a" +
          std::string(1, 0));
  CHECK_THROWS_WITH(Documents::read(folder / "t.gz"),
                    ContainsSubstring("t.gz: this is a compressed or binary file"));
  CHECK_THROWS_WITH(Documents::read(folder / "utf16"),
                    ContainsSubstring("utf16: this is a compressed or binary file"));
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK_THROWS_WITH(Documents::read(folder / "pipe"), ContainsSubstring("not a regular file"));
}
