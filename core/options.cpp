#include "core/options.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "core/error.h"
#include "core/renamed.h"

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

// Whole numbers below this are exact as doubles.
constexpr double exact = 0x1p53;

Value number(double x) {
  if (x == std::floor(x) && std::abs(x) < exact) return std::int64_t(x);
  return x;
}

int silent = 0;  // number of WithoutNotes alive

// Reads a number, or its text, if Number can represent it.
template <class Number>
bool read(const Value& value, Number& x) {
  if (auto* text = std::get_if<std::string>(&value)) return read(*text, x);
  const auto take = [&x](auto y) {
    if constexpr (std::is_integral_v<Number>)
      if (!(std::abs(double(y)) <= std::numeric_limits<Number>::max())) return false;
    x = Number(y);
    return std::is_floating_point_v<Number> || double(x) == double(y);
  };
  if (auto* i = std::get_if<std::int64_t>(&value)) return take(*i);
  auto* d = std::get_if<double>(&value);
  return d && take(*d);
}

bool holds_text(const Option& option) {
  return std::holds_alternative<std::string*>(option.value) ||
         std::holds_alternative<EnumField>(option.value);
}

// Reads a boolean, or its text.
std::optional<bool> truth_of(const Value& value) {
  if (auto* b = std::get_if<bool>(&value)) return *b;
  const std::string text = text_of(value);
  if (text == "true" || text == "false") return text == "true";
  return {};
}

}  // namespace

Value parse_value(const std::string& text) {
  if (const auto truth = truth_of(text)) return *truth;
  if (std::int64_t i; read(text, i) && std::to_string(i) == text) return i;
  if (double d; read(text, d) && std::isfinite(d) && shortest(d) == text) return d;
  return text;
}

std::string text_of(const Value& value) {
  if (auto* b = std::get_if<bool>(&value)) return *b ? "true" : "false";
  if (auto* i = std::get_if<std::int64_t>(&value)) return std::to_string(*i);
  if (auto* d = std::get_if<double>(&value)) return shortest(*d);
  return std::get<std::string>(value);
}

WithoutNotes::WithoutNotes() { ++silent; }
WithoutNotes::~WithoutNotes() { --silent; }

namespace {

std::vector<std::string>& notes() {
  static std::vector<std::string> all;
  return all;
}

}  // namespace

std::vector<std::string> renamed_notes() { return notes(); }

void note_renamed(const std::string& former, const std::string& name) {
  static std::set<std::string> noted;
  if (silent == 0 && noted.insert(former).second) notes().push_back(former + " is now " + name);
}

std::string snake_case(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::string kebab_case(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

bool is_named(const std::string& given, const std::string& name, const std::string& former) {
  if (snake_case(given) == snake_case(name)) return true;
  if (former.empty() || snake_case(given) != snake_case(former)) return false;
  note_renamed(given, name);
  return true;
}

std::optional<Option> find(const Options& options, const std::string& name) {
  for (const Option& o : options)
    if (is_named(name, o.name, o.former)) return o;
  return {};
}

void assign(const Option& option, const std::string& owner, const Value& value) {
  auto refuse = [&] {
    const std::string text = text_of(value),
                      name = owner.empty() ? option.name : owner + "." + option.name;
    throw UsageError(fmt::format("{}: '{}' is not allowed; it takes {}{}", name, text,
                                 allowed(option), did_you_mean(text, option.choices)));
  };
  auto number = [&](auto* field) {
    std::remove_pointer_t<decltype(field)> x;
    if (!read(value, x) || !std::isfinite(double(x))) refuse();
    if (option.open ? x <= option.least || x >= option.most : x < option.least || x > option.most)
      refuse();
    *field = x;
  };
  if (auto* i = std::get_if<int*>(&option.value)) number(*i);
  if (auto* d = std::get_if<double*>(&option.value)) number(*d);
  auto truth = [&](auto* field) {
    const auto x = truth_of(value);
    if (!x) refuse();
    *field = *x;
  };
  if (auto* b = std::get_if<bool*>(&option.value)) truth(*b);
  if (auto* b = std::get_if<std::optional<bool>*>(&option.value)) truth(*b);
  if (!holds_text(option)) return;
  const auto& c = option.choices;
  const std::string text = text_of(typed(option, value));
  const auto chosen = std::find(c.begin(), c.end(), text);
  if (!c.empty() && chosen == c.end()) refuse();
  if (auto* e = std::get_if<EnumField>(&option.value)) e->set(e->field, int(chosen - c.begin()));
  else *std::get<std::string*>(option.value) = text;
}

Value value_of(const Option& option) {
  if (auto* i = std::get_if<int*>(&option.value)) return std::int64_t(**i);
  if (auto* d = std::get_if<double*>(&option.value)) return number(**d);
  if (auto* b = std::get_if<bool*>(&option.value)) return **b;
  if (auto* b = std::get_if<std::optional<bool>*>(&option.value))
    return **b ? Value(***b) : Value("auto");
  if (auto* e = std::get_if<EnumField>(&option.value)) return option.choices[e->get(e->field)];
  return *std::get<std::string*>(option.value);
}

std::string text_of(const Option& option) { return text_of(value_of(option)); }

Value typed(const Option& option, const Value& value) {
  if (holds_text(option)) {
    for (const auto& [before, now] : option.former_choices)
      if (text_of(value) == before) return note_renamed(before, now), now;
    return option.canonical ? option.canonical(text_of(value)) : text_of(value);
  }
  if (std::holds_alternative<int*>(option.value) || std::holds_alternative<double*>(option.value)) {
    double x;
    return read(value, x) && std::isfinite(x) ? number(x) : value;
  }
  const auto truth = truth_of(value);
  return truth ? Value(*truth) : value;
}

std::vector<OptionView> views(const Options& options) {
  std::vector<OptionView> all;
  for (const Option& o : options)
    all.push_back({o.name, value_of(o), o.inference_time, o.affects_result, o.per_machine});
  return all;
}

std::string allowed(const Option& option) {
  if (std::holds_alternative<bool*>(option.value) ||
      std::holds_alternative<std::optional<bool>*>(option.value))
    return "true or false";
  if (holds_text(option)) {
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
