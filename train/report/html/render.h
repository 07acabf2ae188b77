#pragma once
#include <nlohmann/json.hpp>
#include <string>

/// \file
/// Fills the files of train/report/html, which are embedded in the program, with data.
namespace yonder {

/// What templates are filled with.
using Json = nlohmann::json;

/// Returns the content of one of the files: "page.css". Throws std::out_of_range if there is none.
std::string asset(const std::string& name);

/// Escapes text for XML and HTML, attributes included; unprintable characters other than line ends
/// become "?".
std::string escaped(const std::string& text);

/// Renders `name`.mustache with data. {{x}} is escaped, {{{x}}} is not; sections of an empty text
/// or list, or of null, are omitted; {{>x}} includes x.mustache.
std::string rendered(const std::string& name, const Json& data);

}  // namespace yonder
