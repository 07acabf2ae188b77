#include "core/io/json.h"

#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "core/error.h"

namespace yonder {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr int deepest_nesting = 16;

json parse_json(const std::string& text, const std::string& path) {
  std::vector<std::set<std::string>> open;  // keys so far of each object not yet closed
  auto check = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > deepest_nesting) throw FileError(path + ": its JSON nests too deep; make it again");
    if (event == json::parse_event_t::object_start) open.emplace_back();
    if (event == json::parse_event_t::object_end) open.pop_back();
    if (event == json::parse_event_t::key && !open.back().insert(parsed).second)
      throw FileError(path + ": its JSON names '" + parsed.get<std::string>() +
                      "' twice; make it again");
    return true;
  };
  try {
    return json::parse(text, check);
  } catch (const json::exception&) {
    throw FileError(path + ": its JSON can't be read; copy or make it again");
  }
}

bool is_utf8(const std::string& text) try {
  return !json(text).dump().empty();
} catch (const json::exception&) { return false; }

ordered_json json_of(const Value& value) {
  return std::visit([](const auto& x) { return ordered_json(x); }, value);
}

Value value_of(const json& said, const std::string& name) {
  if (said.is_string()) return said.get<std::string>();
  if (said.is_boolean()) return said.get<bool>();
  if (said.is_number_unsigned() && said.get<std::uint64_t>() > std::uint64_t(INT64_MAX))
    return said.get<double>();
  if (said.is_number_integer()) return said.get<std::int64_t>();
  if (said.is_number()) return said.get<double>();
  throw UsageError("option '" + name + "' is not a number, string or boolean");
}

}  // namespace yonder
