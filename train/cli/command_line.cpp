#include "train/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <map>
#include <set>

#include "core/error.h"
#include "core/io/json.h"
#include "datasets/base/dataset.h"
#include "encodings/base/encoding.h"
#include "train/cli/help.h"
#include "train/config/keys.h"

namespace yonder {
namespace {

// CLI11's help in our column layout.
class HelpFormat final : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode mode) const override {
    return app->get_description() + "\n" + make_positionals(app) + make_groups(app, mode) + "\n" +
           app->get_footer();
  }
  std::string make_group(std::string group, bool is_positional,
                         std::vector<const CLI::Option*> options) const override {
    std::string text = (is_positional ? "Arguments" : group) + "\n";
    for (const CLI::Option* o : options) {
      std::string line = "  " + o->get_name(!o->nonpositional());
      if (!o->get_type_name().empty()) line += " " + o->get_type_name();
      if (line.size() + 2 > meaning_column) line += "\n" + std::string(meaning_column, ' ');
      else line.resize(meaning_column, ' ');
      text += wrapped(line, o->get_description(), meaning_column);
    }
    return is_positional ? text + "\n" : text;
  }
};

int whole_number(const std::string& flag, const std::string& text) {
  int n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size() || n < 1 || n > 1 << 24)
    throw UsageError(flag + ": '" + text +
                     "' is not allowed; it takes whole numbers from 1 to 16777216 with commas "
                     "between, like 32,64,128");
  return n;
}

// The words in a text: runs of letters, digits, '-' and '_'.
std::vector<std::string> words_of(const std::string& text) {
  std::string parted = text;
  for (char& c : parted)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') c = ' ';
  return split(parted, ' ');
}

}  // namespace

struct CommandLine::Line {
  using Values = std::vector<std::string>;
  enum class Takes { nothing, one, list, several };

  struct Flag {
    std::string name;
    OptionKey key;
    Takes takes;
    std::function<void(const Values&)> take;
    CLI::Option* option;
    std::string owner;  // encoding or task
    bool advanced, affects_result;
  };

  std::string command;
  CLI::App app;
  std::vector<Flag> flags;
  std::map<std::string, std::string> former, synonyms;         // flags and their current names
  std::vector<std::pair<std::string, CLI::Option*>> required;  // arguments
  // These hold the defaults that their options point to.
  std::vector<std::unique_ptr<Encoding>> encodings;
  std::vector<std::unique_ptr<Task>> tasks;
  int loops = 1;

  Flag& add(const std::string& heading, const std::string& name, const Option& o, Takes takes,
            std::function<void(const Values&)> take) {
    const std::string plain = kebab_case(name);
    CLI::Option* option = takes == Takes::nothing ? app.add_flag(plain) : app.add_option(plain);
    option->group(heading)
        ->description(meaning(o))
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    if (takes != Takes::nothing) option->type_name(placeholder(o))->expected(1);
    if (!o.synonym.empty()) synonyms["--" + kebab_case(o.synonym)] = plain;
    if (!o.former.empty())
      former["--" + kebab_case(text_of(OptionKey(OptionKey(name.substr(2)).owner, {}, o.former)))] =
          plain;
    return flags.emplace_back(
        Flag{plain, o.name, takes, std::move(take), option, "", o.advanced, o.affects_result});
  }

  void add(const std::string& heading, const std::string& name, const Option& o) {
    Option named = o;
    named.name = name;
    const bool is_switch = std::holds_alternative<bool*>(o.value);
    add(heading, name, o, is_switch ? Takes::nothing : Takes::one, [named](const Values& given) {
      if (given.back().empty()) throw UsageError(named.name + ": needs a value, and it is empty");
      assign(named, "", given.back());
    });
  }

  // A function that adds the value of an option to `given` and removes an earlier one.
  static std::function<void(const Values&)> into(Overrides& given, const OptionKey& key,
                                                 const Option& option) {
    return [&given, key, option](const Values& values) {
      std::erase_if(given, [&](const Override& o) { return o.key == key; });
      given.push_back({key, typed(option, values.back())});
    };
  }

