#include "datasets/base/dataset.h"

#include <algorithm>
#include <cassert>

namespace yonder {
namespace {

std::vector<TaskEntry>& registered() {
  static std::vector<TaskEntry> list;
  return list;
}

constexpr int default_examples = 256;

bool says(const std::vector<int>& of_tokens) {
  return std::any_of(of_tokens.begin(), of_tokens.end(), [](int x) { return x >= 0; });
}

}  // namespace

const std::vector<TaskEntry>& tasks() { return registered(); }

std::unique_ptr<Task> make_task(const std::string& name) {
  std::vector<std::string> names;
  for (const TaskEntry& entry : tasks()) {
    if (entry.name == name) return entry.make();
    names.push_back(entry.name);
  }
  throw UsageError(fmt::format("task: there is no '{}'{}; see yonder list tasks", name,
                               did_you_mean(name, names)));
}

void add_task(TaskEntry entry) {
  auto& list = registered();
  const auto before = [](const TaskEntry& a, const TaskEntry& b) { return a.name < b.name; };
  list.insert(std::upper_bound(list.begin(), list.end(), entry, before), std::move(entry));
}

void require_single_length(const std::string& task, const EvalSpec& spec) {
  if (spec.least)
    throw UsageError(
        fmt::format("{}: its sequences need a single length, and {}-{} is a bin of lengths; "
                    "give single lengths",
                    task, spec.least, spec.length));
}

double chance_accuracy(const Task& task, int least, int most) {
  double sum = 0;
  for (int length = least; length <= most; ++length) sum += task.chance_accuracy(length);
  return sum / (most - least + 1);
}

Batch collate(const std::vector<Example>& examples) {
  Batch batch{.size = int(examples.size())};
  for (const Example& e : examples) batch.lengths.push_back(int(e.tokens.size()) - 1);
  batch.extent = *std::max_element(batch.lengths.begin(), batch.lengths.end());
  batch.tokens.assign(std::size_t(batch.size) * batch.extent, -1);
  batch.targets = batch.tokens;
  bool labels = false;
  for (const Example& e : examples) {
    if (says(e.evidence)) batch.lag.assign(batch.tokens.size(), -1);
    if (says(e.digit)) batch.digits.assign(batch.tokens.size(), -1);
    labels = labels || says(e.target);
  }
  for (int b = 0; b < batch.size; ++b)
    for (int t = 0; t < batch.lengths[b]; ++t) {
      const Example& e = examples[b];
      const int place = b * batch.extent + t;
      batch.tokens[place] = e.tokens[t];
      if (e.is_target[t + 1]) batch.targets[place] = e.tokens[t + 1];
      if (e.is_target[t + 1] && e.evidence[t + 1] >= 0) batch.lag[place] = t - e.evidence[t + 1];
      if (e.target[t] >= 0) batch.targets[place] = e.target[t];
      if (e.target[t] >= 0 && e.evidence[t] >= 0) batch.lag[place] = t - e.evidence[t];
      if (!batch.digits.empty()) batch.digits[place] = e.digit[t];
    }
  if (labels) batch.targets_by_position = batch.targets;
  return batch;
}

void GeneratedTask::prepare(int length, const Corpora& texts) {
  check(length);
  Task::prepare(length, texts);
}

Batch GeneratedTask::train(std::uint64_t seed, int step, int size) const {
  RandomStream draws(Random(seed, "data.train", std::uint32_t(step)));
  const int length = draws.between(1, trained_);
  std::vector<Example> examples;
  for (int b = 0; b < size; ++b) examples.push_back(example(length, draws));
  return collate(examples);
}

int GeneratedTask::sequences(const EvalSpec& spec) const {
  for (int n = spec.shortest(); n <= spec.length; ++n) check(n);
  return spec.count ? spec.count : default_examples;
}

Batch GeneratedTask::test(const EvalSpec& spec, int first, int size) const {
  assert(first >= 0 && size > 0 && first + size <= sequences(spec));
  std::vector<Example> examples;
  const char* stream = spec.split == Split::test ? "data.test" : "data.validation";
  // The length serves as the seed, so that sequences of different lengths are independent.
  for (int i = first; i < first + size; ++i) {
    RandomStream draws(Random(std::uint64_t(spec.length), stream, std::uint32_t(i)));
    const int length = spec.least ? draws.between(spec.least, spec.length) : spec.length;
    examples.push_back(test_example(length, draws));
  }
  return collate(examples);
}

std::string GeneratedTask::spelled(int token) const {
  switch (token) {
    case bos:
      return "<bos>";
    case sep:
      return "<sep>";
    case eos:
      return "<eos>";
    default:
      return symbol(token);
  }
}

}  // namespace yonder
