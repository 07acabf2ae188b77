#include <algorithm>
#include <cmath>
#include <optional>

#include "core/io/available_memory.h"
#include "core/ops/ops.h"
#include "core/parallel.h"
#include "train/training/batch_loss.h"
#include "train/training/memory_estimate.h"
#include "train/training/session.h"

namespace yonder {
namespace {

// Limits that bound the memory of an evaluation, whatever its length.
constexpr int tokens_a_pass = 8192, logits_a_chunk = 2048;

// The model's result on one target.
struct Scored {
  int row;      // b·T + t in the batch
  double loss;  // nats
  bool right;   // its logit is the largest, the first of equal ones
};

// −log softmax(logits)[target], and whether the target is the argmax.
void score_row(const real* logits, int vocabulary, int target, Scored& scored) {
  const real* best = std::max_element(logits, logits + vocabulary);
  double sum = 0;
  for (int v = 0; v < vocabulary; ++v) sum += std::exp(double(logits[v]) - double(*best));
  scored.loss = std::log(sum) + double(*best) - double(logits[target]);
  scored.right = best - logits == target;
}

// Scores the rows whose target is ≥ 0. Logits are computed for these alone, in chunks: all of them
// would be the largest tensor by far.
std::vector<Scored> score(Transformer& model, const Batch& batch, int longest,
                          std::span<const int> targets, AttentionObserver* observer) {
  const Placed at(model.encoding(), pass_of(batch, longest));
  const int begin = first_target(batch, targets), kept = batch.extent - begin;
  Var hidden = model.hidden(batch.tokens, at, begin, observer);  // [B, kept, D]
  hidden = hidden.view({batch.size * kept, hidden.dim(-1)});     // complex: 2D wide
  std::vector<Scored> scored;
  for (int row = 0; row < int(targets.size()); ++row)
    if (targets[row] >= 0) scored.push_back({row, 0, false});
  for (std::size_t first = 0; first < scored.size(); first += logits_a_chunk) {
    const std::size_t end = std::min(first + logits_a_chunk, scored.size());
    std::vector<int> which;
    for (std::size_t i = first; i < end; ++i) {
      const int b = scored[i].row / batch.extent, t = scored[i].row % batch.extent;
      which.push_back(b * kept + t - begin);
    }
    const Tensor logits = model.head(gather(hidden, which)).value();
    parallel_for(std::int64_t(end - first), [&](std::int64_t i) {
      const int vocabulary = logits.dim(-1);
      Scored& s = scored[first + std::size_t(i)];
      score_row(&logits[i * vocabulary], vocabulary, targets[s.row], s);
    });
  }
  return scored;
}

// In a text every token is the target of the position before it, unless tokens are masked.
std::vector<int> all_targets(const Batch& batch) {
  if (!batch.targets_by_position.empty()) return batch.targets_by_position;
  std::vector<int> targets = batch.targets;
  for (int b = 0; b < batch.size; ++b)
    for (int t = 0; t + 1 < batch.lengths[b]; ++t)
      targets[b * batch.extent + t] = batch.tokens[b * batch.extent + t + 1];
  return targets;
}

// The result at one length, with sums over its passes in place of means until mean().
struct EvalSums {
  EvalRow row;
  double loss = 0;
  std::int64_t right = 0, exact = 0;
  std::vector<int> position_count;

  void add(const Batch& batch, const std::vector<Scored>& scored, bool by_position) {
    std::vector<char> wrong(batch.size);
    const std::size_t before = row.sequence_loss.size();
    row.sequence_loss.resize(before + std::size_t(batch.size));
    row.sequence_targets.resize(row.sequence_loss.size());
    for (const Scored& s : scored) {
      const int t = s.row % batch.extent;
      if (by_position) row.position_loss[t] += s.loss, ++position_count[t];
      if (batch.targets[s.row] < 0) continue;  // only for the loss by position
      loss += s.loss;
      ++row.targets;
      const std::size_t sequence = before + std::size_t(s.row / batch.extent);
      row.sequence_loss[sequence] += s.loss, ++row.sequence_targets[sequence];
      right += s.right;
      if (!batch.lag.empty() && batch.lag[s.row] >= 0) {
        EvalRow::Share& share = row.lags[batch.lag[s.row]];
        share.right += s.right, ++share.count;
      }
      if (!s.right) wrong[s.row / batch.extent] = 1;
    }
    exact += std::count(wrong.begin(), wrong.end(), 0);
  }

