#pragma once
#include <nlohmann/json.hpp>
#include <string>

/// \file
/// The files of train/report/html, which are parts of the program, filled with data.
namespace yonder {

/// What templates are filled with.
using Json = nlohmann::json;

/// The content of one of the files: "page.css". std::logic_error if there is none.
std::string asset(const std::string& name);

/// Text as XML and HTML show it literally, in attributes too; a "?" for what is not printable, but
/// for line ends.
std::string escaped(const std::string& text);

/// `template`.mustache with its data. {{name}} is escaped, {{{name}}} is not; a section of an empty
/// text, list or null is left out; {{>name}} is name.mustache.
std::string rendered(const std::string& name, const Json& data);

}  // namespace yonder
