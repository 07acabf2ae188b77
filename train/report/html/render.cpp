#include "train/report/html/render.h"

#include <algorithm>
#include <kainjow/mustache.hpp>
#include <map>
#include <stdexcept>

#include "train/results/format.h"

namespace yonder {

const std::map<std::string, std::string>& page_files();  // CMakeLists.txt

namespace {

namespace mustache = kainjow::mustache;

// An empty text becomes false, so that its section is omitted.
mustache::data converted(const Json& value) {
  if (value.is_object()) {
    mustache::data object{mustache::data::type::object};
    for (const auto& [name, part] : value.items()) object.set(name, converted(part));
    return object;
  }
  if (value.is_array()) {
    mustache::data list{mustache::data::type::list};
    for (const Json& part : value) list.push_back(converted(part));
    return list;
  }
  if (value.is_boolean()) return mustache::data(value.get<bool>());
  const std::string text = value.is_string() ? value.get<std::string>()
                           : value.is_null() ? ""
                                             : value.dump();
  return text.empty() ? mustache::data(false) : mustache::data(text);
}

}  // namespace

std::string asset(const std::string& name) { return page_files().at(name); }

std::string escaped(const std::string& text) {
  std::string out;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    for (char c : printable(text.substr(from, end - from))) {
      if (c == '&') out += "&amp;";
      else if (c == '<') out += "&lt;";
      else if (c == '>') out += "&gt;";
      else if (c == '"') out += "&quot;";
      else if (c == '\'') out += "&#39;";
      else out += c;
    }
    if (end < text.size()) out += '\n';
    from = end + 1;
  }
  return out;
}

std::string rendered(const std::string& name, const Json& data) {
  mustache::data all = converted(data);
  const std::string ending = ".mustache";
  for (const auto& [file, content] : page_files())
    if (file.ends_with(ending))
      all.set(file.substr(0, file.size() - ending.size()),
              mustache::partial([&text = content] { return text; }));
  mustache::mustache page(asset(name + ending));
  if (!page.is_valid()) throw std::logic_error(name + ".mustache: " + page.error_message());
  page.set_custom_escape(escaped);
  return page.render(all);
}

}  // namespace yonder
