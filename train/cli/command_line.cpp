#include "train/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>

#include "core/error.h"
#include "datasets/base/dataset.h"

namespace yonder {
namespace {

constexpr std::size_t meaning_column = 30, width = 100;  // of the help

// The text and then these words, in lines that fit; all but the first begin in column `indent`, and
// all but the last end in `more`.
std::string wrapped(std::string text, const std::string& words, std::size_t indent,
                    const std::string& more = "") {
  std::size_t column = text.size() - (text.rfind('\n') + 1);
  bool first = true;
  for (const std::string& word : split(words, ' ')) {
    if (first) first = false;
    else if (column + 1 + word.size() + more.size() <= width) text += ' ', ++column;
    else text += more + "\n" + std::string(indent, ' '), column = indent;
    text += word;
    column += word.size();
  }
  return text + "\n";
}

// A line of the help: a flag, and what it means from column `meaning_column` on.
std::string help_line(const std::string& left, const std::string& meaning) {
  std::string line = "  " + left;
  if (line.size() + 2 > meaning_column) line += "\n" + std::string(meaning_column, ' ');
  line.resize(std::max(line.size(), meaning_column), ' ');
  return wrapped(line, meaning, meaning_column);
}

std::string placeholder(const Option& option) {
  if (std::holds_alternative<int*>(option.value)) return "N";
  if (std::holds_alternative<double*>(option.value)) return "X";
  if (std::holds_alternative<bool*>(option.value)) return "true|false";
  return option.choices.empty() ? "TEXT" : "NAME";
}

std::string meaning(const Option& option) {
  std::string text = option.help;
  if (!option.choices.empty()) text += ": " + allowed(option);
  const std::string start = option.default_text.empty() ? text_of(option) : option.default_text;
  return start.empty() ? text : text + " [" + start + "]";
}

int whole_number(const std::string& flag, const std::string& text) {
  int n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size() || n < 1 || n > 1 << 24)
    throw UsageError(flag + ": '" + text +
                     "' is not allowed; it takes whole numbers from 1 to 16777216 with commas "
                     "between, like 32,64,128");
  return n;
}

}  // namespace

struct Flags::Line {
  std::string verb;
  CLI::App app;
  std::string opening;                                         // of the help
  std::vector<std::pair<std::string, std::string>> headings;   // and the lines below
  std::vector<std::string> known;                              // flags
  std::vector<std::pair<std::string, CLI::Option*>> required;  // arguments
  // They hold the defaults that their options point at.
  std::vector<std::unique_ptr<Encoding>> encodings;
  std::vector<std::unique_ptr<Task>> tasks;

  void show(const std::string& heading, const std::string& left, const std::string& meaning) {
    for (auto& [name, lines] : headings)
      if (name == heading) return void(lines += help_line(left, meaning));
    headings.emplace_back(heading, help_line(left, meaning));
  }

  // A flag with a value, which `take` gets as text.
  void flag(const std::string& name, std::function<void(const std::string&)> take) {
    known.push_back(name);
    auto* option = app.add_option_function<std::string>(name, [this, name, take](std::string text) {
      if (std::find(known.begin(), known.end(), text) != known.end())
        throw UsageError(name + ": needs a value, and " + text + " is a flag itself");
      take(text);
    });
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }

  // The flag of a registered encoding's or task's option. One that training fixes is known when
  // testing, so that it can be refused for what it is, but not shown.
  void registered(const std::string& heading, const OptionKey& key, const Option& option,
                  Overrides& given, When when) {
    const std::string flag_name = key == "text.path" ? "--text" : "--" + text_of(key);
    flag(flag_name, [&given, key, option](const std::string& text) {
      given.push_back({key, typed(option, text)});
    });
    if (when == When::testing && !option.test_time) return;
    show(heading, flag_name + " " + placeholder(option), meaning(option));
  }
};

Flags::Flags(std::string verb, std::string summary, std::vector<std::string> examples)
    : line_(new Line) {
  line_->verb = std::move(verb);
  line_->opening = wrapped("", "yonder " + line_->verb + ": " + summary, 2) + "\nExamples\n";
  for (const std::string& e : examples) line_->opening += wrapped("  ", e, 6, " \\");
  line_->app.set_help_flag();
  line_->app.allow_extras();
}

Flags::~Flags() = default;

void Flags::add(const std::string& heading, const Options& options) {
  for (Option o : options) {
    o.name = "--" + o.name;
    line_->show(heading, o.name + " " + placeholder(o), meaning(o));
    line_->flag(o.name, [o](const std::string& text) { assign(o, "", text); });
  }
}

