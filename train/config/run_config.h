#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/options.h"
#include "encodings/base/encoding.h"

/// \file
/// Everything needed to repeat a run.
namespace yonder {

/// A run, before the defaults that depend on the model or the task are resolved.
struct RunConfig {
  std::string task = "copy", encoding = usual_encoding();  ///< registered names
  Overrides options;      ///< of the encodings and of the task in use; others are refused
  int train_length = 32;  ///< trained length in items
  double switch_at =
      1;  ///< fraction of the steps after which `switch_to` replaces `encoding`; 1: never
  std::string switch_to =
      without_positions();  ///< final encoding, also the one evaluated, if switch_at < 1
  std::string from;         ///< run or checkpoint that training continues from; empty: a new model

  int width = 128, heads = 4, layers = 4;  ///< of the Transformer
  int mlp = 0;                             ///< 0: 4·width, with swiglu 8⌈width/3⌉
  std::string block = "auto";              ///< a published model's, or "auto" for the plain one
  std::optional<NormKind> norm;    ///< BlockDesign::norm; empty: as in `block`, like the next three
  std::optional<NormPlace> place;  ///< BlockDesign::place
  std::optional<Activation> act;   ///< BlockDesign::act
  std::optional<Biased> bias;      ///< BlockDesign::bias
  int kv_heads = 0, loops = 1;     ///< 0: as many as heads; passes through all layers
  bool bidirectional = false, tie_embeddings = false;  ///< see fields()

  int steps = 2000, batch = 32;                           ///< optimizer steps; sequences in each
  double lr = 1e-3;                                       ///< peak learning rate
  int warmup = 100;                                       ///< steps from 0 to lr
  double min_lr_ratio = 0.1;                              ///< the cosine ends at min_lr_ratio·lr
  double weight_decay = 0.01, beta1 = 0.9, beta2 = 0.98;  ///< of AdamW
  double grad_clip = 1;                                   ///< maximum gradient norm; 0: no clipping
  int seed = 0;        ///< of weights, and of data and sampled positions unless data_seed is set
  int data_seed = -1;  ///< −1: seed
  std::string precision = "f32";  ///< of matmul operands in training, or "bf16"
  int threads = 0;                ///< 0: all of the machine; results do not depend on it
  int checkpoint_every = 0;       ///< steps between checkpoints that are kept; 0: only at the end
  double checkpoint_minutes = 5;  ///< between checkpoints for resuming only; 0: none
  int keep_checkpoints = 2;       ///< number of checkpoints for resuming to keep
  int last_checkpoints = 1;  ///< to keep, evenly over the last tenth of training, its end included
  bool tensorboard = false;  ///< also write metrics for TensorBoard
  int shards = 1;            ///< of a batch; gradients summed in order unless allreduce is "fast"
  std::string allreduce =
      "deterministic";          ///< or "fast": MPI chooses the order in which ranks are summed
  bool detect_anomaly = false;  ///< find the operation that first gives a NaN or infinity

  /// Sequences of the largest shard, which pass through the model at once.
  int at_once() const { return (batch + shards - 1) / shards; }
  /// The seed of data and sampled positions.
  std::uint64_t seed_of_data() const { return std::uint64_t(data_seed < 0 ? seed : data_seed); }

  /// The block design, with what is not set taken from `block`.
  BlockDesign design() const;
  /// Sets every part of the design explicitly.
  void set_design(const BlockDesign&);
  /// Hidden dimension of the MLP.
  int hidden() const;

  /// Whether the encoding is switched during training.
  bool changes() const { return switch_at < 1; }
  /// Steps with the first encoding; later ones use `switch_to`.
  int first_steps() const;
  /// The encodings of the run, one or two.
  std::vector<std::string> encodings() const;

  /// A warning about settings that are allowed but rarely intended; else empty.
  std::string warning() const;

  /// Every field but `options` and `detect_anomaly` by its key (keys.h): "model.encoding",
  /// "train.lr", …, with limits and meaning. Files of runs are read and written by this table, and
  /// flags are derived from it.
  Options fields();
  /// The same fields, read-only.
  std::vector<OptionView> fields() const;

  /// Fields of [data]. These parts of the table are groups in --help.
  Options data_fields();
  /// Fields of [model].
  Options model_fields();
  /// train.from: what a fine-tuned model starts from.
  Options from_fields();
  /// Other fields of [train].
  Options training_fields();
  /// Fields of [train] that say which checkpoints are kept, and tensorboard.
  Options checkpoint_fields();
};

}  // namespace yonder
