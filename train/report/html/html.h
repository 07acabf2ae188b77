#pragma once
#include <string>

/// \file
/// The few words of HTML that the report is made of.
namespace yonder {

/// Text as HTML shows it literally, in attributes too.
std::string escaped(const std::string& text);
/// "+0.12" or "−0.12", with a minus that is as wide as the plus.
std::string with_sign(double x, int digits);
/// <name attributes>content</name>; the content is HTML already.
std::string element(const std::string& name, const std::string& attributes,
                    const std::string& content);
inline std::string element(const std::string& name, const std::string& content) {
  return element(name, "", content);
}
/// A heading and what is below it, as a section that `#id` leads to; "" for no content.
std::string section(const std::string& id, const std::string& heading, const std::string& content);
/// A table that scrolls sideways where the screen is narrow. `rows` are <tr> elements.
std::string scrolling_table(const std::string& classes, const std::string& head,
                            const std::string& rows);

/// The whole page around its body: style sheet and script are inside.
std::string page(const std::string& title, const std::string& body);

}  // namespace yonder
