#include "train/training/trainer.h"

#include <fmt/core.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/ops/ops.h"
#include "core/parallel.h"
#include "train/system/signals.h"
#include "train/system/stopwatch.h"
#include "train/training/batch_loss.h"
#include "train/training/checkpoint_dir.h"
#include "train/training/finetune.h"
#include "train/training/run_dir.h"

namespace yonder {
namespace {

[[noreturn]] void diverged(int step, const std::string& what) {
  throw DivergedError("training: diverged at step " + std::to_string(step) + ", where " + what +
                      " is not finite; lower --lr or raise --warmup");
}

bool is_finite(const Tensor& x) {
  return std::all_of(x.flat().begin(), x.flat().end(), [](real v) { return std::isfinite(v); });
}

// Names the first gradient that makes the norm NaN or infinite.
std::string faulty_gradient(const Parameters& parameters) {
  for (const auto& [name, var] : parameters.all())
    if (var.gradient().started() && !is_finite(var.grad())) return "the gradient of " + name;
  return "the gradient's norm";
}

void check_parameters(const Parameters& parameters, int step) {
  if (all_finite(parameters)) return;
  for (const auto& [name, var] : parameters.all())
    if (!is_finite(var.value())) diverged(step, name);
}

void add(Totals& totals, const Trainer::Step& taken, int steps, double took) {
  const int tail = std::max(1, steps / 20);
  const double speed = taken.tokens / took;
  totals.speed = totals.step == 0 ? speed : 0.95 * totals.speed + 0.05 * speed;
  totals.tokens += taken.tokens;
  if (++totals.step > steps - tail) totals.loss += taken.loss / tail;
}

// Copies rank 0's totals to every rank.
void broadcast(Totals& t) {
  std::array<double, 5> numbers{};
  if (ranks::rank() == 0) numbers = {double(t.step), t.loss, t.tokens, t.seconds, t.speed};
  ranks::sum(numbers);
  t = {int(numbers[0]), numbers[1], numbers[2], numbers[3], numbers[4]};
}

AdamW optimizer_of(const Trained& run) {
  const RunConfig& c = run.config;
  return {run.model->parameters(), {.beta1 = c.beta1, .beta2 = c.beta2, .decay = c.weight_decay}};
}

}  // namespace

Trainer::Trainer(Trained& run, ranks::Communicator comm)
    : run_(run),
      comm_(comm),
      before_(run.step),
      optimizer_(optimizer_of(run)),
      schedule_{run.config.lr, run.config.warmup, run.config.steps, run.config.min_lr_ratio},
      precision_(precision_named(run.config.precision)) {
  share();
}

// Prepares to compute the gradient in shards, if there are several shards or ranks.
void Trainer::share() {
  const RunConfig& config = run_.config;
  const Shards::Order order = config.allreduce == "fast" ? Shards::Order::any : Shards::Order::kept;
  if (config.shards > 1 || comm_.count > 1)
    shards_.emplace(run_.model->parameters(), config.shards, order, comm_);
}

void Trainer::switch_encoding_at(int s) {
  if (changed_ || !run_.config.changes() || s <= run_.config.first_steps()) return;
  switch_encoding(run_);
  AdamW next = optimizer_of(run_);
  next.continue_from(optimizer_);
  optimizer_ = std::move(next);
  share();
  changed_ = true;
}

// Adds the gradient of `weight` times the loss of a batch, or of a part of it; returns the loss.
double Trainer::forward_backward(const Batch& batch, int s, double weight) {
  const RunConfig& config = run_.config;
  Transformer& model = *run_.model;
  const int step = before_ + s, longest = run_.task->tokens(config.train_length);
  RandomStream draws(Random(config.seed_of_data(), "positions", std::uint32_t(step)));
  const Placed at(model.encoding(), pass_of(batch, longest, &draws));
  const WithPrecision precision(precision_);
  try {
    Tape tape(config.detect_anomaly ? Tape::Watch::finite : Tape::Watch::nothing);
    const Var loss = mean_loss(model, batch, at);
    if (!std::isfinite(loss.value()[0])) diverged(s, "the loss");
    tape.backward(weight == 1 ? loss : real(weight) * loss);
    return loss.value()[0];
  } catch (const NotFinite& e) { diverged(s, e.what()); }
}

// Updates the parameters with the clipped gradient and returns its norm before clipping.
double Trainer::update(int s, double lr) {
  Parameters& parameters = run_.model->parameters();
  const double norm = gradient_norm(parameters), clip = run_.config.grad_clip;
  if (!std::isfinite(norm)) diverged(s, faulty_gradient(parameters));
  optimizer_.step(lr, clip > 0 && norm > clip ? clip / norm : 1);
  parameters.clear_gradients();
  check_parameters(parameters, s);
  return norm;
}

Trainer::Step Trainer::step(int s) {
  switch_encoding_at(s);
  const RunConfig& config = run_.config;
  const Batch batch = run_.task->train(config.seed_of_data(), before_ + s, config.batch);
  Step step{.lr = schedule_(s),
            .tokens = std::accumulate(batch.lengths.begin(), batch.lengths.end(), 0)};
  if (shards_)
    step.loss = shards_->gradient(
        batch, [&](const Batch& part, double weight) { return forward_backward(part, s, weight); });
  else step.loss = forward_backward(batch, s, 1);
  comm_.run_collectively([&] { step.grad_norm = update(s, step.lr); });
  run_.step = before_ + s;
  return step;
}

void Trainer::broadcast(int steps) {
  switch_encoding_at(steps);
  for (const auto& [name, var] : run_.model->parameters().all())
    ranks::broadcast(var.value().flat());
  const NamedTensors moments = optimizer_.moments();
  for (const auto& [name, moment] : moments) ranks::broadcast(moment.flat());
  optimizer_.restore(steps, moments);
  run_.step = before_ + steps;
}

TrainResult train(const RunConfig& config, const std::string& path, Existing existing,
                  const std::function<void(const Metrics&)>& progress, ranks::Communicator comm,
                  const Inputs& inputs) {
  if (config.threads > 0) set_threads(config.threads);
  std::unique_ptr<RunFolder> folder;  // of rank 0 alone
  Trained run;
  comm.run_collectively([&] {
    if (comm.rank == 0) folder = std::make_unique<RunFolder>(path, existing);
    run = config.from.empty() ? prepare(config, inputs) : resume_from_checkpoint(config, inputs);
  });
  Trainer trainer(run, comm);
  Checkpoints checkpoints(path, config);
  Totals totals;
  comm.run_collectively([&] {
    if (!folder || existing != Existing::resume) return;
    totals = checkpoints.restore(run, trainer);
    if (totals.step > 0) folder->continue_at(totals.step);
  });
  if (comm.count > 1) broadcast(totals), trainer.broadcast(totals.step);
  TrainResult result{
      .steps = config.steps, .before = totals.step, .changed_text = run.changed_text};

  for (const int s : late_steps(config))
    result.late.push_back(checkpoints.model(run.step - totals.step + s));
  if (folder && config.tensorboard) folder->write_events();
  const Interruptible interrupt;
  const auto start = Clock::now();
  const double before = totals.seconds;
  auto saved = start;
  while (totals.step < config.steps) {
    const auto began = Clock::now();
    const int s = totals.step + 1;
    const Trainer::Step step = trainer.step(s);
    if (s == 1 && folder) folder->begin(run, comm), checkpoints.begin(run);
    add(totals, step, config.steps, seconds_since(began));
    totals.seconds = before + seconds_since(start);
    const Metrics metrics{
        s, config.steps, step.loss, step.lr, step.grad_norm, totals.speed, totals.seconds};
    if (folder) folder->record(metrics);
    if (progress) progress(metrics);
    const bool late =
        config.checkpoint_minutes > 0 && seconds_since(saved) > 60 * config.checkpoint_minutes;
    const int signal = comm.count > 1 ? ranks::largest(interrupt.signal()) : interrupt.signal();
    if (!stays(config, s) && !late && !signal) continue;
    if (folder) folder->sync(), checkpoints.save(run, trainer.optimizer(), totals);
    saved = Clock::now();
    if (signal)
      comm.run_collectively([&] {
        throw Interrupted(signal, fmt::format("training: ended by a signal and saved at step {} of "
                                              "{}; continue with yonder train --resume {}",
                                              s, config.steps, path));
      });
  }
  if (folder) folder->flush();
  result.checkpoint = checkpoints.model(run.step);
  result.parameters = run.model->parameters().count();
  result.position_parameters = run.model->position_parameters();
  result.depth = run.model->depth();
  result.loss = totals.loss;
  result.seconds = totals.seconds;
  result.tokens_per_second = totals.tokens / result.seconds;
  return result;
}

}  // namespace yonder
