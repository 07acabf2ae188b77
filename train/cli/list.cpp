#include <fmt/core.h>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "datasets/base/dataset.h"
#include "encodings/base/encoding.h"
#include "train/cli/command_line.h"
#include "train/cli/commands.h"
#include "train/cli/run_summary.h"
#include "train/config/keys.h"
#include "train/config/presets.h"
#include "train/config/toml.h"
#include "train/report/table.h"

namespace yonder {
namespace {

using Json = nlohmann::ordered_json;

const char* acts_on(Kind kind) {
  static_assert(int(Kind::modifier) == 5);
  constexpr const char* names[] = {"nothing", "embedding", "scores",
                                   "scores",  "q and k",   "another encoding"};
  return names[int(kind)];
}

const char* models(Serves serves) {
  static_assert(int(Serves::bidirectional_only) == 2);
  constexpr const char* names[] = {"causal, bidirectional", "causal", "bidirectional"};
  return names[int(serves)];
}

// The model for which parameters are counted, as the help of `list` says.
Dims counted_for(const Entry& e) {
  Dims dims{.vocabulary = 256, .trained = 128};
  dims.causal = e.serves != Serves::bidirectional_only;
  return dims;
}

// A modifier is built alone, which means none+itself.
Parameters parameters_of(const Entry& e) {
  Parameters parameters(0);
  Composition(e.name).build(counted_for(e), parameters);
  return parameters;
}

// "scaling: linear, ntk; window: 0", for people.
std::string in_words(const Overrides& extensions) {
  std::string text, last;
  for (const auto& [key, value] : extensions) {
    if (key.name == last) text += ", " + text_of(value);
    else text += (text.empty() ? "" : "; ") + key.name + ": " + text_of(value);
    last = key.name;
  }
  return text;
}

Json encodings_json() {
  Json all = Json::array();
  for (const Entry& e : registry()) {
    Json extensions = Json::array();
    for (const Override& o : e.extensions) extensions.push_back(text_of(o));
    all.push_back({{"name", e.name},
                   {"title", e.title},
                   {"paper", e.paper},
                   {"acts_on", acts_on(e.kind)},
                   {"models", models(e.serves)},
                   {"parameters", std::to_string(parameters_of(e).count())},
                   {"beyond_N", in_words(e.extensions)},
                   {"formula", e.formula},
                   {"extensions", extensions},
                   {"file", "encodings/" + e.file}});
  }
  return all;
}

Json tasks_json() {
  Json all = Json::array();
  for (const TaskEntry& t : tasks())
    all.push_back({{"name", t.name}, {"title", t.title}, {"sequence", t.form}, {"paper", t.paper}});
  return all;
}

Json presets_json() {
  Json all = Json::array();
  for (const auto& [name, toml] : preset_files()) {
    SweepConfig config;
    apply_config(toml, "preset " + name, config);
    all.push_back({{"name", name}, {"title", config.title}, {"source", config.source}});
  }
  return all;
}

// A line of a list: a name and its title, cut to the terminal's columns.
void print_line(const std::string& indent, const Json& one, std::size_t widest) {
  std::string line = fmt::format("{}{:<{}}{}", indent, one["name"].get<std::string>(), widest + 2,
                                 one["title"].get<std::string>());
  const std::size_t columns = std::size_t(style_of_stdout().columns);
  if (line.size() > columns) line = line.substr(0, columns - 3) + "...";
  std::puts(line.c_str());
}

// Groups encodings by what they act on; other lists have no groups.
void print(const Json& all) {
  std::vector<std::string> groups;
  std::size_t widest = 0;
  for (const Json& one : all) {
    widest = std::max(widest, one["name"].get<std::string>().size());
    add_once(groups, one.value("acts_on", ""));
  }
  for (const std::string& group : groups) {
    if (!group.empty())
      std::printf("%sActs on %s\n", group == groups.front() ? "" : "\n", group.c_str());
    for (const Json& one : all)
      if (one.value("acts_on", "") == group) print_line(group.empty() ? "" : "  ", one, widest);
  }
}

// The text with its papers as links: "arXiv:2104.09864", and addresses without https.
std::string linked(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::string name;
    for (const std::string start :
         {"arXiv:", "kexue.fm/archives/", "aclanthology.org/", "github.com/"}) {
      if (text.compare(at, start.size(), start) != 0) continue;
      std::string letters = "0123456789.-ABCDEFGHIJKLMNOPQRSTUVWXYZ";
      if (start == "github.com/") letters += "/_abcdefghijklmnopqrstuvwxyz";
      const std::size_t end =
          std::min(text.find_first_not_of(letters, at + start.size()), text.size());
      name = text.substr(at, end - at);
      while (name.ends_with('.')) name.pop_back();
      out += fmt::format("[{}](https://{})", name,
                         start == "arXiv:" ? "arxiv.org/abs/" + name.substr(start.size()) : name);
    }
    if (name.empty()) name = text[at], out += name;
    at += name.size();
  }
  return out;
}

// For the README.md files of the folders; a test compares them with this.
void print_markdown(const Json& all, const std::vector<std::string>& fields) {
  std::string head, rule;
  for (std::string field : fields) {
    std::ranges::replace(field, '_', ' ');
    head += "| " + field + " ", rule += "|---";
  }
  std::printf("%s|\n%s|\n", head.c_str(), rule.c_str());
  for (const Json& one : all) {
    std::string line;
    for (const std::string& field : fields) {
      const std::string cell = one[field];
      line += field == "name" ? "| `" + cell + "` " : "| " + linked(cell) + " ";
    }
    std::printf("%s|\n", line.c_str());
  }
}

std::string shape_text(const Shape& shape) {
  std::string text;
  for (auto n : shape) text += (text.empty() ? "[" : ", ") + std::to_string(n);
  return text + "]";
}

void print_options(const std::string& owner, const Options& options) {
  std::puts(options.empty() ? "\nNo options" : "\nOptions; (T): can be overridden at inference");
  for (const Option& o : options) {
    const std::string start = o.default_text.empty() ? text_of(o) : o.default_text;
    std::printf("  %-26s  %-12s  %s%s\n", flag_of({owner, {}, o.name}).c_str(), start.c_str(),
                o.help.c_str(), o.inference_time ? " (T)" : "");
    std::printf("%44s%s\n", "", allowed(o).c_str());
  }
}

void print_parameters(const Entry& e) {
  const Dims dims = counted_for(e);
  const Parameters parameters = parameters_of(e);
  if (parameters.all().empty()) return void(std::puts("\nNo parameters"));
  std::printf(
      "\nParameters of a model of width %d, %d heads, %d layers, trained on %d tokens: %lld "
      "numbers\n",
      dims.width, dims.heads, dims.layers, dims.trained,
      static_cast<long long>(parameters.count()));
  for (const auto& [name, var] : parameters.all())
    std::printf("  %-40s  %s\n", name.c_str(), shape_text(var.value().shape).c_str());
}

void show_encoding(const std::string& name) {
  const Entry& e = entry(name);
  std::printf("%s: %s\n", e.name.c_str(), e.title.c_str());
  std::printf("  formula  %s\n  paper    %s\n  acts on  %s\n  models   %s\n  code     %s\n",
              e.formula.c_str(), e.paper.c_str(), acts_on(e.kind), models(e.serves),
              ("encodings/" + e.file).c_str());
  print_options(e.name, e.make()->options());
  print_parameters(e);
  if (e.extensions.empty()) return;
  std::puts("\nExtensions beyond the training length");
  for (const auto& [key, value] : e.extensions)
    std::printf("  --%s %s\n", text_of(key).c_str(), text_of(value).c_str());
}

void show_task(const std::string& name) {
  make_task(name);  // throws if there is none
  for (const TaskEntry& t : tasks()) {
    if (t.name != name) continue;
    std::printf("%s: %s\n  sequence %s\n  paper    %s\n", name.c_str(), t.title.c_str(),
                t.form.c_str(), t.paper.c_str());
    print_options(name, t.make()->options());
  }
  std::printf("\nSamples: yonder data %s\n", name.c_str());
}

}  // namespace

