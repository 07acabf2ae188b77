#pragma once
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "datasets/base/dataset.h"

/// \file
/// Shared by tests of tasks.
namespace yonder {

constexpr int BOS = 0, SEP = 1, EOS = 2;
using TaskSettings = std::vector<std::pair<std::string, std::string>>;

inline std::unique_ptr<Task> prepared(const std::string& name, const TaskSettings& settings,
                                      int length) {
  auto task = make_task(name);
  Options options = task->options();
  for (const auto& [option, value] : settings) assign(*find(options, option), name, value);
  task->prepare(length, {});
  return task;
}

// A sequence read back from a batch: its inputs, and its targets (-1: not scored).
struct TaskSequence {
  std::vector<int> tokens, targets;

  int end_of_question() const {
    return int(std::find(tokens.begin(), tokens.end(), SEP) - tokens.begin());
  }
  std::vector<int> question() const {
    return {tokens.begin() + 1, tokens.begin() + end_of_question()};
  }
  std::vector<int> answer() const {
    std::vector<int> a;
    for (int t : targets)
      if (t >= 0) a.push_back(t);
    return a;
  }
};

inline TaskSequence row(const Batch& batch, int b) {
  const auto from = std::size_t(b) * batch.extent, to = from + batch.lengths[b];
  return {{batch.tokens.begin() + from, batch.tokens.begin() + to},
          {batch.targets.begin() + from, batch.targets.begin() + to}};
}

}  // namespace yonder
