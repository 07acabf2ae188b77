#include "train/report/html/render.h"

#include <algorithm>
#include <kainjow/mustache.hpp>
#include <stdexcept>

#include "train/results/format.h"

namespace yonder {

extern const char* const page_files[];
extern const int page_count;

namespace {

namespace mustache = kainjow::mustache;

// An empty text is false, so that a section of it is left out.
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

std::string asset(const std::string& name) {
  for (int i = 0; i < page_count; ++i)
    if (page_files[2 * i] == name) return page_files[2 * i + 1];
  throw std::logic_error("train/report/html has no " + name);
}

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
  for (int i = 0; i < page_count; ++i) {
    const std::string file = page_files[2 * i], ending = ".mustache";
    const char* content = page_files[2 * i + 1];
    if (file.ends_with(ending))
      all.set(file.substr(0, file.size() - ending.size()),
              mustache::partial([content] { return std::string(content); }));
  }
  mustache::mustache page(asset(name + ".mustache"));
  if (!page.is_valid()) throw std::logic_error(name + ".mustache: " + page.error_message());
  page.set_custom_escape(escaped);
  return page.render(all);
}

}  // namespace yonder
