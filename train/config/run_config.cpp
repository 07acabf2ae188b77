#include "train/config/run_config.h"

#include <fmt/core.h>
#include <cmath>
#include <limits>

namespace yonder {
namespace {

constexpr double most = 1e8;                                 // limit of counts
constexpr double largest = std::numeric_limits<int>::max();  // limit of seeds
constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

int RunConfig::first_steps() const { return int(std::lround(switch_at * steps)); }

BlockDesign RunConfig::design() const {
  BlockDesign all = BlockDesign::named(block);
  all.norm = norm.value_or(all.norm), all.place = place.value_or(all.place);
  all.act = act.value_or(all.act), all.bias = bias.value_or(all.bias);
  all.kv_heads = kv_heads, all.loops = loops;
  return all;
}

void RunConfig::set_design(const BlockDesign& all) {
  block = "auto";
  norm = all.norm, place = all.place, act = all.act, bias = all.bias;
  kv_heads = all.kv_heads, loops = all.loops;
}

int RunConfig::hidden() const {
  if (mlp > 0) return mlp;
  return design().act == Activation::swiglu ? 8 * ((width + 2) / 3)
                                            : 4 * width;  // nearly as many weights
}

std::string RunConfig::warning() const {
  if (warmup <= steps) return "";
  return fmt::format(
      "warmup: the learning rate rises for {} steps and training takes {}, so it ends at {:.3g} "
      "and never reaches its peak, {}; lower --warmup, or raise --steps",
      warmup, steps, lr * steps / warmup, text_of(Value(lr)));
}

std::vector<std::string> RunConfig::encodings() const {
  return changes() ? std::vector{encoding, switch_to} : std::vector{encoding};
}

Options RunConfig::fields() {
  Options all = data_fields();
  for (const Options& more :
       {model_fields(), from_fields(), training_fields(), checkpoint_fields()})
    append(all, more);
  return all;
}

std::vector<OptionView> RunConfig::fields() const { return views(RunConfig(*this).fields()); }

Options RunConfig::data_fields() {
  return {
      Option{"data.task", &task, "task; see yonder list tasks"}.takes("NAME"),
      Option{"data.train_length", &train_length,
             "longest training sequence: items of the task, or bytes of text"}
          .within(1, 1 << 24)
          .formerly("length"),
  };
}

Options RunConfig::model_fields() {
  return {
      Option{"model.encoding", &encoding,
             "positional encoding, several joined by +; see yonder list encodings"}
          .takes("NAME")
          .kept_as(canonical_encoding),
      Option{"encoding.switch_at", &switch_at,
             "fraction of the steps after which --encoding.switch-to replaces it (DroPE: 0.875)"}
          .within(0, 1)
          .formerly("until"),
      Option{"encoding.switch_to", &switch_to, "final encoding, which is also the one evaluated"}
          .takes("NAME")
          .kept_as(canonical_encoding)
          .formerly("then"),
      Option{"model.width", &width, "model dimension (d_model)"}.within(1, 65536),
      Option{"model.heads", &heads, "attention heads; must divide the width"}.within(1, 65536),
      Option{"model.layers", &layers, "blocks of attention and MLP"}.within(1, 1024),
      Option{"model.mlp", &mlp, "hidden dimension of the MLP"}
          .within(0, 1 << 20)
          .shown_as("4 x width; with swiglu 8/3 x width"),
      Option{"model.block", &block, "Transformer block"}.one_of(
          {"auto", "plain", "gpt2", "neox", "llama", "gemma"}),
      choice("model.norm", &norm, "LayerNorm or RMSNorm").for_experts(),
      choice("model.place", &place, "placement of the norms in a block").for_experts(),
      choice("model.act", &act, "activation of the MLP").for_experts(),
      choice("model.bias", &bias, "linear maps with a bias; qkv and all are within blocks")
          .for_experts(),
      Option{"model.kv_heads", &kv_heads, "key and value heads; must divide --heads"}
          .within(0, 65536)
          .shown_as("as many as --heads")
          .for_experts(),
      Option{"model.loops", &loops, "applications of all layers per forward pass"}
          .within(1, 1024)
          .for_experts(),
      Option{"model.bidirectional", &bidirectional,
             "bidirectional attention with a masked-LM objective"},
      Option{"model.tie_embeddings", &tie_embeddings,
             "share the embedding matrix with the output head"}
          .formerly("tied"),
  };
}

Options RunConfig::from_fields() {
  return {
      Option{"train.from", &from, "run or checkpoint to fine-tune, at any --train-length"}.takes(
          "RUN")};
}

Options RunConfig::training_fields() {
  return {
      Option{"train.steps", &steps, "optimizer steps"}.within(1, most),
      Option{"train.batch", &batch, "sequences per step"}.within(1, 65536),
      Option{"train.lr", &lr, "peak learning rate"}.between(0, infinity),
      Option{"train.warmup", &warmup, "steps of linear warm-up to the peak"}.within(0, most),
      Option{"train.min_lr_ratio", &min_lr_ratio,
             "final learning rate of the cosine, relative to --lr"}
          .within(0, 1)
          .formerly("lr_end"),
      Option{"train.weight_decay", &weight_decay, "AdamW's, for matrices only"}.within(0, 100),
      Option{"train.beta1", &beta1, "AdamW beta 1, decay of the first moment"}
          .within(0, 0.999999)
          .for_experts(),
      Option{"train.beta2", &beta2, "AdamW beta 2, decay of the second moment"}
          .within(0, 0.999999)
          .for_experts(),
      Option{"train.grad_clip", &grad_clip, "maximum global gradient norm; 0: no clipping"}
          .at_least(0)
          .formerly("clip"),
      Option{"train.seed", &seed, "seed of weights, data and sampled positions"}.within(0, largest),
      Option{"train.data_seed", &data_seed, "seed of data and sampled positions only"}
          .within(-1, largest)
          .shown_as("same as --seed")
          .for_experts(),
      Option{"train.precision", &precision, "matmul precision; bf16 needs AMX or AVX512-BF16"}
          .one_of({"f32", "bf16"}),
      Option{"train.threads", &threads, "threads (in a sweep: runs at once); results unaffected"}
          .within(0, 1024)
          .shown_as("all cores")
          .of_machine(),
      Option{"train.shards", &shards,
             "parts of a batch under mpirun; changing it changes the rounding"}
          .within(1, 65536)
          .shown_as("16 under mpirun, else 1")
          .for_experts(),
      Option{"train.allreduce", &allreduce,
             "how ranks add up gradients; with fast, results depend on the number of ranks"}
          .one_of({"deterministic", "fast"})
          .formerly("reduce")
          .choice_formerly("ordered", "deterministic")
          .for_experts(),
  };
}

Options RunConfig::checkpoint_fields() {
  return {
      Option{"train.checkpoint_every", &checkpoint_every, "steps between checkpoints that are kept"}
          .within(0, most)
          .shown_as("only at the end")
          .formerly("save_every")
          .without_effect(),
      Option{"train.last_checkpoints", &last_checkpoints,
             "checkpoints to keep, evenly spaced over the last 10 % of training"}
          .within(1, 1000)
          .formerly("late_checkpoints")
          .without_effect()
          .for_experts(),
      Option{"train.checkpoint_minutes", &checkpoint_minutes,
             "minutes between checkpoints for --resume; 0: none"}
          .within(0, 1e6)
          .formerly("save_minutes")
          .without_effect()
          .for_experts(),
      Option{"train.keep_checkpoints", &keep_checkpoints,
             "how many checkpoints for --resume to keep"}
          .within(1, 1000)
          .formerly("keep")
          .without_effect()
          .for_experts(),
      Option{"train.tensorboard", &tensorboard, "also write metrics for TensorBoard"}
          .without_effect(),
  };
}

}  // namespace yonder
