#include "core/io/files.h"
#include "core/io/npy.h"
#include "core/io/safetensors.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "tests/support/catch.h"

using namespace yonder;
namespace fs = std::filesystem;

namespace {

std::string little(std::uint64_t n) { return {reinterpret_cast<const char*>(&n), sizeof n}; }

/// A safetensors file with this header and `bytes` bytes of data.
std::string with_header(const std::string& header, std::size_t bytes = 0) {
  return little(header.size()) + header + std::string(bytes, '\0');
}

std::string error_of(const std::string& content) {
  try {
    parse_safetensors(content, "a.safetensors");
  } catch (const FileError& e) { return e.what(); }
  return "";
}

bool refused(const std::string& content, const std::string& why) {
  const std::string text = error_of(content);
  INFO(text);
  const bool named = text.starts_with("a.safetensors: ") && text.find('\n') == text.npos;
  const bool said = text.find(why) != text.npos;
  CHECK(named);
  CHECK(said);
  return named && said;
}

Safetensors small() {
  Tensor a({2, 3}), b({1});
  for (int i = 0; i < 6; ++i) a[i] = real(i) / 4;
  b[0] = -7;
  return {{{"z.first", a}, {"a.second", b}}, {{"yonder", R"({"format": 1})"}, {"other", "ü"}}};
}

std::string npy(const std::string& dict, const std::string& data, int version = 1) {
  std::string s("\x93NUMPY", 6);
  s += char(version);
  s += '\0';
  const std::string length = little(dict.size()).substr(0, version == 1 ? 2 : 4);
  return s + length + dict + data;
}

template <class T>
std::string bytes(std::vector<T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::string npy_error(const std::string& content) {
  try {
    parse_npy_ints(content, "t.npy");
  } catch (const FileError& e) { return e.what(); }
  return "";
}

}  // namespace

TEST_CASE("a file is replaced atomically, and no temporary file remains") {
  const TemporaryFolder folder;
  write_file(folder / "a", "old");
  CHECK(read_file(folder / "a") == "old");
  const std::string large(300000, 'x');
  write_file(folder / "a", large);
  CHECK(read_file(folder / "a") == large);

  // A limit on file sizes simulates a full disk: the write stops in the middle.
  rlimit before;
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small_files{1000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small_files);
  std::string text;
  try {
    write_file(folder / "a", std::string(5000, 'y'));
  } catch (const DiskError& e) { text = e.what(); }
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(text == folder / "a" + ": can't be written: File too large; choose another place");
  CHECK(read_file(folder / "a") == large);
  CHECK(std::distance(fs::directory_iterator(folder.path), {}) == 1);
}

TEST_CASE("a file that cannot be read or written is refused by name") {
  const TemporaryFolder folder;
  CHECK_THROWS_AS(read_file(folder / "missing"), FileError);
  CHECK_THROWS_AS(read_file(folder.path), FileError);
  CHECK_THROWS_AS(read_safetensors(folder / "missing"), FileError);
  CHECK_THROWS_AS(read_npy_ints(folder / "missing"), FileError);
  CHECK_THROWS_AS(write_file(folder / "missing/a", "x"), DiskError);
  CHECK_THROWS_AS(write_file(folder.path, "x"), DiskError);
  CHECK_THROWS_AS(write_file("/dev/null", "x"), DiskError);
  CHECK(fs::is_character_file("/dev/null"));
  make_folders(folder / "b/c");
  make_folders(folder / "b/c");
  CHECK(fs::is_directory(folder / "b/c"));
  write_file(folder / "d", "");
  CHECK_THROWS_AS(make_folders(folder / "d"), DiskError);
}

TEST_CASE("a file that is not regular or does not fit into memory is refused by name at once") {
  const TemporaryFolder folder;
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  fs::create_symlink("/dev/zero", folder / "endless");
  write_file(folder / "large", "");
  fs::resize_file(folder / "large", std::uintmax_t(1) << 41);  // sparse, takes no disk space
  for (const auto& [name, why] : {std::pair{"pipe", "it is a pipe or a device"},
                                  {"endless", "it is a pipe or a device"},
                                  {"large", "2199023255552 bytes are more than memory has free"}}) {
    std::string text;
    try {
      read_file(folder / name);
    } catch (const FileError& e) { text = e.what(); }
    CHECK(text.starts_with(folder / name + ": can't be read: " + why));
  }
  CHECK_THROWS_AS(append_file(folder / "pipe", "x"), DiskError);
}

TEST_CASE("links are not followed when a file is changed in place") {
  const TemporaryFolder folder;
  write_file(folder / "victim", "precious");
  fs::create_directory(folder / "run");
  for (const char* name : {"run/.lock", "run/metrics.jsonl"})
    fs::create_symlink("../victim", folder / name);
  CHECK_THROWS_AS(FolderLock(folder / "run"), DiskError);
  CHECK_THROWS_AS(append_file(folder / "run/metrics.jsonl", "x"), DiskError);
  CHECK_THROWS_AS(sync_file(folder / "run/metrics.jsonl"), DiskError);
  write_file(folder / "run/metrics.jsonl", "new");  // replaces the link
  CHECK(read_file(folder / "victim") == "precious");
}

TEST_CASE("only what a killed write left behind counts as temporary") {
  const TemporaryFolder folder;
  const std::vector<std::string> others{"a.tmp",         "a.1.tmp",  "a.b.1.tmp",
                                        "a.1.2.tmp.old", ".1.2.tmp", "a1.2.tmp"};
  for (const std::string& name : others) write_file(folder / name, "");
  write_file(folder / "config.toml.123.4.tmp", "");
  remove_temporaries(folder.path);
  CHECK_FALSE(fs::exists(folder / "config.toml.123.4.tmp"));
  for (const std::string& name : others) CHECK(fs::exists(folder / name));
}

TEST_CASE("safetensors read back as they were written, in the same order") {
  const TemporaryFolder folder;
  write_safetensors(folder / "a", small());
  const Safetensors back = read_safetensors(folder / "a");
  REQUIRE(back.tensors.size() == 2);
  CHECK(back.tensors[0].first == "z.first");
  CHECK(back.tensors[0].second.shape == Shape{2, 3});
  CHECK(back.tensors[0].second[5] == real(1.25));
  CHECK(back.tensors[1].first == "a.second");
  CHECK(back.tensors[1].second[0] == -7);
  CHECK(back.metadata == small().metadata);

  write_safetensors(folder / "b", back);
  CHECK(read_file(folder / "a") == read_file(folder / "b"));
}

TEST_CASE("a safetensors file has the published layout") {
  const TemporaryFolder folder;
  Tensor one({1, 1});
  one[0] = 1;
  write_safetensors(folder / "a", {{{"x", one}}, {}});
  const std::string header = R"({"x":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}})";
  REQUIRE(header.size() == 56);  // a multiple of 8: no padding
  CHECK(read_file(folder / "a") == little(56) + header + bytes<float>({1}));
}

TEST_CASE("a scalar is valid in safetensors, and so is a file without tensors") {
  const Safetensors scalar = parse_safetensors(
      with_header(R"({"x":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})", 4), "a");
  CHECK(scalar.tensors[0].second.shape.empty());
  CHECK(parse_safetensors(with_header("{}"), "a").tensors.empty());
}

TEST_CASE("impossible safetensors are refused in one line that names the file") {
  auto tensor = [](const std::string& type, const std::string& shape, const std::string& offsets) {
    return R"({"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
  };
  auto one = [&](const std::string& shape, const std::string& offsets, std::size_t data = 8) {
    return with_header("{\"x\":" + tensor("F32", shape, offsets) + "}", data);
  };
  auto two = [&](const std::string& first, const std::string& second) {
    return with_header(
        "{\"x\":" + tensor("F32", "[1]", first) + ",\"y\":" + tensor("F32", "[1]", second) + "}",
        12);
  };
  REQUIRE(error_of(one("[2]", "[0,8]")).empty());

  CHECK(refused("", "it has only 0 bytes"));
  CHECK(refused("1234567", "it has only 7 bytes"));
  CHECK(refused(little(~0ull) + "{}", "its header is cut off"));
  CHECK(refused(with_header("{" + std::string(5 << 20, ' ') + "}"), "more than any model's"));
  CHECK(refused(with_header(""), "does not begin with '{'"));
  CHECK(refused(with_header("[]"), "does not begin with '{'"));
  CHECK(refused(with_header("{\"x\":"), "JSON can't be read"));
  CHECK(refused(with_header("{} {}"), "JSON can't be read"));
  CHECK(refused(with_header("{\"\xff\":1}"), "JSON can't be read"));
  CHECK(refused(with_header("{\"x\":1e999}"), "JSON can't be read"));
  CHECK(refused(with_header("{\"x\":" + std::string(1000, '[') + std::string(1000, ']') + "}"),
                "nests too deep"));
  CHECK(refused(with_header("{\"x\":" + tensor("F32", "[1]", "[0,4]") +
                                ",\"x\":" + tensor("F32", "[1]", "[4,8]") + "}",
                            8),
                "names 'x' twice"));
  CHECK(refused(with_header("{\"x\":" + tensor("F16", "[2]", "[0,4]") + "}", 4), "of type F16"));
  CHECK(refused(with_header(R"({"x":{}})"), "no proper dtype"));
  CHECK(refused(with_header(R"({"x":3})"), "no proper dtype"));
  CHECK(refused(with_header(R"({"__metadata__":3})"), "is not an object"));
  CHECK(refused(with_header(R"({"__metadata__":{"a":3}})"), "is not a string"));

  CHECK(refused(one("[3]", "[0,8]"), "impossible extent of 3"));
  CHECK(refused(one("[1]", "[0,8]"), "8 bytes where its shape needs 4"));
  CHECK(refused(one("[0]", "[0,0]", 0), "impossible extent of 0"));
  CHECK(refused(one("[-2]", "[0,8]"), "no proper dtype"));
  CHECK(refused(one("[2.0]", "[0,8]"), "no proper dtype"));
  CHECK(refused(one("[4294967298]", "[0,8]"), "impossible extent"));
  CHECK(refused(one("[2147483648,2147483648,4]", "[0,8]"), "impossible extent"));
  CHECK(refused(one("[18446744073709551616]", "[0,8]"), "no proper dtype"));
  CHECK(refused(one("[2]", "[0,16]"), "ends outside"));
  CHECK(refused(one("[2]", "[8,0]"), "ends outside"));
  CHECK(refused(one("[2]", "[-8,0]"), "no proper dtype"));
  CHECK(refused(one("[2]", "[0,8]", 9), "1 bytes follow"));
  CHECK(refused(one("[1]", "[4,8]"), "does not follow"));
  CHECK(refused(two("[0,4]", "[0,4]"), "overlaps"));
  CHECK(refused(two("[0,4]", "[2,6]"), "overlaps"));
  CHECK(refused(two("[0,4]", "[8,12]"), "does not follow"));
  CHECK(refused(two("[4,8]", "[0,4]"), "4 bytes follow"));
}

TEST_CASE("a truncated safetensors file is refused at every length") {
  const TemporaryFolder folder;
  write_safetensors(folder / "a", small());
  const std::string whole = read_file(folder / "a");
  for (std::size_t n = 0; n < whole.size(); ++n) {
    INFO(n);
    CHECK_THROWS_AS(parse_safetensors(whole.substr(0, n), "a"), FileError);
  }
}

TEST_CASE("a safetensors file with any bit of its header flipped is refused or read") {
  const TemporaryFolder folder;
  write_safetensors(folder / "a", small());
  const std::string whole = read_file(folder / "a");
  int read = 0, unreadable = 0;
  for (std::size_t bit = 0; bit < 8 * (whole.size() - 7 * sizeof(float)); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = char(flipped[bit / 8] ^ (1 << bit % 8));
    try {
      parse_safetensors(flipped, "a");
      ++read;  // a letter of a name
    } catch (const FileError&) { ++unreadable; }
  }
  CHECK(read > 0);
  CHECK(unreadable > 1000);
}

TEST_CASE("npy files of every version with int32 or int64 are read") {
  const std::string dict = "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 3), }   \n";
  const std::string data = bytes<std::int64_t>({1, -1, 2147483647, -2147483648, 5, 6});
  for (const int version : {1, 2, 3}) {
    const IntArray a = parse_npy_ints(npy(dict, data, version), "t.npy");
    CHECK(a.shape == Shape{2, 3});
    CHECK(a.values == std::vector<int>{1, -1, 2147483647, -2147483648, 5, 6});
  }
  const IntArray b = parse_npy_ints(
      npy("{'shape': (2,), 'fortran_order': False, 'descr': '<i4'}", bytes<int>({7, -8})), "t.npy");
  CHECK(b.shape == Shape{2});
  CHECK(b.values == std::vector<int>{7, -8});
}

TEST_CASE("npy files of another kind are refused in a message that names the file") {
  auto dict = [](const std::string& type, const std::string& order, const std::string& shape) {
    return "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
  };
  auto error = [&](const std::string& header, const std::string& data) {
    const std::string text = npy_error(npy(header, data));
    CHECK(text.starts_with("t.npy: not an npy file of whole numbers: "));
    return text.substr(0, text.find(';'));
  };
  auto ends = [](const std::string& text, const std::string& end) {
    INFO(text);
    CHECK(text.ends_with(end));
  };
  const std::string two = bytes<int>({1, 2});
  REQUIRE(npy_error(npy(dict("<i4", "False", "(2,)"), two)).empty());

  ends(error(dict("<f4", "False", "(2,)"), two), "its type is <f4");
  ends(error(dict(">i4", "False", "(2,)"), two), "its type is >i4");
  ends(error(dict("<i4", "True", "(2,)"), two), "it is in Fortran order");
  ends(error(dict("<i4", "False", "(3,)"), two), "it is cut off");
  ends(error(dict("<i4", "False", "(1,)"), two), "it has another size than its shape says");
  ends(error(dict("<i4", "False", "(0,)"), two), "it is empty");
  ends(error(dict("<i4", "False", "(-2,)"), two), "its header can't be read");
  ends(error(dict("<i4", "False", "(4294967296, 4294967296)"), two), "it is cut off");
  ends(error(dict("<i4", "False", "(99999999999999999999,)"), two), "its header can't be read");
  ends(error(dict("<i8", "False", "(1,)"), bytes<std::int64_t>({1ll << 31})),
       "it holds 2147483648");
  ends(error(dict("<i4", "False", "(2,)") + "x", two), "its header can't be read");
  ends(error("{'descr': '<i4', 'shape': (2,)}", two), "its header can't be read");
  ends(error("{'descr': '<i4', 'descr': '<i4', 'fortran_order': False, 'shape': (2,)}", two),
       "its header can't be read");
  ends(error("", two), "its header can't be read");
  CHECK(npy_error(npy(dict("<i4", "False", "(2,)"), two, 4)).find("version") != std::string::npos);
  CHECK(npy_error("").find("does not begin") != std::string::npos);

  const std::string whole = npy(dict("<i4", "False", "(2,)"), two);
  for (std::size_t n = 0; n < whole.size(); ++n)
    CHECK_THROWS_AS(parse_npy_ints(whole.substr(0, n), "t.npy"), FileError);
  for (std::size_t bit = 0; bit < 8 * (whole.size() - two.size()); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = char(flipped[bit / 8] ^ (1 << bit % 8));
    npy_error(flipped);  // must throw nothing else
  }
}

TEST_CASE("npy files are written as float32 in C order, with data at a multiple of 64 bytes") {
  const TemporaryFolder folder;
  Tensor t({2, 1, 2});
  for (int i = 0; i < 4; ++i) t[i] = i;
  write_npy(folder / "a.npy", t.shape, {t.flat().begin(), t.flat().end()});
  const std::string content = read_file(folder / "a.npy");
  CHECK(content.substr(0, 10) == std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  CHECK(content.substr(10, 61) == "{'descr': '<f4', 'fortran_order': False, 'shape': (2,1,2,), }");
  CHECK(content[127] == '\n');
  CHECK(content.substr(128) == bytes<float>({0, 1, 2, 3}));
}