  // Adds the flag of a registered encoding's or task's option. At inference, options that training
  // fixes are parsed, so that the error can say why they are refused, but not shown.
  void registered(const std::string& kind, const OptionKey& key, const Option& option,
                  Overrides& given, When when) {
    const bool shown = when == When::training || option.inference_time;
    Option named = option;
    named.name = text_of(key);
    if (std::holds_alternative<bool*>(option.value)) named.placeholder = "true|false";
    if (named.default_text.empty()) named.default_text = text_of(option);
    Flag& flag = add(!shown                     ? ""
                     : flag_of(key) == "--text" ? "Data"
                                                : kind + " " + key.owner,
                     flag_of(key), named, Takes::one, into(given, key, option));
    flag.owner = key.owner;
  }

  // Adds "--loops", an option of the model and not of an encoding, which can be overridden too.
  void add_loops(Overrides& given) {
    const OptionKey key("model.loops");
    const Option option =
        Option{"loops", &loops,
               "applications of all layers per pass; 0: in proportion to the length"}
            .within(0, 1024)
            .shown_as("as in training");
    add("Model", flag_of(key), option, Takes::one, into(given, key, option));
  }

  // Hides what a short help omits: options for experts, and those of encodings and tasks that no
  // argument names.
  void shorten(const std::vector<std::string>& arguments) {
    std::vector<std::string> named;
    for (const std::string& a : arguments)
      for (const std::string& word : words_of(a)) named.push_back(word);
    for (Flag& f : flags)
      if (f.advanced || (!f.owner.empty() && !has(named, f.owner) && f.name != "--text"))
        f.option->group("");
  }

  // The arguments with the current names of flags.
  std::vector<std::string> renamed(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all;
    for (const std::string& a : arguments) {
      const std::size_t end = std::min(a.find('='), a.size());
      std::string name = a.substr(0, end);
      if (name.starts_with("--")) name = kebab_case(name);
      if (const auto now = former.find(name); now != former.end()) {
        note_renamed(name, now->second);
        name = now->second;
      }
      if (const auto own = synonyms.find(name); own != synonyms.end()) name = own->second;
      all.push_back(name + a.substr(end));
    }
    return all;
  }

  const Flag* find_flag(const std::string& name) const {
    for (const Flag& f : flags)
      if (f.name == name) return &f;
    return nullptr;
  }

  // Refuses what CLI11 would misread: a flag as another's value, a word after a list.
  void require_values(const std::vector<std::string>& arguments) const {
    for (std::size_t i = 0; i + 1 < arguments.size(); ++i) {
      const Flag* flag = find_flag(arguments[i]);
      if (!flag || flag->takes == Takes::nothing) continue;
      if (find_flag(arguments[i + 1]))
        throw UsageError(flag->name + ": needs a value, and " + arguments[i + 1] +
                         " is a flag itself");
      if (flag->takes == Takes::list && i + 2 < arguments.size() &&
          !arguments[i + 2].starts_with("-"))
        throw UsageError(flag->name + ": '" + arguments[i + 2] + "' follows its list '" +
                         arguments[i + 1] + "'; write commas and no spaces between its entries, " +
                         "and arguments without a flag before all flags");
      ++i;
    }
  }

  void refuse_extras() const {
    const std::string see = "; see yonder " + command + " --help";
    std::vector<std::string> names;
    for (const Flag& f : flags) names.push_back(f.name);
    for (const std::string& extra : app.remaining()) {
      const std::string name = extra.substr(0, extra.find('='));
      if (!name.starts_with("-")) continue;
      const std::string hint = did_you_mean(name, names);
      throw UsageError(command + ": there is no flag " + name + (hint.empty() ? see : hint));
    }
    if (!app.remaining().empty())
      throw UsageError(command + ": '" + app.remaining().front() + "' is one argument too many" +
                       see);
    for (const auto& [name, option] : required)
      if (option->count() == 0) throw UsageError(command + ": " + name + " is missing" + see);
  }
};

CommandLine::CommandLine(std::string command, std::string summary,
                         std::vector<std::string> examples)
    : line_(new Line) {
  line_->command = std::move(command);
  std::string opening =
      wrapped("", "yonder " + line_->command + ": " + summary, 2) + "\nExamples\n";
  for (const std::string& e : examples) opening += wrapped("  ", e, 6, " \\");
  line_->app.description(opening);
  line_->app.set_help_flag();
  line_->app.allow_extras();
  line_->app.formatter(std::make_shared<HelpFormat>());
}

CommandLine::~CommandLine() = default;

void CommandLine::add(const std::string& heading, const Options& options) {
  for (const Option& o : options) line_->add(heading, flag_of(o.name), o);
}

