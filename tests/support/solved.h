#pragma once
#include <functional>

#include "tests/support/catch.h"
#include "tests/support/datasets.h"

/// \file
/// Checks tasks against independent solvers.
namespace yonder {

/// Checks what holds for every task: BOS comes first, there are no targets before the separator (if
/// any), each target except EOS is the next input, EOS is the last target and never an input.
inline void check_form(const TaskSequence& r, const Task& task, int length) {
  const int n = int(r.tokens.size());
  REQUIRE(n <= task.tokens(length));
  REQUIRE(r.tokens[0] == BOS);
  if (task.labels()) return;  // targets are not tokens of the sequence
  for (int t = 0; t < n; ++t) {
    REQUIRE(r.tokens[t] >= 0);
    REQUIRE(r.tokens[t] < task.vocabulary());
    REQUIRE(r.tokens[t] != EOS);
    if (r.end_of_question() < n && t < r.end_of_question()) REQUIRE(r.targets[t] == -1);
    if (t + 1 < n && r.targets[t] >= 0) REQUIRE(r.targets[t] == r.tokens[t + 1]);
  }
  REQUIRE(r.targets[n - 1] == EOS);
}

using Solver = std::function<std::vector<int>(const TaskSequence&)>;

/// Compares 10,000 samples below, at and above the trained length with an independent solver.
inline void check_solved(const std::string& name, const TaskSettings& settings,
                         const Solver& solve) {
  const auto task = prepared(name, settings, 16);
  int samples = 0;
  for (int length : {1, 2, 5, 16, 40}) {
    const Batch batch = task->test({.length = length, .count = 2000}, 0, 2000);
    REQUIRE(batch.extent == task->tokens(length));
    for (int b = 0; b < batch.size; ++b, ++samples) {
      const TaskSequence r = row(batch, b);
      check_form(r, *task, length);
      REQUIRE(r.answer() == solve(r));
    }
  }
  REQUIRE(samples == 10000);
}

inline std::vector<int> with_eos(std::vector<int> answer) {
  answer.push_back(EOS);
  return answer;
}

using Words = std::vector<std::string>;

inline Words spelled(const Task& task, const std::vector<int>& tokens) {
  Words words;
  for (int t : tokens) words.push_back(task.spelled(t));
  return words;
}

/// The same for solvers that read the question as words and return the answer without EOS.
inline void check_reads(const std::string& name, const TaskSettings& settings,
                        const std::function<Words(const Words&)>& solve) {
  const auto reader = prepared(name, settings, 1);
  check_solved(name, settings, [&](const TaskSequence& r) {
    Words expected = solve(spelled(*reader, r.question()));
    expected.push_back("<eos>");
    REQUIRE(spelled(*reader, r.answer()) == expected);
    return r.answer();
  });
}

}  // namespace yonder
