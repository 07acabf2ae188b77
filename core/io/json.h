#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace yonder {

/// JSON that may come from anywhere: FileError, beginning with `path`, for what is not JSON, has
/// a key twice in one object, or nests deeper than any of our files does.
nlohmann::json parse_json(const std::string& text, const std::string& path);

}  // namespace yonder
