#include "train/training/finetune.h"

#include <algorithm>
#include <utility>

#include "core/io/available_memory.h"
#include "encodings/base/table.h"
#include "models/checkpoint.h"
#include "train/config/keys.h"
#include "train/training/memory_estimate.h"

namespace yonder {
namespace {

// Refuses a configuration whose model differs from the checkpoint's.
void require_same(const RunConfig& asked, const RunConfig& there) {
  auto same = [](const std::string& flag, const std::string& one, const std::string& other) {
    if (one != other)
      throw UsageError("--" + flag + ": '" + one +
                       "' is given, but the checkpoint of --from has '" + other +
                       "'; omit the flag, or train a new model");
  };
  same("task", asked.task, there.task);
  same("encoding", asked.encoding, there.encoding);
  RunConfig whole = asked;
  whole.set_design(asked.design());
  if (whole.kv_heads == 0) whole.kv_heads = whole.heads;
  const auto one = std::as_const(whole).fields(), other = there.fields();
  for (std::size_t i = 0; i < one.size(); ++i)
    if (const OptionKey key(one[i].name); key.owner == "model" && key.name != "encoding")
      same(kebab_case(key.name), text_of(one[i].value), text_of(other[i].value));
  if (asked.block == "auto") return;
  const auto text = [](const BlockDesign& b) {
    return text_of(b.norm) + " " + text_of(b.place) + " " + text_of(b.act) + ", bias " +
           text_of(b.bias);
  };
  same("block", text(BlockDesign::named(asked.block)), text(there.design()));
}

// Whether a pass of L tokens would draw fresh rows of a table.
bool draws_rows(const Transformer& model, int L) {
  const Overrides all = model.encoding().values();
  const bool fresh = std::ranges::any_of(
      all, [](const Override& o) { return o.key.name == "beyond" && o.value == Value("random"); });
  return fresh && L > model.dims().positions;
}

// The encoding for a model that is rebuilt. `before` is the encoding of the checkpoint, whose
// `beyond` applies again, since no row is beyond the table any more.
std::unique_ptr<Composition> grown(const Composition& now, const Composition& before) {
  auto encoding = std::make_unique<Composition>(now.name());
  for (const auto& [key, value] : now.values()) {
    if (key.name == "scaling" && value != Value("direct"))
      throw UsageError(text_of(key) +
                       ": it depends on the training length, which new rows of a table change; "
                       "fine-tune with one of the two at a time");
    encoding->set(key, value);
  }
  for (const auto& [key, value] : before.values())
    if (key.name == "beyond") encoding->set(key, value);
  return encoding;
}

// The same model with N = L: tables keep their rows and continue with fresh ones.
std::unique_ptr<Transformer> grown(const Transformer& model, const Composition& before, int L,
                                   std::uint64_t seed) {
  Dims dims = model.dims();
  dims.trained = L;
  auto longer = std::make_unique<Transformer>(dims, grown(model.encoding(), before), seed,
                                              model.tied() ? Head::tied : Head::own);
  for (const auto& [name, var] : longer->parameters().all()) {
    const Tensor old = model.parameters().find(name).value();
    Tensor now = var.value();
    std::copy_n(&old[0], old.size(), &now[0]);
    if (now.size() == old.size()) continue;
    const Tensor more = fresh_rows(seed, name, old.dim(0), now.dim(0) - old.dim(0), now.dim(1));
    std::copy_n(&more[0], more.size(), &now[old.size()]);
  }
  return longer;
}

// Runs a pass at the full length, so that an encoding that is undefined there is refused before
// training begins and not when a batch happens to be long enough.
void require_defined(Trained& run, int L) {
  RandomStream draws(Random(std::uint64_t(run.config.seed), "positions", 0));
  const Placed at(run.model->encoding(), {.tokens = L, .longest = L, .draws = &draws});
  run.model->hidden(std::vector<int>(std::size_t(L), 0), at);
}

// The length that N comes from, and the steps so far.
Trained::Before before(const Trained& run) {
  const bool own = run.task->tokens(run.config.train_length) == run.model->dims().trained;
  return {own || !run.before ? run.config.train_length : run.before->length, run.step};
}

}  // namespace

RunConfig config_from(const std::string& path, const Overrides& options, const Inputs& inputs) {
  Overrides of_task = options;
  std::erase_if(of_task, [](const Override& o) { return is_of_encoding(o.key); });
  RunConfig config = load(path, of_task, inputs).config;
  config.from = path;
  config.options.clear();
  return config;
}

Trained resume_from_checkpoint(const RunConfig& config, const Inputs& inputs) {
  require_same(config, config_from(config.from, config.options, inputs));
  const Overrides of_first = options_of_first(config);
  Trained run = load(config.from, of_first, inputs);
  Overrides of_task = std::move(run.config.options);
  run.before = before(run);
  run.config = config;
  run.config.options = std::move(of_task);
  for (const Override& o : config.options)
    if (!find(of_first, o.key)) run.config.options.push_back(o);  // for `switch_to`, later
  run.task->prepare(config.train_length, inputs.texts());
  const int L = run.task->tokens(config.train_length);
  Dims dims = run.model->dims();
  dims.trained = L;
  require_memory(training_bytes(dims, config.at_once()), "lower --batch or --train-length");

  run.model->freeze_loops(L);
  if (draws_rows(*run.model, L)) {
    const Checkpoint old = load_model(*inputs.checkpoint(config.from));
    run.model = grown(*run.model, old.model->encoding(), L, std::uint64_t(config.seed));
  }
  run.model->encoding().freeze_for_length(L);
  run.config.encoding = run.model->encoding().name();
  require_defined(run, L);
  check_encoding_switch(run);
  return run;
}

}  // namespace yonder
