#include <algorithm>
#include <cstdio>

#include "core/parallel.h"
#include "models/decode.h"
#include "train/cli/command_line.h"
#include "train/cli/commands.h"
#include "train/training/session.h"

namespace yonder {
namespace {

struct SampleOptions {
  std::string path, prompt;
  Decoding how{.most = 200, .temperature = 0.8};
  int length = 0, count = 3, seed = 0, threads = 0;
  Overrides of_task, of_encoding;
};

// A byte as it is, but for control characters, which a terminal would obey.
void print_byte(const Task& task, int token) {
  const bool harmless = token >= ' ' || token == '\n' || token == '\t';
  if (token < 256 && token != 127 && harmless) std::fputc(token, stdout);
  else std::fputs(task.spelled(token).c_str(), stdout);
  std::fflush(stdout);
}

// Undefined where the encoding is, before anything is printed.
void require_defined(Transformer& model, int tokens) {
  const Placed at(model.encoding(), {.tokens = tokens});
  model.hidden(std::vector<int>(std::size_t(tokens), 0), at, tokens - 1);
}

void sample_text(const SampleOptions& options, Trained& run) {
  const int bos = run.task->vocabulary() - 1;
  std::vector<int> prompt{bos};
  for (const unsigned char c : options.prompt) prompt.push_back(c);
  require_defined(*run.model, int(prompt.size()) + options.how.most - 1);
  std::fputs(options.prompt.c_str(), stdout);
  Decoding how = options.how;
  how.on_token = [&](int, int token) { print_byte(*run.task, token); };
  decode(*run.model, prompt, 1, how);
  std::fputc('\n', stdout);
}

std::string spelled(const Task& task, const std::vector<int>& tokens) {
  std::string text;
  for (const int t : tokens) text += (text.empty() ? "" : " ") + task.spelled(t);
  return text;
}

// A sequence of the task: the model continues what is given, to be compared with what is asked.
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
    const auto first = std::find_if(targets.begin(), targets.end(), [](int y) { return y >= 0; });
    const std::vector<int> asked(first, targets.end());
    if (task.labels() || std::count(asked.begin(), asked.end(), -1) > 0)
      throw UsageError("sample: " + run.config.task +
                       " asks between tokens that are given, so there is nothing to continue; see "
                       "yonder eval for how many of them are right");
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
  line.argument("DIR", options.path, "a run's folder, for its last checkpoint, or a checkpoint",
                CommandLine::Presence::required);
  line.add("Text", {Option{"prompt", &options.prompt, "text to continue"}.takes("TEXT"),
                    Option{"tokens", &options.how.most, "how many to write"}.within(1, 1 << 20)});
  line.add("Other tasks", {Option{"length", &options.length, "items of each sequence"}
                               .within(0, 1 << 24)
                               .shown_as("the training length"),
                           Option{"count", &options.count, "sequences"}.within(1, 65536)});
  line.add(
      "Sampling",
      {Option{"temperature", &options.how.temperature, "divides the logits; 0: greedy"}.within(
           0, 1000),
       Option{"top_k", &options.how.top_k, "draw from the largest logits only; 0: all"}.within(
           0, 1 << 24),
       Option{"seed", &options.seed, "of the draws"}.at_least(0),
       Option{"threads", &options.threads, "does not affect the results"}.within(0, 1024).shown_as(
           "all cores")});
  line.tasks(options.of_task, CommandLine::When::testing);
  line.encodings(options.of_encoding, CommandLine::When::testing);
}

}  // namespace

ExitCode sample_command(const Arguments& arguments) {
  SampleOptions options;
  CommandLine line("sample", "continues a text, or answers sequences of a task",
                   {"yonder sample runs/text --prompt \"In the beginning\" --tokens 200",
                    "yonder sample runs/text --prompt \"And\" --rope.scaling yarn --seed 1",
                    "yonder sample runs/copy --length 12 --count 3 --temperature 0"});
  declare(line, options);
  if (!line.parse(arguments)) return ExitCode::ok;
  if (options.threads > 0) set_threads(options.threads);
  options.how.seed = std::uint64_t(options.seed);
  Overrides overrides = options.of_task;
  overrides.insert(overrides.end(), options.of_encoding.begin(), options.of_encoding.end());
  Trained run = load(options.path, overrides, {});
  if (options.length == 0) options.length = run.config.train_length;
  if (!run.task->is_text() && !options.prompt.empty())
    throw UsageError("sample: --prompt is for texts, and " + run.config.task +
                     " makes its own; give --length and --count");
  if (run.task->is_text()) sample_text(options, run);
  else sample_task(options, run);
  return ExitCode::ok;
}

}  // namespace yonder
