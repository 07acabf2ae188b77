#include "core/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/error.h"

namespace yonder {
namespace {

std::string shortest(double x) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, x).ptr};
}

template <class Number>
bool read(const std::string& text, Number& x) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  return error == std::errc() && end == text.data() + text.size();
}

// Number of insertions, deletions, replacements and swaps of neighbours that turn a into b.
int edits(const std::string& a, const std::string& b) {
  std::vector<std::vector<int>> d(a.size() + 1, std::vector<int>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i)
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (!i || !j) {
        d[i][j] = int(i + j);
        continue;
      }
      d[i][j] =
          std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

}  // namespace

Option* find(Options& options, const std::string& name) {
  for (Option& o : options)
    if (o.name == name) return &o;
  return nullptr;
}

void assign(const Option& option, const std::string& owner, const std::string& text) {
  auto refuse = [&] {
    const std::string name = owner.empty() ? option.name : owner + "." + option.name;
    throw UsageError(name + ": '" + text + "' is not allowed; it takes " + allowed(option) +
                     did_you_mean(text, option.choices));
  };
  auto number = [&](auto* field) {
    std::remove_pointer_t<decltype(field)> x;
    if (!read(text, x) || !std::isfinite(double(x))) refuse();
    if (option.open ? x <= option.least || x >= option.most : x < option.least || x > option.most)
      refuse();
    *field = x;
  };
  if (auto* i = std::get_if<int*>(&option.value)) number(*i);
  if (auto* d = std::get_if<double*>(&option.value)) number(*d);
  auto truth = [&](auto* field) {
    if (text != "true" && text != "false") refuse();
    *field = text == "true";
  };
  if (auto* b = std::get_if<bool*>(&option.value)) truth(*b);
  if (auto* b = std::get_if<std::optional<bool>*>(&option.value)) truth(*b);
  if (auto* s = std::get_if<std::string*>(&option.value)) {
    const auto& c = option.choices;
    if (!c.empty() && std::find(c.begin(), c.end(), text) == c.end()) refuse();
    **s = text;
  }
}

std::string text_of(const Option& option) {
  if (auto* i = std::get_if<int*>(&option.value)) return std::to_string(**i);
  if (auto* d = std::get_if<double*>(&option.value)) return shortest(**d);
  if (auto* b = std::get_if<bool*>(&option.value)) return **b ? "true" : "false";
  if (auto* b = std::get_if<std::optional<bool>*>(&option.value))
    return !**b ? "auto" : ***b ? "true" : "false";
  return *std::get<std::string*>(option.value);
}

std::string allowed(const Option& option) {
  if (std::holds_alternative<bool*>(option.value) ||
      std::holds_alternative<std::optional<bool>*>(option.value))
    return "true or false";
  if (std::holds_alternative<std::string*>(option.value)) {
    if (option.choices.empty()) return "any text";
    std::string list;
    for (std::size_t i = 0; i < option.choices.size(); ++i)
      list += (i == 0 ? "" : i + 1 == option.choices.size() ? " or " : ", ") + option.choices[i];
    return list;
  }
  const std::string kind =
      std::holds_alternative<int*>(option.value) ? "a whole number" : "a number";
  const bool low = std::isfinite(option.least), high = std::isfinite(option.most);
  const std::string from = option.open ? " above " : " from ",
                    to = option.open ? " and below " : " to ";
  if (low && high) return kind + from + shortest(option.least) + to + shortest(option.most);
  if (low) return kind + (option.open ? " above " : " of at least ") + shortest(option.least);
  if (high) return kind + (option.open ? " below " : " of at most ") + shortest(option.most);
  return kind;
}

std::vector<std::string> split(const std::string& list, char at) {
  std::vector<std::string> parts(1);
  for (char c : list)
    if (c == at) parts.emplace_back();
    else parts.back() += c;
  return parts;
}

std::string nearest(const std::string& name, const std::vector<std::string>& candidates) {
  std::string best;
  int fewest = std::max(2, int(name.size()) / 3) + 1;
  for (const std::string& c : candidates)
    if (const int n = edits(name, c); n < fewest) fewest = n, best = c;
  return best;
}

std::string did_you_mean(const std::string& name, const std::vector<std::string>& candidates) {
  const std::string best = nearest(name, candidates);
  return best.empty() ? "" : "; did you mean '" + best + "'?";
}

}  // namespace yonder
