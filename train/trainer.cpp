#include "train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "core/ops.h"
#include "core/parallel.h"
#include "train/checkpoints.h"
#include "train/finetune.h"
#include "train/pass.h"
#include "train/run_folder.h"
#include "train/signals.h"

namespace yonder {
namespace {

// Steady: a clock that is set does not disturb it.
auto now() { return std::chrono::steady_clock::now(); }

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(now() - start).count();
}

[[noreturn]] void diverged(int step, const std::string& what) {
  throw DivergedError("training: diverged at step " + std::to_string(step) + ", where " + what +
                      " is no longer a number; lower --lr or raise --warmup");
}

bool is_finite(const Tensor& x) {
  return std::all_of(x.flat().begin(), x.flat().end(), [](real v) { return std::isfinite(v); });
}

// The first tensor whose gradient is at fault for a norm that is no number.
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

}  // namespace

Trainer::Trainer(Trained& run)
    : run_(run),
      before_(run.step),
      optimizer_(
          run.model->parameters(),
          {.beta1 = run.config.beta1, .beta2 = run.config.beta2, .decay = run.config.weight_decay}),
      schedule_{run.config.lr, run.config.warmup, run.config.steps, run.config.lr_end} {}

Trainer::Step Trainer::step(int s) {
  const RunConfig& config = run_.config;
  Transformer& model = *run_.model;
  const int step = before_ + s, longest = run_.task->tokens(config.length);
  const Batch batch = run_.task->train(config.seed_of_data(), step, config.batch);
  Draws draws(Random(config.seed_of_data(), "positions", std::uint32_t(step)));
  const Placed at(model.encoding(), pass_of(batch, longest, &draws));

  double value = 0;
  try {
    Tape tape(config.detect_anomaly ? Tape::Watch::finite : Tape::Watch::nothing);
    const Var loss = cross_entropy(model.logits(batch.tokens, at), batch.targets);
    value = loss.value()[0];
    if (!std::isfinite(value)) diverged(s, "the loss");
    tape.backward(loss);
  } catch (const NotFinite& e) { diverged(s, e.what()); }

  const double norm = gradient_norm(model.parameters());
  if (!std::isfinite(norm)) diverged(s, faulty_gradient(model.parameters()));
  const double lr = schedule_(s);
  optimizer_.step(lr, config.clip > 0 && norm > config.clip ? config.clip / norm : 1);
  model.parameters().clear_gradients();
  check_parameters(model.parameters(), s);
  run_.step = step;
  return {value, lr, norm, std::accumulate(batch.lengths.begin(), batch.lengths.end(), 0)};
}

TrainResult train(const RunConfig& config, const std::string& path, Existing existing,
                  const std::function<void(const Metrics&)>& progress) {
  if (config.threads > 0) set_threads(config.threads);
  RunFolder folder(path, existing);
  Trained run = config.from.empty() ? prepare(config) : go_on(config);
  Trainer trainer(run);
  Checkpoints checkpoints(path, config);
  Totals totals;
  if (existing == Existing::resume) totals = checkpoints.restore(run, trainer.optimizer());
  if (totals.step > 0) folder.go_on(totals.step);
  const Parameters& parameters = run.model->parameters();
  TrainResult result{.steps = config.steps,
                     .before = totals.step,
                     .parameters = parameters.count(),
                     .position_parameters = parameters.count("encoding.")};

  for (const int s : late_steps(config))
    result.late.push_back(checkpoints.model(run.step - totals.step + s));
  const Interruptible interrupt;
  const auto start = now();
  const double before = totals.seconds;
  auto saved = start;
  while (totals.step < config.steps) {
    const auto began = now();
    const int s = totals.step + 1;
    const Trainer::Step step = trainer.step(s);
    if (s == 1) folder.begin(run), checkpoints.begin(run);
    add(totals, step, config.steps, seconds_since(began));
    totals.seconds = before + seconds_since(start);
    const Metrics metrics{
        s, config.steps, step.loss, step.lr, step.grad_norm, totals.speed, totals.seconds};
    folder.record(metrics);
    if (progress) progress(metrics);
    const bool late = config.save_minutes > 0 && seconds_since(saved) > 60 * config.save_minutes;
    const int signal = interrupt.signal();
    if (!stays(config, s) && !late && !signal) continue;
    folder.sync();
    checkpoints.save(run, trainer.optimizer(), totals);
    saved = now();
    if (signal)
      throw Interrupted(signal, "training: ended by a signal and saved at step " +
                                    std::to_string(s) + " of " + std::to_string(config.steps) +
                                    "; yonder train --resume " + path + " goes on");
  }
  folder.flush();
  result.checkpoint = checkpoints.model(run.step);
  result.loss = totals.loss;
  result.seconds = totals.seconds;
  result.tokens_per_second = totals.tokens / result.seconds;
  return result;
}

RunConfig begun_in(const std::string& folder) { return Checkpoints::configuration(folder); }

}  // namespace yonder