void Flags::text(const std::string& heading, const std::string& flag,
                 const std::string& placeholder, std::string& value, const std::string& help) {
  line_->show(heading, flag + " " + placeholder, value.empty() ? help : help + " [" + value + "]");
  line_->flag(flag, [&value, flag](const std::string& text) {
    if (text.empty()) throw UsageError(flag + ": needs a value, and it is empty");
    value = text;
  });
}

void Flags::numbers(const std::string& heading, const std::string& flag, std::vector<int>& value,
                    const std::string& help) {
  line_->show(heading, flag + " N,N,...", help);
  line_->flag(flag, [&value, flag](const std::string& text) {
    value.clear();
    for (const std::string& part : split(text, ',')) value.push_back(whole_number(flag, part));
  });
}

void Flags::names(const std::string& heading, const std::string& flag,
                  const std::string& placeholder, std::vector<std::string>& value,
                  const std::string& help) {
  line_->show(heading, flag + " " + placeholder, help);
  line_->flag(flag, [&value, flag](const std::string& text) {
    value = entries_of(text);
    for (const std::string& part : value)
      if (part.empty())
        throw UsageError(flag + ": '" + text + "' has an empty name between its commas");
  });
}

void Flags::repeated(const std::string& heading, const std::string& flag,
                     const std::string& placeholder, std::vector<std::string>& values,
                     const std::string& help) {
  line_->show(heading, flag + " " + placeholder, help);
  line_->known.push_back(flag);
  line_->app
      .add_option_function<std::vector<std::string>>(
          flag, [&values](const std::vector<std::string>& given) { values = given; })
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void Flags::on(const std::string& heading, const std::string& flag, bool& value,
               const std::string& help) {
  line_->known.push_back(flag);
  line_->show(heading, flag, help);
  line_->app.add_flag_callback(flag, [&value] { value = true; });
}

void Flags::argument(const std::string& placeholder, std::string& value, const std::string& help,
                     Presence presence) {
  line_->show("Arguments", placeholder, help);
  auto* option = line_->app.add_option(placeholder, value);
  if (presence == Presence::required) line_->required.emplace_back(placeholder, option);
}

void Flags::arguments(const std::string& placeholder, std::vector<std::string>& values,
                      const std::string& help) {
  line_->show("Arguments", placeholder + "...", help);
  line_->required.emplace_back(placeholder, line_->app.add_option(placeholder, values));
}

void Flags::encodings(Overrides& given, When when) {
  for (const Entry& e : registry()) {
    Encoding& encoding = *line_->encodings.emplace_back(e.make());
    for (const Option& o : encoding.options())
      line_->registered("Encoding " + e.name, {e.name, {}, o.name}, o, given, when);
  }
}

void Flags::tasks(Overrides& given, When when) {
  for (const TaskEntry& e : yonder::tasks()) {
    Task& task = *line_->tasks.emplace_back(e.make());
    for (const Option& o : task.options())
      line_->registered("Task " + e.name, {e.name, {}, o.name}, o, given, when);
  }
}

bool Flags::parse(const std::vector<std::string>& arguments) {
  Line& line = *line_;
  for (const std::string& a : arguments)
    if (a == "--help" || a == "-h") {
      std::fputs(line.opening.c_str(), stdout);
      for (const auto& [heading, lines] : line.headings)
        std::printf("\n%s\n%s", heading.c_str(), lines.c_str());
      return false;
    }
  try {
    // CLI11 takes the last argument first.
    line.app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError&) {
    // With every value a text and every extra allowed, only a last flag without its value is left.
    throw UsageError(arguments.back() + ": needs a value; see yonder " + line.verb + " --help");
  }
  for (const std::string& extra : line.app.remaining()) {
    const std::string name = extra.substr(0, extra.find('='));
    if (!name.starts_with("-")) continue;
    const std::string hint = did_you_mean(name, line.known);
    throw UsageError(line.verb + ": there is no flag " + name +
                     (hint.empty() ? "; see yonder " + line.verb + " --help" : hint));
  }
  if (!line.app.remaining().empty())
    throw UsageError(line.verb + ": '" + line.app.remaining().front() +
                     "' is one argument too many; see yonder " + line.verb + " --help");
  for (const auto& [name, option] : line.required)
    if (option->count() == 0)
      throw UsageError(line.verb + ": " + name + " is missing; see yonder " + line.verb +
                       " --help");
  return true;
}

}  // namespace yonder
