#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <regex>

#include "core/error.h"
#include "datasets/base/dataset.h"
#include "encodings/base/encoding.h"
#include "train/cli/command_line.h"
#include "train/cli/commands.h"
#include "train/cli/run_summary.h"
#include "train/config/presets.h"
#include "train/config/toml.h"
#include "train/report/table.h"

namespace yonder {
namespace {

using Json = nlohmann::ordered_json;

const char* acts_on(Kind kind) {
  switch (kind) {
    case Kind::none:
      return "nothing";
    case Kind::absolute:
      return "embedding";
    case Kind::relative:
    case Kind::bias:
      return "scores";
    case Kind::rotary:
      return "q and k";
    case Kind::modifier:
      return "another encoding";
  }
  return "";
}

const char* models(Serves serves) {
  switch (serves) {
    case Serves::both:
      return "causal, bidirectional";
    case Serves::causal_only:
      return "causal";
    case Serves::bidirectional_only:
      return "bidirectional";
  }
  return "";
}

// The model that parameters are counted for, named in the help of `list`.
Dims counted_for(const Entry& e) {
  Dims dims{.vocabulary = 256, .trained = 128};
  dims.causal = e.serves != Serves::bidirectional_only;
  return dims;
}

// A modifier is built alone, which stands for none+itself.
Parameters parameters_of(const Entry& e) {
  Parameters parameters(0);
  Composition(e.name).build(counted_for(e), parameters);
  return parameters;
}

// "scaling: linear, ntk; window 0" for people.
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
  for (const Preset& p : presets()) {
    SweepConfig config;
    apply_config(p.toml, "preset " + p.name, config);
    all.push_back({{"name", p.name}, {"title", config.title}, {"source", config.source}});
  }
  return all;
}

// Columns of plain text, as wide as their widest cell; a bare number says what it counts.
void print(Json all, const std::vector<std::string>& fields) {
  for (Json& one : all)
    if (one.contains("parameters"))
      one["parameters"] = one["parameters"].get<std::string>() + " parameters";
  std::vector<std::size_t> widest(fields.size(), 0);
  for (const Json& one : all)
    for (std::size_t i = 0; i < fields.size(); ++i)
      widest[i] = std::max(widest[i], one[fields[i]].get<std::string>().size());
  for (const Json& one : all) {
    std::string line;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      std::string cell = one[fields[i]];
      if (i + 1 < fields.size()) cell.resize(widest[i] + 2, ' ');
      line += cell;
    }
    std::puts(line.c_str());
  }
}

// The papers in a text as links.
std::string linked(const std::string& text) {
  static const std::regex arxiv(R"(arXiv:([0-9]{4}\.[0-9]{5}))"),
      other(R"((kexue\.fm/archives/[0-9]+|aclanthology\.org/[A-Z0-9-]+))");
  return std::regex_replace(std::regex_replace(text, arxiv, "[arXiv:$1](https://arxiv.org/abs/$1)"),
                            other, "[$1](https://$1)");
}

// For the rooms' README.md files; a test compares them with this.
void print_markdown(const Json& all, const std::vector<std::string>& fields) {
  std::string head, rule;
  for (std::string field : fields) {
    std::replace(field.begin(), field.end(), '_', ' ');
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

std::string padded(std::string text, std::size_t columns) {
  text.resize(std::max(text.size() + 2, columns), ' ');
  return text;
}

std::string shape_text(const Shape& shape) {
  std::string text;
  for (auto n : shape) text += (text.empty() ? "[" : ", ") + std::to_string(n);
  return text + "]";
}

void print_options(const Entry& e) {
  const auto encoding = e.make();
  const Options options = encoding->options();
  std::puts(options.empty() ? "\nOptions: none"
                            : "\nOptions; (T): may be changed when a trained model is tested");
  for (const Option& o : options) {
    const std::string start = o.default_text.empty() ? text_of(o) : o.default_text;
    std::printf("  %s%s%s\n", padded("--" + e.name + "." + o.name, 28).c_str(),
                padded(start, 14).c_str(), (o.help + (o.test_time ? " (T)" : "")).c_str());
    std::printf("  %s%s\n", std::string(42, ' ').c_str(), allowed(o).c_str());
  }
}

void print_parameters(const Entry& e) {
  const Dims dims = counted_for(e);
  const Parameters parameters = parameters_of(e);
  const std::string model = "width " + std::to_string(dims.width) + ", " +
                            std::to_string(dims.heads) + " heads, " + std::to_string(dims.layers) +
                            " layers, trained on " + std::to_string(dims.trained) + " tokens";
  if (parameters.all().empty()) return void(std::puts("\nParameters: none"));
  std::printf("\nParameters of a model of %s: %lld numbers\n", model.c_str(),
              static_cast<long long>(parameters.count()));
  for (const auto& [name, var] : parameters.all())
    std::printf("  %s%s\n", padded(name, 42).c_str(), shape_text(var.value().shape).c_str());
}

void show_encoding(const std::string& name) {
  const Entry& e = entry(name);
  std::printf("%s: %s\n", e.name.c_str(), e.title.c_str());
  std::printf("  formula  %s\n  paper    %s\n  acts on  %s\n  models   %s\n  code     %s\n",
              e.formula.c_str(), e.paper.c_str(), acts_on(e.kind), models(e.serves),
              ("encodings/" + e.file).c_str());
  print_options(e);
  print_parameters(e);
  if (e.extensions.empty()) return;
  std::puts("\nFor tests beyond the trained length");
  for (const auto& [key, value] : e.extensions)
    std::printf("  --%s %s\n", text_of(key).c_str(), text_of(value).c_str());
}

}  // namespace

int show_verb(const Arguments& arguments) {
  std::string what, name;
  Flags flags("show", "what an encoding is, or what a run is and where it stands",
              {"yonder show encoding rope", "yonder show runs/copy"});
  flags.argument("WHAT", what, "the word encoding or preset, or a run's folder",
                 Flags::Presence::required);
  flags.argument("NAME", name, "of the encoding or preset", Flags::Presence::optional);
  if (!flags.parse(arguments)) return fine;
  if (what == "preset") {
    if (name.empty())
      throw UsageError(
          "show: preset needs a name, as in yonder show preset quick; see yonder list "
          "presets");
    std::fputs(preset(name).toml.c_str(), stdout);
    return fine;
  }
  if (what != "encoding") {
    if (!name.empty())
      throw UsageError("show: '" + name +
                       "' is one argument too many after a run's folder; did "
                       "you mean yonder show encoding " +
                       name + "?");
    std::fputs(describe_run(what, look_of_stdout()).c_str(), stdout);
    return fine;
  }
  if (name.empty())
    throw UsageError(
        "show: encoding needs a name, as in yonder show encoding rope; see yonder "
        "list encodings");
  show_encoding(name);
  return fine;
}

int list_verb(const Arguments& arguments) {
  std::string what;
  bool json = false, markdown = false;
  Flags flags("list",
              "what there is, one line each; parameters are the numbers that an encoding adds to a "
              "model of width 128, 4 heads and 4 layers, trained on 128 tokens",
              {"yonder list encodings", "yonder list tasks --json"});
  flags.argument("WHAT", what, "encodings, tasks or presets", Flags::Presence::required);
  flags.on("Output", "--json", json, "for programs");
  flags.on("Output", "--markdown", markdown, "as a Markdown table, papers as links");
  if (!flags.parse(arguments)) return fine;
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
  else if (encodings)
    print(all, {"name", "acts_on", "models", "parameters", "paper", "title", "beyond_N"});
  else print(all, {"name", "title"});
  return fine;
}

}  // namespace yonder
