#include "train/config/run_config.h"

#include <cmath>
#include <limits>

namespace yonder {
namespace {

constexpr double most = 1e8;  // of whatever is counted
constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

int RunConfig::first_steps() const { return int(std::lround(until * steps)); }

std::vector<std::string> RunConfig::encodings() const {
  return changes() ? std::vector{encoding, then} : std::vector{encoding};
}

Options RunConfig::fields() {
  Options all{Option{"data.task", &task, ""}, Option{"data.length", &length, ""}.within(1, 1 << 24),
              Option{"model.encoding", &encoding, ""}};
  const auto add = [&all](const std::string& section, const Options& more) {
    for (Option o : more) {
      o.name = section + o.name;
      all.push_back(std::move(o));
    }
  };
  add("model.", model_fields());
  add("model.", {Option{"bidirectional", &bidirectional, ""}, Option{"tied", &tied, ""}});
  add("train.", {Option{"from", &from, ""}});
  add("train.", training_fields());
  add("", change_fields());
  return all;
}

std::vector<OptionView> RunConfig::fields() const { return views(RunConfig(*this).fields()); }

Options RunConfig::change_fields() {
  return {
      Option{"encoding.until", &until,
             "part of the steps after which --encoding.then is put in the encoding's place; 0.875 "
             "is DroPE's"}
          .within(0, 1),
      Option{"encoding.then", &then, "the encoding that the model ends as, and is tested as"},
  };
}

Options RunConfig::model_fields() {
  return {
      Option{"width", &width, "D, numbers in the stream at each token"}.within(1, 65536),
      Option{"heads", &heads, "H, heads of attention; they divide the width"}.within(1, 65536),
      Option{"layers", &layers, "blocks of attention and mlp"}.within(1, 1024),
      Option{"mlp", &mlp, "F, width inside the mlp"}.within(0, 1 << 20).shown_as("4 x width"),
  };
}

Options RunConfig::training_fields() {
  return {
      Option{"steps", &steps, "steps of the optimizer"}.within(1, most),
      Option{"batch", &batch, "sequences in a step"}.within(1, 65536),
      Option{"lr", &lr, "learning rate at its highest"}.between(0, infinity),
      Option{"warmup", &warmup, "steps in which the learning rate rises"}.within(0, most),
      Option{"lr-end", &lr_end, "part of lr that a cosine falls to at the last step"}.within(0, 1),
      Option{"weight-decay", &weight_decay, "of the matrices of the blocks and the head (AdamW)"}
          .within(0, 100),
      Option{"beta1", &beta1, "how slowly AdamW's mean of gradients follows"}.within(0, 0.999999),
      Option{"beta2", &beta2, "how slowly AdamW's mean of squares follows"}.within(0, 0.999999),
      Option{"clip", &clip, "longest gradient, longer ones are scaled down; 0: none"}.at_least(0),
      Option{"seed", &seed, "of weights, data and drawn positions"}.at_least(0),
      Option{"data-seed", &data_seed, "of data and drawn positions alone; -1: --seed"}.at_least(-1),
      Option{"precision", &precision,
             "of the factors of matrix products in training: bf16 where the processor has it"}
          .one_of({"f32", "bf16"}),
      Option{"threads", &threads, "results do not depend on it"}
          .within(0, 1024)
          .shown_as("all cores")
          .of_machine(),
      Option{"save-every", &save_every, "steps between checkpoints that stay"}
          .within(0, most)
          .shown_as("at the end only")
          .without_effect(),
      Option{"late-checkpoints", &late_checkpoints,
             "checkpoints that stay of the last tenth of training, the last one among them"}
          .within(1, 1000)
          .without_effect(),
      Option{"save-minutes", &save_minutes,
             "minutes between checkpoints that only serve to go on from; 0: none"}
          .within(0, 1e6)
          .without_effect(),
      Option{"shards", &shards,
             "parts of a batch that the ranks of mpirun share out; another number rounds otherwise"}
          .within(1, 65536)
          .shown_as("16 under mpirun, else 1"),
      Option{"reduce", &reduce,
             "how ranks add up gradients; fast: in an order that depends on how many they are, so "
             "the bits of the result do too"}
          .one_of({"ordered", "fast"}),
      Option{"keep", &keep, "checkpoints that training can go on from"}
          .within(1, 1000)
          .without_effect(),
  };
}

}  // namespace yonder
