#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/options.h"
#include "encodings/base/encoding.h"

/// \file
/// All that is needed to do a run again.
namespace yonder {

/// A run, before any default that depends on the model or the task is resolved.
struct RunConfig {
  std::string task = "copy", encoding = usual_encoding();  ///< registered names
  Overrides options;      ///< of the encodings and of the task in use; others are refused
  int train_length = 32;  ///< trained length in items
  double switch_at =
      1;  ///< part of the steps after which `switch_to` takes the place of `encoding`; 1: never
  std::string switch_to =
      without_positions();  ///< what the model ends as, and is tested as, if switch_at < 1
  std::string from;         ///< run or checkpoint that training continues from; empty: a new model

  int width = 128, heads = 4, layers = 4;  ///< of the Transformer
  int mlp = 0;                             ///< 0: 4·width, of swiglu 8⌈width/3⌉
  std::string block = "auto";              ///< a published model's, or "auto" for the plain one
  std::optional<NormKind> norm;  ///< BlockDesign::norm; empty: what `block` says, as the next three
  std::optional<NormPlace> place;  ///< BlockDesign::place
  std::optional<Activation> act;   ///< BlockDesign::act
  std::optional<Biased> bias;      ///< BlockDesign::bias
  int kv_heads = 0, loops = 1;     ///< 0: as many as heads; how often the layers are gone through
  bool bidirectional = false, tie_embeddings = false;  ///< see fields()

  int steps = 2000, batch = 32;                           ///< optimizer steps; sequences in each
  double lr = 1e-3;                                       ///< peak learning rate
  int warmup = 100;                                       ///< steps from 0 to lr
  double min_lr_ratio = 0.1;                              ///< the cosine ends at min_lr_ratio·lr
  double weight_decay = 0.01, beta1 = 0.9, beta2 = 0.98;  ///< of AdamW
  double grad_clip = 1;  ///< largest norm of the gradient; 0: not clipped
  int seed = 0;          ///< of weights, and of data and drawn positions unless data_seed is given
  int data_seed = -1;    ///< −1: seed
  std::string precision = "f32";  ///< of the factors of matrix products in training, or "bf16"
  int threads = 0;                ///< 0: as many as the machine has; results do not depend on it
  int checkpoint_every = 0;       ///< steps between checkpoints that stay; 0: only at the end
  double checkpoint_minutes = 5;  ///< between checkpoints that are only for resuming; 0: none
  int keep_checkpoints = 2;       ///< checkpoints for resuming that are kept
  int last_checkpoints = 1;  ///< that stay, evenly over the last tenth of training, the last too
  bool tensorboard = false;  ///< also write metrics for TensorBoard
  int shards = 1;  ///< of a batch; their gradients are added in order, whichever rank makes them
  std::string allreduce =
      "deterministic";          ///< or "fast": ranks add up in an order that MPI chooses
  bool detect_anomaly = false;  ///< look for the operation where a number is first none

  /// Sequences of the largest shard: what goes through the model at once.
  int at_once() const { return (batch + shards - 1) / shards; }
  /// The seed of data and drawn positions.
  std::uint64_t seed_of_data() const { return std::uint64_t(data_seed < 0 ? seed : data_seed); }

  /// The blocks with all that `block` stands for.
  BlockDesign design() const;
  /// Sets every part of it by itself.
  void set_design(const BlockDesign&);
  /// Numbers between the two matrices of the MLP.
  int hidden() const;

  /// Whether the encoding changes in training.
  bool changes() const { return switch_at < 1; }
  /// Steps with the first encoding; later ones have `switch_to`.
  int first_steps() const;
  /// The encodings of the run, one or two.
  std::vector<std::string> encodings() const;

  /// What is allowed and seldom meant, in a sentence; else empty.
  std::string warning() const;

  /// Every field but `options` and `detect_anomaly` by its key (keys.h): "model.encoding",
  /// "train.lr", …, with limits and meaning. What files hold of a run is read and written by this
  /// table, and flags are made of it.
  Options fields();
  /// All fields, to be read.
  std::vector<OptionView> fields() const;

  /// Its parts, as a help shows them.
  Options data_fields();
  /// Fields of [model].
  Options model_fields();
  /// Fields of [from]: what a fine-tuned model starts from.
  Options from_fields();
  /// Fields of [train].
  Options training_fields();
  /// Fields of [train] that say which checkpoints are kept.
  Options checkpoint_fields();
};

}  // namespace yonder
