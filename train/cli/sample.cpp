#include <fmt/core.h>
#include <algorithm>
#include <cstdio>
#include <map>

#include "core/parallel.h"
#include "models/decode.h"
#include "train/cli/command_line.h"
#include "train/cli/commands.h"
#include "train/results/format.h"
#include "train/training/session.h"

namespace yonder {
namespace {

struct SampleOptions {
  std::string path, prompt;
  Decoding how{.most = 200, .temperature = 0.8};
  int length = 0, count = 3, seed = 0, threads = 0;
  Overrides of_task, of_encoding;
};

std::string spelled(const Task& task, const std::vector<int>& tokens) {
  return joined(tokens, " ", [&task](int t) { return task.spelled(t); });
}

/// Prints bytes as they come, each UTF-8 character when it is complete. Other bytes, and control
/// characters, which a terminal would interpret, are printed by their names: "\xe4".
class Printer {
 public:
  explicit Printer(const Task& task) : task_(task) {}
  ~Printer() { name_open(); }
  Printer(const Printer&) = delete;
  Printer& operator=(const Printer&) = delete;

  void put(int token) {
    const bool continues = token >> 6 == 2;
    if (!continues) name_open();
    open_ += char(token);
    const auto first = static_cast<unsigned char>(open_[0]);
    const std::size_t size = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (token > 255) open_.clear(), std::fputs(task_.spelled(token).c_str(), stdout);
    else if (open_ == "\n" || open_ == "\t" || (open_.size() == size && printable(open_) == open_))
      std::fputs(open_.c_str(), stdout), open_.clear();
    else if (open_.size() >= size) name_open();
    std::fflush(stdout);
  }

 private:
  const Task& task_;
  std::string open_;  // bytes of an incomplete character

