#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/io/json.h"
#include "train/cli/command_line.h"
#include "train/cli/commands.h"
#include "train/report/table.h"
#include "train/training/session.h"

namespace yonder {
namespace {

using Json = nlohmann::ordered_json;

struct DataOptions {
  RunConfig config{.train_length = 12};
  int show = 3;
  std::string part = "training";
  bool json = false;
};

// A readable sequence. Targets are marked: at the next token, if that shows them, and after "="
// where the input hides them.
struct Sample {
  std::vector<std::string> words;
  std::vector<char> asked;
  std::vector<int> powers, lags;  // powers of ten of digits, if any; lags of targets
};

Sample sample(const Task& task, const Batch& batch, int b, bool hidden) {
  Sample s;
  const int first = b * batch.extent, n = batch.lengths[b];
  for (int t = 0; t < n; ++t) {
    const int target = batch.targets[first + t];
    if (!batch.digits.empty()) s.powers.push_back(batch.digits[first + t]);
    if (!batch.lag.empty() && batch.lag[first + t] >= 0) s.lags.push_back(batch.lag[first + t]);
    std::string word = task.spelled(batch.tokens[first + t]);
    const bool here = hidden ? target >= 0 : t > 0 && batch.targets[first + t - 1] >= 0;
    if (hidden && here) word += "=" + task.spelled(target);
    s.words.push_back(std::move(word)), s.asked.push_back(here);
  }
  if (hidden || batch.targets[first + n - 1] < 0) return s;
  s.words.push_back(task.spelled(batch.targets[first + n - 1])), s.asked.push_back(1);
  return s;
}

// "<bos> a b <sep> [a b <eos>]"; the bytes of a text are not separated.
std::string line(const Sample& s, const std::string& space, TerminalStyle::Colour colour) {
  const std::string on = colour == TerminalStyle::coloured ? "\033[1m[" : "[",
                    off = colour == TerminalStyle::coloured ? "]\033[0m" : "]";
  std::string text;
  for (std::size_t i = 0; i < s.words.size(); ++i) {
    if (i) text += space;
    if (s.asked[i] && (i == 0 || !s.asked[i - 1])) text += on;
    text += s.words[i];
    if (s.asked[i] && (i + 1 == s.words.size() || !s.asked[i + 1])) text += off;
  }
  return text;
}

// A dot for each number that is missing.
std::string listed(const std::vector<int>& numbers) {
  std::string text;
  for (int n : numbers) text += n < 0 ? " ." : " " + std::to_string(n);
  return text;
}

// Sequences of the full length. Training draws a length per batch: the first full one is taken.
Batch batch_of(const DataOptions& options, const Task& task) {
  const int length = options.config.train_length;
  if (options.part != "training") {
    const EvalSpec spec{.length = length,
                        .count = options.show,
                        .scored = std::min(32, length),
                        .split = options.part == "test" ? Split::test : Split::validation};
    return task.test(spec, 0, std::min(options.show, task.sequences(spec)));
  }
  const auto seed = std::uint64_t(options.config.seed);
  int step = 1;
  while (task.train(seed, step, 1).extent < task.tokens(length)) ++step;
  return task.train(seed, step, options.show);
}

void print(const DataOptions& options, Task& task, const TaskEntry& entry, const Batch& batch) {
  const std::string& name = options.config.task;
  std::printf("%s: %s\n  %s\n  %s\n\n", name.c_str(), entry.title.c_str(), entry.form.c_str(),
              entry.paper.c_str());
  for (const Option& o : task.options()) {
    const std::string left = "  --" + name + "." + o.name + " " + text_of(o);
    std::printf("%-30s  %s (%s)\n", left.c_str(), o.help.c_str(), allowed(o).c_str());
  }
  std::printf("  %d tokens at length %d, from a vocabulary of %d; chance accuracy %.1f %%\n\n",
              task.tokens(options.config.train_length), options.config.train_length,
              task.vocabulary(), 100 * task.chance_accuracy(options.config.train_length));
  for (int b = 0; b < batch.size; ++b) {
    const Sample s = sample(task, batch, b, options.config.bidirectional || task.labels());
    const char* space = task.is_text() ? "" : " ";
    std::printf("%s\n", line(s, space, style_of_stdout().colour).c_str());
    if (!s.powers.empty()) std::printf("  powers of ten%s\n", listed(s.powers).c_str());
    if (!s.lags.empty()) std::printf("  lags%s\n", listed(s.lags).c_str());
  }
}

void print_json(const DataOptions& options, Task& task, const TaskEntry& entry,
                const Batch& batch) {
  Json given = Json::object(), samples = Json::array();
  for (const Option& o : task.options()) given[o.name] = json_of(value_of(o));
  for (int b = 0; b < batch.size; ++b) {
    const auto row = [&](const std::vector<int>& all) {
      const auto from = all.begin() + b * batch.extent;
      return std::vector<int>(from, from + batch.lengths[b]);
    };
    samples.push_back(
        {{"text", sample(task, batch, b, options.config.bidirectional || task.labels()).words},
         {"tokens", row(batch.tokens)},
         {"targets", row(batch.targets)}});
    if (!batch.digits.empty()) samples.back()["digits"] = row(batch.digits);
    if (!batch.lag.empty()) samples.back()["lag"] = row(batch.lag);
  }
  const Json all{{"task", options.config.task},
                 {"title", entry.title},
                 {"form", entry.form},
                 {"paper", entry.paper},
                 {"options", given},
                 {"length", options.config.train_length},
                 {"tokens", task.tokens(options.config.train_length)},
                 {"vocabulary", task.vocabulary()},
                 {"chance", task.chance_accuracy(options.config.train_length)},
                 {"samples", samples}};
  std::printf("%s\n", all.dump(1, ' ', false, Json::error_handler_t::replace).c_str());
}

bool read(const Arguments& arguments, DataOptions& options) {
  RunConfig& config = options.config;
  CommandLine line(
      "data", "describes a task and its options, and prints samples with the targets in brackets",
      {"yonder data copy --length 12 --show 3",
       "yonder data addition --length 4 --addition.hints 20 --bidirectional",
       "yonder data text --text README.md --length 60 --part test"});
  line.argument("TASK", config.task, "name of the task; see yonder list tasks",
                CommandLine::Presence::required);
  line.add(
      "Samples",
      {Option{"length", &config.train_length, "items of the task, or bytes of text"}.within(1,
                                                                                            4096),
       Option{"show", &options.show, "number of samples"}.within(1, 1000),
       Option{"part", &options.part, "split that the samples are from"}.one_of(
           {"training", "validation", "test"}),
       Option{"seed", &config.seed, "seed of training data; other splits ignore it"}.at_least(0),
       Option{"bidirectional", &config.bidirectional, "in the masked-LM form"}});
  line.add("Output", {Option{"json", &options.json, "as JSON"}});
  line.tasks(config.options, CommandLine::When::training);
  return line.parse(arguments);
}

}  // namespace

ExitCode data_command(const Arguments& arguments) {
  DataOptions options;
  if (!read(arguments, options)) return ExitCode::ok;
  const auto task = prepare_task(options.config);
  const auto entry = std::ranges::find_if(
      tasks(), [&](const TaskEntry& t) { return t.name == options.config.task; });
  const Batch batch = batch_of(options, *task);
  (options.json ? print_json : print)(options, *task, *entry, batch);
  return ExitCode::ok;
}

}  // namespace yonder
