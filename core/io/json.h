#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "core/options.h"

namespace yonder {

/// Parses untrusted JSON. Throws FileError, beginning with `path`, if it is not valid, repeats a
/// key in one object, or nests deeper than any of our files.
nlohmann::json parse_json(const std::string& text, const std::string& path);

/// Whether the text is valid UTF-8, as JSON requires.
bool is_utf8(const std::string& text);

/// A number (an integer has no decimal point), a string or a boolean.
nlohmann::ordered_json json_of(const Value&);
/// The inverse. Throws UsageError, naming option `name`, for any other JSON.
Value value_of(const nlohmann::json&, const std::string& name);

}  // namespace yonder
