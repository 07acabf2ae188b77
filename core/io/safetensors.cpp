#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/files.h"
#include "core/io/json.h"
#include "core/io/safetensors.h"

// A file is the header's length (8 bytes, little-endian), the header (JSON), the data:
//   {"__metadata__": {"key": "text"},
//    "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}
// Offsets count from the header's end; the tensors fill the data without gaps.
namespace yonder {
namespace {

static_assert(std::endian::native == std::endian::little, "files hold little-endian numbers");

using nlohmann::json;

constexpr std::size_t prefix = 8;
constexpr std::size_t longest_header = 4 << 20;  // about 40 000 tensors; bounds the cost of parsing

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw FileError(path + ": not a complete safetensors file: " + why + "; copy or make it again");
}

/// A tensor's shape and location according to the header.
struct Entry {
  std::string name;
  Shape shape;
  std::uint64_t begin, end;
};

// Checks everything against `room`, the bytes actually present, before relying on it.
Entry entry(const std::string& name, const json& said, std::uint64_t room,
            const std::string& path) {
  const std::string who = "tensor '" + name + "' ";
  auto is = [](const json& x, std::size_t least, std::size_t most) {
    return x.is_array() && x.size() >= least && x.size() <= most &&
           std::all_of(x.begin(), x.end(), [](const json& n) { return n.is_number_unsigned(); });
  };
  if (!said.is_object() || !said.contains("dtype") || !said["dtype"].is_string() ||
      !said.contains("shape") || !is(said["shape"], 0, 16) || !said.contains("data_offsets") ||
      !is(said["data_offsets"], 2, 2))
    refuse(path, who + "has no proper dtype, shape and data_offsets");
  if (said["dtype"] != "F32")
    throw FileError(fmt::format("{}: {}is of type {}; convert it to F32", path, who,
                                said["dtype"].get<std::string>()));

  Entry e{name, {}, said["data_offsets"][0], said["data_offsets"][1]};
  if (e.begin > e.end || e.end > room) refuse(path, who + "ends outside the file");
  std::uint64_t bytes = sizeof(float);
  for (const json& n : said["shape"]) {
    const auto extent = n.get<std::uint64_t>();
    if (extent == 0 || extent > std::uint64_t(std::numeric_limits<int>::max()) ||
        extent > room / bytes)
      refuse(path, fmt::format("{}has an impossible extent of {}", who, extent));
    bytes *= extent;
    e.shape.push_back(int(extent));
  }
  if (bytes != e.end - e.begin)
    refuse(path,
           fmt::format("{}has {} bytes where its shape needs {}", who, e.end - e.begin, bytes));
  return e;
}

std::map<std::string, std::string> metadata(const json& said, const std::string& path) {
  if (!said.is_object()) refuse(path, "__metadata__ is not an object");
  std::map<std::string, std::string> result;
  for (const auto& [key, value] : said.items()) {
    if (!value.is_string()) refuse(path, "the metadata '" + key + "' is not a string");
    result[key] = value;
  }
  return result;
}

std::uint64_t header_length(const std::string& content, const std::string& path) {
  if (content.size() < prefix) refuse(path, fmt::format("it has only {} bytes", content.size()));
  std::uint64_t length;
  std::memcpy(&length, content.data(), prefix);
  if (length > content.size() - prefix) refuse(path, "its header is cut off");
  if (length > longest_header)
    refuse(path, fmt::format("its header has {} bytes, more than any model's", length));
  if (length == 0 || content[prefix] != '{') refuse(path, "its header does not begin with '{'");
  return length;
}

}  // namespace

Safetensors parse_safetensors(const std::string& content, const std::string& path) {
  const std::uint64_t length = header_length(content, path);
  const json said = parse_json(content.substr(prefix, length), path);
  const char* data = content.data() + prefix + length;
  const std::uint64_t room = content.size() - prefix - length;

  Safetensors result;
  std::vector<Entry> entries;
  for (const auto& [name, value] : said.items())
    if (name == "__metadata__") result.metadata = metadata(value, path);
    else entries.push_back(entry(name, value, room, path));

  // JSON objects are unordered; the data is not.
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.begin < b.begin; });
  std::uint64_t next = 0;
  for (const Entry& e : entries) {
    if (e.begin != next)
      refuse(path, "tensor '" + e.name + "' " +
                       (e.begin < next ? "overlaps another" : "does not follow the one before it"));
    next = e.end;
  }
  if (next != room) refuse(path, fmt::format("{} bytes follow the last tensor", room - next));

  for (const Entry& e : entries) {
    Tensor t = Tensor::uninitialized(e.shape);
    const char* from = data + e.begin;
    for (std::int64_t i = 0; i < t.size(); ++i) {
      float x;
      std::memcpy(&x, from + i * sizeof x, sizeof x);
      t[i] = real(x);
    }
    result.tensors.emplace_back(e.name, std::move(t));
  }
  return result;
}

Safetensors read_safetensors(const std::string& path) {
  return parse_safetensors(read_file(path), path);
}

std::string format_safetensors(const Safetensors& file) {
  nlohmann::ordered_json said = nlohmann::ordered_json::object();
  if (!file.metadata.empty()) said["__metadata__"] = file.metadata;
  std::uint64_t next = 0;
  for (const auto& [name, t] : file.tensors) {
    assert(!said.contains(name) && t.size() > 0);
    const std::uint64_t end = next + std::uint64_t(t.size()) * sizeof(float);
    said[name] = {{"dtype", "F32"}, {"shape", t.shape}, {"data_offsets", {next, end}}};
    next = end;
  }
  std::string header = said.dump(-1, ' ', false, json::error_handler_t::replace);
  header.resize((header.size() + 7) / 8 * 8, ' ');  // so that the data is aligned

  std::string content;
  content.reserve(prefix + header.size() + next);
  const std::uint64_t length = header.size();
  content.append(reinterpret_cast<const char*>(&length), prefix);
  content += header;
  for (const auto& [name, t] : file.tensors)
    for (const real element : t.flat()) {
      const float x = float(element);
      content.append(reinterpret_cast<const char*>(&x), sizeof x);
    }
  return content;
}

void write_safetensors(const std::string& path, const Safetensors& file) {
  write_file(path, format_safetensors(file));
}

void copy_tensors(const NamedTensors& from, const NamedTensors& to) {
  const std::map<std::string, Tensor> saved(from.begin(), from.end());
  for (const auto& [name, tensor] : to) {
    const auto found = saved.find(name);
    if (found == saved.end()) throw UsageError("tensor '" + name + "' is missing");
    if (found->second.shape != tensor.shape)
      throw UsageError("tensor '" + name + "' has another shape");
  }
  if (saved.size() != to.size()) throw UsageError("there are unknown tensors in it");
  for (const auto& [name, tensor] : to)
    std::copy_n(saved.at(name).data.get(), tensor.size(), tensor.data.get());
}

}  // namespace yonder