  EvalRow mean(bool text) {
    row.loss = loss / double(row.targets);
    row.token_accuracy = double(right) / double(row.targets);
    // All targets being the argmax is equivalent to a correct greedy decode: as long as every
    // choice is right, decoding feeds exactly these tokens.
    (text ? row.perplexity : row.exact_match) =
        text ? std::exp(row.loss) : double(exact) / double(row.examples);
    for (std::size_t t = 0; t < row.position_loss.size(); ++t)
      row.position_loss[t] /= position_count[t];
    return std::move(row);
  }
};

// An observer of the rows whose logits are scored.
AttentionObserver observer_of(const Trained& trained, const Batch& batch) {
  AttentionObserver o{
      .trained = trained.model->dims().trained, .tokens = batch.extent, .lag = batch.lag};
  for (const int target : batch.targets) o.rows.push_back(target >= 0);
  return o;
}

void add_layers(const AttentionObserver& from, std::vector<std::vector<HeadSums>>& to) {
  to.resize(from.layers.size());
  for (std::size_t layer = 0; layer < to.size(); ++layer) {
    to[layer].resize(from.layers[layer].size());
    for (std::size_t h = 0; h < to[layer].size(); ++h) to[layer][h].add(from.layers[layer][h]);
  }
}

// Adds the attention maps of the first sequence, in a separate pass since they need all rows.
void add_maps(Trained& trained, const EvalSpec& spec, int blocks, EvalRow& row) {
  const Batch batch = trained.task->test(spec, 0, 1);
  AttentionObserver o{.tokens = batch.extent,
                      .rows = std::vector<char>(std::size_t(batch.extent), 1),
                      .blocks = blocks};
  const Placed at(trained.model->encoding(), pass_of(batch, row.tokens));
  trained.model->hidden(batch.tokens, at, 0, &o);
  for (std::size_t layer = 0; layer < o.layers.size(); ++layer)
    for (std::size_t h = 0; h < o.layers[layer].size(); ++h)
      row.attention[layer][h].map = std::move(o.layers[layer][h].map);
}

EvalRow test(Trained& trained, const EvalSettings& settings, const EvalSpec& spec,
             const std::function<void(double)>& progress) {
  const Task& task = *trained.task;
  EvalRow row;
  row.length = spec.length, row.least = spec.shortest();
  row.tokens = task.tokens(spec.length), row.examples = task.sequences(spec);
  row.chance = chance_accuracy(task, spec.shortest(), spec.length);
  const int whole = task.is_text() && spec.length >= settings.details_from
                        ? std::min(settings.by_position, row.examples)
                        : 0;
  EvalSums sums{.row = row, .position_count = std::vector<int>(row.tokens)};
  if (whole > 0) sums.row.position_loss.resize(row.tokens);
  const int pass = std::clamp(tokens_a_pass / row.tokens, 1, 64);
  for (int first = 0, end = 0; first < row.examples; first = end) {
    end = std::min(first + pass, first < whole ? whole : row.examples);
    const Batch batch = task.test(spec, first, end - first);
    std::optional<AttentionObserver> observer;
    if (settings.attention) observer = observer_of(trained, batch);
    try {
      sums.add(batch,
               score(*trained.model, batch, row.tokens,
                     first < whole ? all_targets(batch) : batch.targets,
                     observer ? &*observer : nullptr),
               first < whole);
      if (observer) add_layers(*observer, sums.row.attention);
    } catch (const Undefined& why) {
      row.status = Status::undefined;
      row.reason = why.reason;
      row.problem = why.what();
      return row;
    }
    if (!std::isfinite(sums.loss)) {  // an argmax of logits that are not finite is meaningless
      row.status = Status::failed;
      row.reason = "not finite";
      row.problem = trained.model->encoding().name() + ": logits are no longer finite numbers";
      return row;
    }
    progress(double(end) / row.examples);
  }
  if (settings.map_blocks > 0 && spec.length >= settings.details_from)
    add_maps(trained, spec, settings.map_blocks, sums.row);
  return sums.mean(task.is_text());
}

}  // namespace

std::vector<EvalRow> evaluate(Trained& trained, const EvalSettings& settings,
                              const std::function<void(int, double)>& progress) {
  const int longest = *std::max_element(settings.lengths.begin(), settings.lengths.end());
  std::vector<EvalSpec> specs;
  for (int length : settings.lengths)
    specs.push_back({.length = length,
                     .longest = longest,
                     .least = least_of_bin(length, settings.bins),
                     .count = settings.examples,
                     .protocol = settings.protocol,
                     .split = settings.split});
  // Refuses what is impossible or needs too much memory before anything is evaluated.
  for (const EvalSpec& spec : specs) {
    trained.task->sequences(spec);
    require_memory(testing_bytes(trained.model->dims(), trained.task->tokens(spec.length)),
                   "ask for a smaller length than " + std::to_string(spec.length));
  }
  std::vector<EvalRow> result;
  for (const EvalSpec& spec : specs) {
    const int index = int(result.size());
    result.push_back(test(trained, settings, spec, [&](double part) {
      if (progress) progress(index, part);
    }));
  }
  return result;
}

}  // namespace yonder