  void name_open() {
    for (const unsigned char c : open_) std::fputs(task_.spelled(c).c_str(), stdout);
    open_.clear();
  }
};

// Throws Undefined if the encoding is undefined there, before anything is printed.
void require_defined(Transformer& model, int tokens) {
  const Placed at(model.encoding(), {.tokens = tokens});
  model.hidden(std::vector<int>(std::size_t(tokens), 0), at, tokens - 1);
}

void sample_text(const SampleOptions& options, Trained& run) {
  std::vector<int> prompt{run.task->vocabulary() - 1};  // BOS
  for (const unsigned char c : options.prompt) prompt.push_back(c);
  require_defined(*run.model, int(prompt.size()) + options.how.most - 1);
  {
    Printer printer(*run.task);
    for (std::size_t i = 1; i < prompt.size(); ++i) printer.put(prompt[i]);
    Decoding how = options.how;
    how.on_token = [&](int, int token) { printer.put(token); };
    decode(*run.model, prompt, 1, how);
  }
  std::fputc('\n', stdout);
}

// Tokenises a prompt of token names, the longest match first. Blanks separate names unless they are
// part of one. BOS comes first.
std::vector<int> named_tokens(const std::string& prompt, const RunConfig& config,
                              const Task& task) {
  std::map<std::string, int> names;
  std::size_t longest = 0;
  for (int t = task.vocabulary(); t-- > 0;) {
    const std::string name = task.spelled(t);
    names[name] = t, longest = std::max(longest, name.size());
  }
  std::vector<int> tokens;
  for (std::size_t at = 0; at < prompt.size();) {
    std::size_t size = longest;
    while (size > 0 && !names.contains(prompt.substr(at, size))) --size;
    if (size == 0 && prompt[at] != ' ')
      throw UsageError(
          fmt::format("sample: '{0}' in the prompt is not in the vocabulary of {1}, whose tokens "
                      "are named as in {2} {3}; see yonder data {1}",
                      printable(prompt.substr(at, 12)), config.task, task.spelled(0),
                      task.spelled(task.vocabulary() - 1)));
    if (size > 0) tokens.push_back(names.at(prompt.substr(at, size)));
    at += std::max<std::size_t>(size, 1);
  }
  if (tokens.empty() || tokens[0] != GeneratedTask::bos)
    tokens.insert(tokens.begin(), GeneratedTask::bos);
  return tokens;
}

// Continues a prompt of token names.
void sample_prompt(const SampleOptions& options, Trained& run) {
  if (run.task->labels())
    throw UsageError("sample: " + run.config.task +
                     " labels its input, so there is nothing to continue; see yonder eval");
  std::vector<int> prompt = named_tokens(options.prompt, run.config, *run.task);
  // Where a task's answers follow a separator, a prompt without one is a whole question.
  const Batch example = run.task->test({.length = options.length, .count = 1}, 0, 1);
  const auto has = [](const std::vector<int>& all) {
    return std::ranges::count(all, int(GeneratedTask::sep)) > 0;
  };
  if (has(example.tokens) && !has(prompt)) prompt.push_back(GeneratedTask::sep);
  require_defined(*run.model, int(prompt.size()) + options.how.most - 1);
  std::fputs(spelled(*run.task, prompt).c_str(), stdout);
  Decoding how = options.how;
  how.end = GeneratedTask::eos;
  how.on_token = [&](int, int token) {
    std::printf(" %s", run.task->spelled(token).c_str());
    std::fflush(stdout);
  };
  decode(*run.model, prompt, 1, how);
  std::fputc('\n', stdout);
}

// The model continues sequences of the task, for comparison with their targets.
void sample_task(const SampleOptions& options, Trained& run) {
  const Task& task = *run.task;
  const EvalSpec spec{.length = options.length, .count = options.count};
  const int count = std::min(options.count, task.sequences(spec));
  const Batch batch = task.test(spec, 0, count);
  for (int b = 0; b < count; ++b) {
    const auto row = [&](const std::vector<int>& all) {
      const auto begin = all.begin() + std::ptrdiff_t(b) * batch.extent;
      return std::vector<int>(begin, begin + batch.lengths[std::size_t(b)]);
    };
    const std::vector<int> tokens = row(batch.tokens), targets = row(batch.targets);
    const auto first = std::ranges::find_if(targets, [](int y) { return y >= 0; });
    const std::vector<int> asked(first, targets.end());
    if (task.labels() || std::ranges::count(asked, -1) > 0)
      throw UsageError("sample: " + run.config.task +
                       " has its targets among given tokens, so there is nothing to continue; "
                       "yonder eval gives their accuracy");
    const std::vector<int> prompt(tokens.begin(), tokens.begin() + (first - targets.begin()) + 1);
    Decoding how = options.how;
    how.most = int(asked.size()), how.end = asked.back(), how.seed += std::uint64_t(b);
    const std::vector<int> written = decode(*run.model, prompt, 1, how).front();
    std::printf("%s\n  answer  %s\n  model   %s  (%s)\n", spelled(task, prompt).c_str(),
                spelled(task, asked).c_str(), spelled(task, written).c_str(),
                written == asked ? "right" : "wrong");
  }
}

void declare(CommandLine& line, SampleOptions& options) {
  line.argument("DIR", options.path, "a run's folder (its last checkpoint is used) or a checkpoint",
                CommandLine::Presence::required);
  line.add("Text", {Option{"prompt", &options.prompt,
                           "text to continue; for other tasks, a question spelled in token names"}
                        .takes("TEXT"),
                    Option{"tokens", &options.how.most, "tokens to generate"}.within(1, 1 << 20)});
  line.add("Other tasks", {Option{"length", &options.length, "items of each sequence"}
                               .within(0, 1 << 24)
                               .shown_as("the training length"),
                           Option{"count", &options.count, "sequences"}.within(1, 65536)});
  line.add(
      "Sampling",
      {Option{"temperature", &options.how.temperature, "sampling temperature; 0: greedy"}.within(
           0, 1000),
       Option{"top_k", &options.how.top_k, "draw from the N likeliest tokens; 0: all"}.within(
           0, 1 << 24),
       Option{"seed", &options.seed, "random seed of sampling"}.at_least(0),
       Option{"threads", &options.threads, "threads; results unaffected"}.within(0, 1024).shown_as(
           "all cores")});
  line.tasks(options.of_task, CommandLine::When::testing);
  line.encodings(options.of_encoding, CommandLine::When::testing);
}

}  // namespace

ExitCode sample_command(const Arguments& arguments) {
  SampleOptions options;
  CommandLine line("sample", "generates text, or answers to examples of a task",
                   {"yonder sample runs/text --prompt \"In the beginning\" --tokens 200",
                    "yonder sample runs/text --prompt \"And\" --rope.scaling yarn --seed 1",
                    "yonder sample runs/copy --length 12 --count 3 --temperature 0"});
  declare(line, options);
  if (!line.parse(arguments)) return ExitCode::ok;
  if (options.threads > 0) set_threads(options.threads);
  options.how.seed = std::uint64_t(options.seed);
  Trained run = load(options.path, concatenated(options.of_task, options.of_encoding), {});
  if (options.length == 0) options.length = run.config.train_length;
  if (run.task->is_text()) sample_text(options, run);
  else if (!options.prompt.empty()) sample_prompt(options, run);
  else sample_task(options, run);
  return ExitCode::ok;
}

}  // namespace yonder
