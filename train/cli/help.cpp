#include "train/cli/help.h"

namespace yonder {

std::string wrapped(std::string text, const std::string& words, std::size_t indent,
                    const std::string& more) {
  std::size_t column = text.size() - (text.rfind('\n') + 1);
  bool first = true;
  for (const std::string& word : split(words, ' ')) {
    if (first) first = false;
    else if (column + 1 + word.size() + more.size() <= help_width) text += ' ', ++column;
    else text += more + "\n" + std::string(indent, ' '), column = indent;
    text += word;
    column += word.size();
  }
  return text + "\n";
}

std::string placeholder(const Option& option) {
  if (!option.placeholder.empty()) return option.placeholder;
  if (std::holds_alternative<int*>(option.value)) return "N";
  if (std::holds_alternative<double*>(option.value)) return "X";
  if (!option.choices.empty()) return "NAME";
  return std::holds_alternative<std::string*>(option.value) ? "TEXT" : "true|false";
}

std::string meaning(const Option& option) {
  std::string text = option.help;
  if (!option.choices.empty()) text += ": " + allowed(option);
  const bool list = std::visit([](const auto& field) { return !field; }, option.value);
  std::string start = option.default_text;
  if (start.empty() && !list) start = text_of(option);
  if (std::holds_alternative<bool*>(option.value) && start == "false") start = "";
  return start.empty() ? text : text + " [" + start + "]";
}

}  // namespace yonder
