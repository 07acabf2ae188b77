#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datasets/base/dataset.h"
#include "models/transformer.h"
#include "train/config/eval_lengths.h"
#include "train/config/eval_score.h"
#include "train/config/run_config.h"
#include "train/system/mpi.h"
#include "train/training/inputs.h"

/// \file
/// The library behind the commands: train a model into a folder, load it, evaluate it. `yonder
/// train`, `eval` and `sweep` are thin wrappers of these functions.
namespace yonder {

/// One training step, as metrics.jsonl and the progress line show it.
struct Metrics {
  int step = 0;                  ///< 1..steps, completed
  int steps = 0;                 ///< of the run
  double loss = 0;               ///< nats per target of this step's batch
  double lr = 0, grad_norm = 0;  ///< the norm before clipping
  double tokens_per_second = 0;  ///< moving average, without padding
  double seconds = 0;            ///< of training, across interruptions
};

/// Result of a finished training.
struct TrainResult {
  std::string checkpoint;                     ///< path of the last checkpoint
  std::vector<std::string> late;              ///< paths of last_checkpoints models, latest first
  int steps = 0;                              ///< trained
  int before = 0;                             ///< how many of them an earlier call had taken
  double loss = 0;                            ///< mean over the last 5 % of the steps
  double seconds = 0, tokens_per_second = 0;  ///< of training
  std::int64_t parameters = 0, position_parameters = 0;  ///< in all, and of positions
  int depth = 0;                                         ///< layers times loops
  std::string changed_text;                              ///< of the model that was fine-tuned
};

/// What to do about a folder that already holds a run.
enum class Existing {
  refuse,
  replace,
  resume  ///< continue from its newest checkpoint, bit for bit as if never interrupted
};

/// A model with its task, trained or about to be.
struct Trained {
  std::unique_ptr<Task> task;          ///< prepared
  std::unique_ptr<Transformer> model;  ///< with its encoding
  RunConfig config;  ///< if loaded: model, encoding, task and seed; the rest is default
  int step = 0;      ///< training steps so far
  /// Path of a loaded model's text if that has changed since training: an evaluation may then
  /// include training bytes. Empty if a text was named for loading, or its checksum is unknown.
  std::string changed_text;

  /// State of a model before fine-tuning (finetune.h).
  struct Before {
    int length = 0;  ///< training length that N comes from, in items
    int step = 0;    ///< steps before fine-tuning
  };
  std::optional<Before> before;  ///< of a fine-tuned model
};

/// The prepared task of a configuration with its options set, in its masked form for a
/// bidirectional model. Throws UsageError or FileError for anything invalid.
std::unique_ptr<Task> prepare_task(const RunConfig&, const Inputs& = {});

/// A model before training. Throws UsageError or FileError for anything invalid in the
/// configuration, so that a sweep can check before it starts.
Trained prepare(const RunConfig&, const Inputs& = {});

/// The options of the task and of the first encoding; the others are for `switch_to` alone.
Overrides options_of_first(const RunConfig&);
/// Throws UsageError if `switch_to` can't follow the model's encoding, or would never be used.
void check_encoding_switch(const Trained&);
/// Switches to the final encoding, if there is a switch (RunConfig::switch_to). Throws UsageError
/// if it can't follow the model's own.
void switch_encoding(Trained&);

/// Trains a model, a new one or that of `from`, into `folder`: config.toml, environment.json,
/// metrics.jsonl, checkpoints/ (checkpoint_dir.h). Everything is checked and the first step is
/// taken before files in the folder change, so an early failure leaves an old run as it was.
/// Existing::resume needs the configuration that the run began with, except for options that
/// affect no result (Option::affects_result); any other difference is a UsageError that names it. A
/// run without a checkpoint starts over; a finished one returns its result again. `progress` may be
/// empty; it is called after every step, from the calling thread. Throws UsageError, FileError,
/// DiskError, and DivergedError, which names the step and what is not finite: the loss, a gradient,
/// a parameter; earlier checkpoints stay. In a program that has called take_signals() (signals.h),
/// SIGINT, SIGTERM, SIGHUP and SIGUSR1 end training by Interrupted after the current step, which is
/// saved; a second SIGINT or SIGTERM ends the process at once.
///
/// With several ranks, all call it and train one model. They share the shards of each batch and
/// throw errors together as SharedError, except those of rank 0, the only one to write the folder.
TrainResult train(const RunConfig&, const std::string& folder, Existing,
                  const std::function<void(const Metrics&)>& progress, ranks::Communicator = {},
                  const Inputs& = {});

/// Loads a checkpoint, or the last one if `path` is a run's folder; it alone is enough to rebuild
/// the model and the task. `inference_options` set inference-time options of the encoding
/// ("rope.scaling") or of the task ("text.path"). Throws UsageError for frozen ones, FileError if
/// there is no valid checkpoint.
Trained load(const std::string& path, const Overrides& inference_options = {}, const Inputs& = {});

/// What is evaluated, and how.
struct EvalSettings {
  std::vector<int> lengths;                     ///< items for tasks, tokens for text
  LengthBins bins;                              ///< among lengths
  int examples = 0;                             ///< sequences at each length; 0: the task's default
  Protocol protocol = Protocol::fixed_targets;  ///< for text; other tasks have only one
  Split split = Split::test;                    ///< validation: for choosing a learning rate
  bool attention = false;                       ///< fills EvalRow::attention
  int map_blocks = 0;    ///< of the attention maps, AttentionObserver::blocks; 0: none
  int by_position = 0;   ///< first sequences of a text scored at all positions: position_loss
  int details_from = 0;  ///< shortest length that has maps and position_loss
};

/// The result at one length; row, seed and protocol are not filled in. Measures that a task does
/// not have are NaN.
struct EvalRow : EvalScore {
  int least = 0;                      ///< shortest length of a bin; else `length`
  double perplexity = unknown;        ///< exp(loss), text only
  double chance = unknown;            ///< token accuracy of guessing
  std::vector<double> sequence_loss;  ///< [examples] sum over the targets of each, nats
  std::vector<int> sequence_targets;  ///< [examples] number of targets of each
  /// Mean loss by position, [tokens], as EvalSettings::by_position asks; NaN: no targets.
  std::vector<double> position_loss;

  /// Correct targets out of all.
  struct Share {
    int right = 0, count = 0;  ///< of the targets of one lag
  };
  std::map<int, Share> lags;  ///< targets by Batch::lag, if the task defines it
  /// [layers][heads] over the scored rows of all passes, if requested; else empty.
  std::vector<std::vector<HeadSums>> attention;
};

/// Evaluates at each length. A length at which the encoding is undefined gives a row that says why.
/// `progress` may be empty; it gets the index of the length and the fraction of it done, 0..1.
std::vector<EvalRow> evaluate(Trained&, const EvalSettings&,
                              const std::function<void(int, double)>& progress = {});

}  // namespace yonder
