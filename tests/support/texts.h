#pragma once
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/datasets.h"

/// \file
/// Shared by tests of byte-level tasks.
namespace yonder {

namespace fs = std::filesystem;

constexpr int BOS_OF_BYTES = 256;

// A folder of files, removed when it goes out of scope.
struct TextFolder {
  fs::path path;
  TextFolder() : path(fs::temp_directory_path() / ("yonder-text-" + std::to_string(::getpid()))) {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~TextFolder() { fs::remove_all(path); }
  std::string add(const std::string& name, const std::string& content) const {
    fs::create_directories((path / name).parent_path());
    std::ofstream(path / name, std::ios::binary) << content;
    return (path / name).string();
  }
};

// Numbered lines: any 20 consecutive bytes occur only once.
inline std::string counting(int bytes, const std::string& name = "") {
  std::string text;
  for (int i = 100000; int(text.size()) < bytes; ++i) text += name + std::to_string(i) + "\n";
  text.resize(bytes);
  return text;
}

inline std::unique_ptr<Task> text(const std::string& path, int length) {
  return prepared("text", {{"path", path}}, length);
}

// The bytes of a window: those of its input and the last target.
inline std::string bytes(const Batch& batch, int b) {
  std::string s;
  for (int t = 1; t < batch.extent; ++t) s += char(batch.tokens[b * batch.extent + t]);
  return s + char(batch.targets[b * batch.extent + batch.extent - 1]);
}

inline std::string scored(const Batch& batch, int b) {
  std::string s;
  for (int t = 0; t < batch.extent; ++t)
    if (const int y = batch.targets[b * batch.extent + t]; y >= 0) s += char(y);
  return s;
}

// Checks that every window begins with BOS and has no padding, and that targets are the next byte.
inline void check_window(const Batch& batch, int length) {
  REQUIRE(batch.extent == length);
  REQUIRE(batch.lengths == std::vector<int>(batch.size, length));
  REQUIRE(int(batch.tokens.size()) == batch.size * length);
  for (int b = 0; b < batch.size; ++b)
    for (int t = 0; t < length; ++t) {
      const int at = b * length + t;
      REQUIRE((batch.tokens[at] == BOS_OF_BYTES) == (t == 0));
      if (t) REQUIRE((batch.tokens[at] >= 0 && batch.tokens[at] < 256));
      if (t + 1 < length && batch.targets[at] >= 0)
        REQUIRE(batch.targets[at] == batch.tokens[at + 1]);
    }
}

}  // namespace yonder
