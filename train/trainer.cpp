#include "train/trainer.h"

#include <chrono>
#include <cmath>
#include <numeric>

#include "core/ops.h"
#include "core/parallel.h"
#include "models/checkpoint.h"
#include "train/config_json.h"
#include "train/finetune.h"
#include "train/pass.h"
#include "train/run_folder.h"

namespace yonder {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

[[noreturn]] void diverged(int step, const std::string& what) {
  throw DivergedError("training: diverged at step " + std::to_string(step) + ", where " + what +
                      " is no longer a number; lower --lr or raise --warmup");
}

void check_parameters(const Trained& run, int step) {
  for (const auto& p : run.model->parameters().all())
    for (real x : p.var.value().flat())
      if (!std::isfinite(x)) diverged(step, p.name);
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
  const int now = before_ + s, longest = run_.task->tokens(config.length);
  const Batch batch = run_.task->train(std::uint64_t(config.seed), now, config.batch);
  Draws draws(Random(std::uint64_t(config.seed), "positions", std::uint32_t(now)));
  const Placed at(model.encoding(), pass_of(batch, longest, &draws));

  Tape tape;
  const Var loss = cross_entropy(model.logits(batch.tokens, at), batch.targets);
  const double value = loss.value()[0];
  if (!std::isfinite(value)) diverged(s, "the loss");
  tape.backward(loss);

  const double norm = gradient_norm(model.parameters());
  if (!std::isfinite(norm)) diverged(s, "the gradient");
  const double lr = schedule_(s);
  optimizer_.step(lr, config.clip > 0 && norm > config.clip ? config.clip / norm : 1);
  model.parameters().clear_gradients();
  run_.step = now;
  return {value, lr, norm, std::accumulate(batch.lengths.begin(), batch.lengths.end(), 0)};
}

TrainResult train(const RunConfig& config, const std::string& path, Existing existing,
                  const std::function<void(const Metrics&)>& progress) {
  if (config.threads > 0) set_threads(config.threads);
  RunFolder folder(path, existing);
  Trained run = config.from.empty() ? prepare(config) : go_on(config);
  Trainer trainer(run);
  const Parameters& parameters = run.model->parameters();
  TrainResult result{.steps = config.steps,
                     .parameters = parameters.count(),
                     .position_parameters = parameters.count("encoding.")};

  const auto start = std::chrono::steady_clock::now();
  const int tail = std::max(1, config.steps / 20);
  double tokens = 0, recent = 0;  // recent: tokens per second, an average that fades
  for (int s = 1; s <= config.steps; ++s) {
    const auto began = std::chrono::steady_clock::now();
    const Trainer::Step step = trainer.step(s);
    if (s == 1) folder.begin(run);
    const double speed = step.tokens / seconds_since(began);
    recent = s == 1 ? speed : 0.95 * recent + 0.05 * speed;
    tokens += step.tokens;
    if (s > config.steps - tail) result.loss += step.loss / tail;
    const Metrics metrics{s,      config.steps,        step.loss, step.lr, step.grad_norm,
                          recent, seconds_since(start)};
    folder.record(metrics);
    if (progress) progress(metrics);
    if (s == config.steps || (config.save_every > 0 && s % config.save_every == 0)) {
      check_parameters(run, s);
      result.checkpoint = folder.checkpoint(run.step);
      save_model(result.checkpoint, *run.model,
                 {task_json(run), run.step, std::uint64_t(config.seed)});
    }
  }
  folder.flush();
  result.seconds = seconds_since(start);
  result.tokens_per_second = tokens / result.seconds;
  return result;
}

}  // namespace yonder
