#pragma once
#include "train/results/panel.h"

/// Invented results for tests of table, plot and sentences.
namespace yonder {

/// Text, trained on 64 bytes: kerple's loss stays flat, rope's triples at 8x, that of rope + yarn
/// rises a little, learned is undefined beyond its table. Seed s adds 0.01·s.
inline Results found_text(int seeds = 3) {
  Results r{.task = "text",
            .text = true,
            .train_length = 64,
            .lengths = {64, 128, 512},
            .seeds = seeds,
            .rows = parse_rows("kerple,rope,rope:rope.scaling=yarn,learned"),
            .unigram_loss = 3.19,
            .bytes_per_token = 1};
  const double losses[4][3] = {
      {1.6, 1.61, 1.63}, {1.6, 2.0, 4.96}, {1.6, 1.7, 1.92}, {1.7, unknown, unknown}};
  for (std::size_t row = 0; row < r.rows.size(); ++row)
    for (std::size_t i = 0; i < r.lengths.size(); ++i)
      for (int seed = 0; seed < seeds; ++seed) {
        EvalScore s{.row = r.rows[row],
                    .protocol = "fixed-targets",
                    .length = r.lengths[i],
                    .tokens = r.lengths[i],
                    .seed = seed,
                    .loss = losses[row][i] + 0.01 * seed,
                    .examples = 48};
        if (row == 3 && i > 0)
          s.status = Status::undefined, s.reason = "table ends",
          s.problem = "learned: position 64 is beyond the table of 64";
        r.scores.push_back(s);
      }
  return r;
}

/// Copying 20 symbols: alibi extrapolates, rope does not, t5 never learned the task.
inline Results found_task() {
  Results r{.task = "copy",
            .train_length = 20,
            .lengths = {20, 40},
            .seeds = 1,
            .rows = parse_rows("rope,alibi,t5"),
            .chance = {0.1, 0.0625}};
  const double shares[3][2] = {{1, 0.26}, {0.999, 0.99}, {0.5, 0.4}};
  for (std::size_t row = 0; row < r.rows.size(); ++row)
    for (std::size_t i = 0; i < r.lengths.size(); ++i)
      r.scores.push_back({.row = r.rows[row],
                          .protocol = "answer",
                          .length = r.lengths[i],
                          .tokens = 2 * r.lengths[i] + 2,
                          .loss = 0.1,
                          .token_accuracy = shares[row][i],
                          .exact_match = row == 1 ? 0.74 : 0.,
                          .examples = 256});
  return r;
}

}  // namespace yonder
