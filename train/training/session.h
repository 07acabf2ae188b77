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
/// The library behind the commands: train a model into a folder, load it, test it. `yonder train`,
/// `eval` and `sweep` are thin over these functions.
namespace yonder {

/// One training step, as metrics.jsonl and the progress line show it.
struct Metrics {
  int step = 0;                  ///< 1..steps, done
  int steps = 0;                 ///< of the run
  double loss = 0;               ///< nats per target of this step's batch
  double lr = 0, grad_norm = 0;  ///< the norm before clipping
  double tokens_per_second = 0;  ///< over the last steps, padding not counted
  double seconds = 0;            ///< of training, whenever it was
};

/// What a finished training leaves.
struct TrainResult {
  std::string checkpoint;                     ///< path of the last checkpoint
  std::vector<std::string> late;              ///< paths of last_checkpoints models, the last first
  int steps = 0;                              ///< trained
  int before = 0;                             ///< of them, those that an earlier call had taken
  double loss = 0;                            ///< mean over the last 5 % of the steps
  double seconds = 0, tokens_per_second = 0;  ///< of training
  std::int64_t parameters = 0, position_parameters = 0;  ///< numbers in all, and of positions
  int depth = 0;                                         ///< layers times loops
  std::string changed_text;                              ///< of the model that it went on from
};

/// What to do about a folder that already holds a run.
enum class Existing {
  refuse,
  replace,
  resume  ///< continue from its newest checkpoint, bit for bit as if it had never ended
};

/// A model with its task, trained or about to be.
struct Trained {
  std::unique_ptr<Task> task;          ///< prepared
  std::unique_ptr<Transformer> model;  ///< with its encoding
  RunConfig config;  ///< of a loaded one: model, encoding, task and seed; the rest is default
  int step = 0;      ///< steps of training that it has seen
  /// Path of a loaded one's text if that is no longer what it was trained on: a test may then ask
  /// for bytes that training saw. Empty if a text was named for the test, or its own is not known.
  std::string changed_text;

  /// What a fine-tuned model was before (finetune.h).
  struct Before {
    int length = 0;  ///< items of the training that N comes from
    int step = 0;    ///< steps until then
  };
  std::optional<Before> before;  ///< of a fine-tuned model
};

/// The task of a configuration with its options set, prepared; in its masked form for a
/// bidirectional model. UsageError or FileError for what can't be.
std::unique_ptr<Task> prepare_task(const RunConfig&, const Inputs& = {});

/// A model as it is before training. UsageError or FileError for whatever in the configuration
/// can't be, so that a sweep can ask before it starts.
Trained prepare(const RunConfig&, const Inputs& = {});

/// The options of the task and of the first encoding: those left are for `switch_to` alone.
Overrides options_of_first(const RunConfig&);
/// UsageError where the encoding that a model ends with can't follow its own, or never would.
void require_change(const Trained&);
/// Switches to the encoding that training ends with (RunConfig::switch_to); other models stay as
/// they are. UsageError for what can't follow the model's own.
void change_encoding(Trained&);

/// Trains a model, a new one or that of `from`, into `folder`: config.toml, environment.json,
/// metrics.jsonl, checkpoints/ (checkpoint_dir.h). All is checked and the first step is taken
/// before the folder is touched, so what fails early leaves an old run as it was. To go on
/// (Existing::resume) takes the configuration that the run began with, but for options that affect
/// no result (Option::affects_result); any other difference is a UsageError that names it. A run
/// that has no checkpoint yet starts over, one that is over returns its result again. `progress`
/// may be empty; it is called after every step, from the calling thread. Throws UsageError,
/// FileError, DiskError; DivergedError names the step and what is not finite: the loss, a
/// gradient, a parameter; the checkpoints written before stay. In a program that has called
/// take_signals() (signals.h), SIGINT, SIGTERM, SIGHUP and SIGUSR1 end it after the step in hand,
/// which is saved, by Interrupted; a second SIGINT or SIGTERM ends the process at once.
///
/// A crew of several ranks trains one model together; all of them call it. They share the shards of
/// each batch, the first rank alone has the folder, and what one throws all throw as SharedError.
TrainResult train(const RunConfig&, const std::string& folder, Existing,
                  const std::function<void(const Metrics&)>& progress, ranks::Communicator = {},
                  const Inputs& = {});

/// `path` is a run's folder (its last checkpoint is taken) or a checkpoint; it alone is enough to
/// rebuild the model and the task. `test_options` change test-time options of the encoding
/// ("rope.scaling") or of the task ("text.path"); frozen ones are refused. FileError for what is
/// not a checkpoint.
Trained load(const std::string& path, const Overrides& test_options = {}, const Inputs& = {});

/// What is evaluated, and how.
struct EvalSettings {
  std::vector<int> lengths;                     ///< items for tasks, tokens for text
  LengthBins bins;                              ///< among lengths
  int examples = 0;                             ///< at each length; 0: the task's own number
  Protocol protocol = Protocol::fixed_targets;  ///< of text; of others there is one way only
  Split split = Split::test;  ///< validation: what a learning rate may be chosen by
  bool attention = false;     ///< fills EvalRow::attention
  int map_blocks = 0;         ///< of the maps in there, AttentionObserver::blocks; 0: none
  int map_from = 0;           ///< shortest length that has maps
};

/// The result at one length; whose row, seed and protocol it is stays open. Numbers that a task
/// doesn't have are NaN.
struct EvalRow : EvalScore {
  int least = 0;                      ///< of a bin the shortest; else `length`
  double perplexity = unknown;        ///< exp(loss), text only
  double chance = unknown;            ///< token accuracy of guessing
  std::vector<double> sequence_loss;  ///< [examples] sum over the targets of each, nats
  std::vector<int> sequence_targets;  ///< [examples] how many those are
  std::vector<double> position_loss;  ///< text: mean loss by index, [tokens]; NaN: none counted

  /// Right targets of all.
  struct Share {
    int right = 0, count = 0;  ///< of the targets of one lag
  };
  std::map<int, Share> lags;  ///< targets by Batch::lag, of tasks that know it
  /// [layers][heads] over the scored rows of all passes, if asked for; else empty.
  std::vector<std::vector<HeadSums>> attention;
};

/// Tests at each length. A length at which the encoding is undefined gives a row that says why.
/// `progress` may be empty; it gets the index of the length and the part of it that is done, 0..1.
std::vector<EvalRow> evaluate(Trained&, const EvalSettings&,
                              const std::function<void(int, double)>& progress = {});

}  // namespace yonder