ExitCode show_command(const Arguments& arguments) {
  std::string what, name;
  CommandLine line("show", "describes an encoding, task, preset, run or sweep",
                   {"yonder show encoding rope", "yonder show task copy", "yonder show runs/copy"});
  line.argument("WHAT", what, "encoding, task or preset, or a folder of a run or a sweep",
                CommandLine::Presence::required);
  line.argument("NAME", name, "name, unless WHAT is a folder", CommandLine::Presence::optional);
  if (!line.parse(arguments)) return ExitCode::ok;
  const bool kind = what == "encoding" || what == "task" || what == "preset";
  if (kind && name.empty())
    throw UsageError("show: " + what + " needs a name; see yonder list " + what + "s");
  if (!kind && !name.empty())
    throw UsageError("show: there is no '" + what + "' to show; it takes encoding, task or preset");
  if (what == "encoding") show_encoding(name);
  else if (what == "preset") std::fputs(preset(name).c_str(), stdout);
  else if (what == "task") show_task(name);
  else std::fputs(describe_run(what, style_of_stdout()).c_str(), stdout);
  return ExitCode::ok;
}

ExitCode list_command(const Arguments& arguments) {
  std::string what;
  bool json = false, markdown = false;
  CommandLine line(
      "list",
      "lists encodings, tasks or presets; --json also has the parameters that an encoding adds to "
      "a model of width 128, 4 heads and 4 layers, trained on 128 tokens",
      {"yonder list encodings", "yonder list tasks --json"});
  line.argument("WHAT", what, "encodings, tasks or presets", CommandLine::Presence::required);
  line.add("Output", {Option{"json", &json, "as JSON"},
                      Option{"markdown", &markdown, "as a Markdown table with paper links"}});
  if (!line.parse(arguments)) return ExitCode::ok;
  if (what != "encodings" && what != "tasks" && what != "presets")
    throw UsageError("list: there is no '" + what + "' to list; it takes encodings, tasks or " +
                     "presets" + did_you_mean(what, {"encodings", "tasks", "presets"}));
  const bool encodings = what == "encodings", presets = what == "presets";
  const Json all = encodings ? encodings_json() : presets ? presets_json() : tasks_json();
  if (json) std::printf("%s\n", all.dump(1).c_str());
  else if (markdown && encodings)
    print_markdown(all, {"name", "title", "acts_on", "models", "parameters", "beyond_N", "paper"});
  else if (markdown && presets) print_markdown(all, {"name", "title", "source"});
  else if (markdown) print_markdown(all, {"name", "title", "sequence", "paper"});
  else {
    print(all);
    std::printf("\nDetails: yonder show %s NAME\n", what.substr(0, what.size() - 1).c_str());
  }
  return ExitCode::ok;
}

}  // namespace yonder