void CommandLine::numbers(const std::string& heading, const Option& named,
                          std::vector<int>& value) {
  const std::string flag = flag_of(named.name);
  line_->add(heading, flag, named, Line::Takes::list, [&value, flag](const Line::Values& given) {
    value.clear();
    for (const std::string& part : split(given.back(), ','))
      value.push_back(whole_number(flag, part));
  });
}

void CommandLine::lengths(const std::string& heading, const Option& named, std::vector<int>& value,
                          LengthBins& bins) {
  const std::string flag = flag_of(named.name);
  const auto read = [&value, &bins, flag](const Line::Values& given) {
    value.clear(), bins.clear();
    for (const std::string& part : split(given.back(), ','))
      add_eval_length(flag, part, value, bins);
  };
  line_->add(heading, flag, named, Line::Takes::list, read);
}

void CommandLine::names(const std::string& heading, const Option& named,
                        std::vector<std::string>& value) {
  const std::string flag = flag_of(named.name);
  line_->add(heading, flag, named, Line::Takes::list, [&value, flag](const Line::Values& given) {
    value = entries_of(given.back());
    if (has(value, ""))
      throw UsageError(flag + ": '" + given.back() + "' has an empty name between its commas");
  });
}

void CommandLine::repeated(const std::string& heading, const Option& named,
                           std::vector<std::string>& values) {
  line_->add(heading, flag_of(named.name), named, Line::Takes::several,
             [&values](const Line::Values& given) { values = given; });
}

void CommandLine::argument(const std::string& placeholder, std::string& value,
                           const std::string& help, Presence presence) {
  auto* option = line_->app.add_option(placeholder, value, help);
  option->type_name("");
  if (presence == Presence::required) line_->required.emplace_back(placeholder, option);
}

void CommandLine::arguments(const std::string& placeholder, std::vector<std::string>& values,
                            const std::string& help) {
  auto* option = line_->app.add_option(placeholder, values, help);
  option->type_name("...");
  line_->required.emplace_back(placeholder, option);
}

void CommandLine::encodings(Overrides& given, When when) {
  for (const Entry& e : registry()) {
    Encoding& encoding = *line_->encodings.emplace_back(e.make());
    for (const Option& o : encoding.options())
      line_->registered("Encoding", {e.name, {}, o.name}, o, given, when);
  }
  if (when == When::testing) line_->add_loops(given);
  line_->app.footer(
      "Also: yonder show encoding NAME, yonder show task NAME, and all options: --help-all\n");
}

void CommandLine::tasks(Overrides& given, When when) {
  for (const TaskEntry& e : yonder::tasks()) {
    Task& task = *line_->tasks.emplace_back(e.make());
    for (const Option& o : task.options())
      line_->registered("Task", {e.name, {}, o.name}, o, given, when);
  }
}

bool CommandLine::parse(const std::vector<std::string>& given) {
  Line& line = *line_;
  const bool all = has(given, "--help-all");
  if (all || has(given, "--help") || has(given, "-h")) {
    if (!all) line.shorten(given);
    std::fputs(line.app.help().c_str(), stdout);
    return false;
  }
  for (const std::string& a : given)
    if (!is_utf8(a))
      throw UsageError(line.command + ": '" + a + "' is not UTF-8, which the files of a run are; " +
                       "rename it");
  const std::vector<std::string> arguments = line.renamed(given);
  line.require_values(arguments);
  try {
    // CLI11 expects the arguments in reverse order.
    line.app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError&) {
    // As all values are strings and extras are allowed, only a last flag can lack its value.
    throw UsageError(arguments.back() + ": needs a value; see yonder " + line.command + " --help");
  }
  line.refuse_extras();
  apply();
  return true;
}

void CommandLine::apply() const {
  for (const Line::Flag& f : line_->flags)
    if (f.option->count() > 0) f.take(f.option->results());
}

std::vector<CommandLine::Given> CommandLine::given() const {
  std::vector<Given> all;
  for (const Line::Flag& f : line_->flags)
    if (f.option->count() > 0) all.push_back({f.key, f.affects_result});
  return all;
}

std::string CommandLine::short_help() const {
  line_->shorten({});
  return line_->app.help();
}

void imply_task(const CommandLine& line, RunConfig& config) {
  std::set<std::string> owners;
  for (const auto& [key, affects_result] : line.given()) {
    if (key == OptionKey("data.task")) return;
    if (is_of_task(key)) owners.insert(key.owner);
  }
  if (owners.size() == 1) config.task = *owners.begin();
}

}  // namespace yonder
