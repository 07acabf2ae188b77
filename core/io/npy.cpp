#include <charconv>
#include <cstring>
#include <limits>

#include "core/error.h"
#include "core/io/files.h"
#include "core/io/npy.h"

// A file is "\x93NUMPY", the version (2 bytes), the header's length (2 bytes in version 1, 4 in 2
// and 3), the header (a Python dict as text), the data:
//   {'descr': '<i8', 'fortran_order': False, 'shape': (2, 3), }
namespace yonder {
namespace {

[[noreturn]] void invalid(const std::string& path, const std::string& why) {
  throw FileError(path + ": not an npy file of whole numbers: " + why +
                  "; write it by numpy.save as int32 or int64");
}

struct Header {
  std::string type;
  bool fortran = false;
  std::vector<std::uint64_t> shape;
};

/// Reads the header's dict from left to right.
class Reader {
 public:
  Reader(std::string_view text, const std::string& path) : rest_(text), path_(path) {}

  Header header() {
    Header h;
    bool type = false, order = false, shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !type) type = true, h.type = quoted();
      else if (key == "fortran_order" && !order) order = true, h.fortran = boolean();
      else if (key == "shape" && !shape) shape = true, h.shape = tuple();
      else fail();
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    spaces();
    if (!rest_.empty() || !type || !order || !shape) fail();
    return h;
  }

 private:
  std::string_view rest_;
  const std::string& path_;

  [[noreturn]] void fail() const { invalid(path_, "its header can't be read"); }

  void spaces() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n')) rest_.remove_prefix(1);
  }
  bool accept(char c) {
    spaces();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail();
  }
  std::string quoted() {
    expect('\'');
    const std::size_t end = rest_.find('\'');
    if (end == rest_.npos) fail();
    const std::string text(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return text;
  }
  bool boolean() {
    spaces();
    for (const std::string_view word : {"True", "False"})
      if (rest_.starts_with(word)) {
        rest_.remove_prefix(word.size());
        return word == "True";
      }
    fail();
  }
  std::vector<std::uint64_t> tuple() {
    std::vector<std::uint64_t> numbers;
    expect('(');
    while (!accept(')')) {
      spaces();
      std::uint64_t n = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), n);
      if (error != std::errc()) fail();
      rest_.remove_prefix(std::size_t(end - rest_.data()));
      numbers.push_back(n);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return numbers;
  }
};

/// The header's text and the data after it.
std::pair<std::string_view, std::string_view> split(std::string_view content,
                                                    const std::string& path) {
  if (!content.starts_with("\x93NUMPY")) invalid(path, "it does not begin like one");
  if (content.size() < 12) invalid(path, "it is cut off");
  const auto byte = [&](int i) { return std::size_t(static_cast<unsigned char>(content[i])); };
  if (byte(6) < 1 || byte(6) > 3) invalid(path, "its version is unknown");
  const std::size_t start = byte(6) == 1 ? 10 : 12;
  std::size_t length = byte(8) | byte(9) << 8;
  if (byte(6) > 1) length |= byte(10) << 16 | byte(11) << 24;
  if (length > content.size() - start) invalid(path, "its header is cut off");
  return {content.substr(start, length), content.substr(start + length)};
}

// Checks everything against `room`, the number of elements actually present.
std::vector<int> checked(const std::vector<std::uint64_t>& said, std::uint64_t room,
                         const std::string& path) {
  std::vector<int> shape;
  std::uint64_t elements = 1;
  for (const std::uint64_t extent : said) {
    if (extent == 0) invalid(path, "it is empty");
    if (extent > std::uint64_t(std::numeric_limits<int>::max()) || extent > room / elements)
      invalid(path, "it is cut off");
    elements *= extent;
    shape.push_back(int(extent));
  }
  if (elements != room) invalid(path, "it has another size than its shape says");
  return shape;
}

}  // namespace

IntArray parse_npy_ints(const std::string& content, const std::string& path) {
  const auto [text, data] = split(content, path);
  const Header header = Reader(text, path).header();
  if (header.type != "<i4" && header.type != "<i8") invalid(path, "its type is " + header.type);
  if (header.fortran) invalid(path, "it is in Fortran order");
  const std::size_t width = header.type == "<i4" ? 4 : 8;
  if (data.size() % width) invalid(path, "it is cut off");

  IntArray array{checked(header.shape, data.size() / width, path), {}};
  array.values.reserve(data.size() / width);
  for (std::size_t at = 0; at < data.size(); at += width) {
    std::int32_t narrow;
    std::int64_t value;
    if (width == 4) {
      std::memcpy(&narrow, data.data() + at, width);
      value = narrow;
    } else {
      std::memcpy(&value, data.data() + at, width);
    }
    if (value != std::int64_t(int(value))) invalid(path, "it holds " + std::to_string(value));
    array.values.push_back(int(value));
  }
  return array;
}

IntArray read_npy_ints(const std::string& path) { return parse_npy_ints(read_file(path), path); }

void write_npy(const std::string& path, const std::vector<int>& shape,
               const std::vector<float>& values) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (const int extent : shape) header += std::to_string(extent) + ",";
  header += "), }";
  // magic, version and length take 10 bytes; with them the header ends at a multiple of 64
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 10 - 1, ' ');
  header += '\n';

  std::string content("\x93NUMPY\x01\x00", 8);
  content += char(header.size() & 255);
  content += char(header.size() >> 8);
  content += header;
  for (const float x : values) content.append(reinterpret_cast<const char*>(&x), sizeof x);
  write_file(path, content);
}

}  // namespace yonder
