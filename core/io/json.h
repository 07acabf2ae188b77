#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "core/options.h"

namespace yonder {

/// JSON that may come from anywhere: FileError, beginning with `path`, for what is not JSON, has
/// a key twice in one object, or nests deeper than any of our files does.
nlohmann::json parse_json(const std::string& text, const std::string& path);

/// Whether JSON can hold the text.
bool is_utf8(const std::string& text);

/// A number (without a point if it is whole), a text or true/false.
nlohmann::ordered_json json_of(const Value&);
/// The same read back. UsageError, beginning with `name`, for any other JSON.
Value value_of(const nlohmann::json&, const std::string& name);

}  // namespace yonder
