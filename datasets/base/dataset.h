#pragma once
#include <fmt/core.h>

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/options.h"
#include "core/random.h"
#include "datasets/base/documents.h"

/// \file
/// Tasks: sources of sequences for training and evaluation. Each task has a file of its own.
namespace yonder {

/// Sequences padded to equal length: tokens [B, T], −1 is padding at the right end; targets [B, T],
/// the token that the logits at the same position should predict, −1 for none.
struct Batch {
  int size = 0;                      ///< B
  int extent = 0;                    ///< T
  std::vector<int> tokens, targets;  ///< [B, T]
  std::vector<int> lengths;          ///< [B] tokens without padding
  /// [B, T] exponent of the place value of each digit, 0 for the units of a number; −1 if there is
  /// no digit; empty if the task has no numbers.
  std::vector<int> digits;
  /// [B, T] distance i − j that attention has to bridge, in tokens: from this position to the token
  /// that determines its target. −1 without a target or if no single token determines it; empty if
  /// the task defines no lags.
  std::vector<int> lag;
  /// [B, T] targets of all positions that have one, scored or not, for the loss by position; empty:
  /// the target of each position is the next token.
  std::vector<int> targets_by_position;
};

/// One sequence: BOS, question, separator, answer, EOS. The question is given; the answer and EOS
/// have to be predicted, and only they are scored. Or BOS and tokens with labels: targets at their
/// own positions, which are never fed back.
struct Example {
  std::vector<int> tokens;      ///< the whole sequence, EOS last
  std::vector<char> is_target;  ///< [tokens] 1 if the model has to predict the token
  std::vector<int> evidence;    ///< [tokens] index of the token that determines it; −1: none
  std::vector<int> digit;       ///< [tokens] exponent of its place value; −1: not a digit
  std::vector<int> target;      ///< [tokens] the label of the token; −1: none

  /// Appends a token of the question; `power` is its `digit`.
  void add_input(int token, int power = -1) { add(token, 0, -1, power); }
  /// Appends a token of the answer; `evidence_at` is its `evidence`.
  void add_target(int token, int evidence_at = -1, int power = -1) {
    add(token, 1, evidence_at, power);
  }
  /// Appends a token of the question with the label `asked`.
  void label(int token, int asked, int evidence_at = -1) { add(token, 0, evidence_at, -1, asked); }
  /// Ends a sequence of labelled tokens; EOS itself is neither read nor predicted.
  void end(int eos) { add_input(eos); }

 private:
  void add(int token, char asked, int evidence_at, int power, int label = -1) {
    tokens.push_back(token), is_target.push_back(asked), target.push_back(label);
    evidence.push_back(evidence_at), digit.push_back(power);
  }
};

/// How a text is evaluated. Generated tasks ignore it.
enum class Protocol {
  fixed_targets,    ///< windows with fixed ends; their last `scored` targets count at every length
  non_overlapping,  ///< one stretch of text cut into windows; every target counts
  sliding,          ///< the same stretch, a window every `stride` bytes; its last `stride` count
};
/// Their names in files and flags.
inline std::vector<std::string> names(Protocol) {
  return {"fixed-targets", "non-overlapping", "sliding"};
}

/// Held-out data: results are computed on `test`, learning rates may be chosen on `validation`. No
/// byte of text and no random stream is shared between them or with training.
enum class Split { test, validation };

/// An evaluation at one length, as part of a comparison of several lengths.
struct EvalSpec {
  int length = 0;   ///< in items; for text, in tokens
  int longest = 0;  ///< longest length compared, which places the windows; 0: this one
  int least = 0;    ///< for a bin: each sequence draws its length from least..length; 0: `length`
  int count = 0;    ///< sequences at the longest length; 0: the task's default
  Protocol protocol = Protocol::fixed_targets;  ///< for text only
  int scored = 32;            ///< fixed_targets: targets per window; at most the shortest length
  int stride = 32;            ///< for sliding
  Split split = Split::test;  ///< test or validation data

  /// Length of the shortest sequence requested, in items.
  int shortest() const { return least ? least : length; }
};

/// Throws UsageError if a bin is requested, for tasks that evaluate one length at a time.
void require_single_length(const std::string& task, const EvalSpec&);

/// A source of sequences to train and evaluate a model on.
class Task {
 public:
  virtual ~Task() = default;
  virtual Options options() { return {}; }  ///< its settings, bound to its fields

  /// Called after the options are set, before anything else; reads the task's files, if any, that
  /// are not among `texts` yet. `length` is the training length N in items. Throws UsageError or
  /// FileError if that is impossible.
  virtual void prepare(int length, const Corpora& /*texts*/) { trained_ = length; }

  /// Checksum of the files that were read; empty: none were.
  virtual std::string checksum() const { return {}; }

  virtual int vocabulary() const = 0;  ///< V: tokens are 0..V−1
  /// Tokens of the longest sequence of `length` items as the model sees it (EOS is target only).
  virtual int tokens(int length) const = 0;
  /// Expected token accuracy at `length` of the best guess that knows the position in the sequence
  /// but not the input.
  virtual double chance_accuracy(int length) const = 0;
  /// Whether it has no data until an option names a file.
  virtual bool reads_files() const { return is_text(); }
  /// True for text: measured in nats and perplexity rather than by exact match.
  virtual bool is_text() const { return false; }
  /// Average number of bytes of text per token; NaN if that is unknown, or not text.
  virtual double bytes_per_token() const {
    return is_text() ? 1 : std::numeric_limits<double>::quiet_NaN();
  }
  /// Whether sequences contain numbers, whose digits Batch::digits marks.
  virtual bool numbers() const { return false; }
  /// Whether targets are labels at their own positions rather than next tokens. A bidirectional
  /// model then reads the same batch, since nothing has to be masked.
  virtual bool labels() const { return false; }
  /// Fraction of the targets (for text, of the bytes) that the masked form of the task masks.
  virtual double mask_rate() const { return 1; }
  /// Loss of the unigram baseline in nats; NaN unless the task is text.
  virtual double unigram_loss() const { return std::numeric_limits<double>::quiet_NaN(); }

  /// Returns a training batch, a function of (seed, step) alone: one length per batch, N for text,
  /// else uniform in 1..N. A larger batch begins with the sequences of a smaller one.
  virtual Batch train(std::uint64_t seed, int step, int size) const = 0;

  /// Number of sequences of `test`. Throws UsageError if there can't be any.
  virtual int sequences(const EvalSpec&) const = 0;
  /// Returns sequences `first`..`first`+`size`−1 of spec.split, below sequences(). The same for
  /// every model and seed; text: bytes that training never sees.
  virtual Batch test(const EvalSpec&, int first, int size) const = 0;

  /// A token as text, for samples.
  virtual std::string spelled(int token) const = 0;

 protected:
  int trained_ = 0;  ///< training length N in items, set by prepare()
};

/// The mean of chance_accuracy over the lengths of a bin.
double chance_accuracy(const Task&, int least, int most);

/// A task that generates its examples one by one from random draws.
class GeneratedTask : public Task {
 public:
  /// An example of `length` items, a length that check() allows.
  virtual Example example(int length, RandomStream&) const = 0;
  /// The same for test or validation data, if options make these differ from training data.
  virtual Example test_example(int length, RandomStream& draws) const {
    return example(length, draws);
  }
  /// Throws UsageError if the task has no sequence of `length` items.
  virtual void check(int /*length*/) const {}

  void prepare(int length, const Corpora&) override;
  Batch train(std::uint64_t seed, int step, int size) const override;
  int sequences(const EvalSpec&) const override;
  Batch test(const EvalSpec&, int first, int size) const override;
  std::string spelled(int token) const override;

  /// Tokens that every generated task has; its own begin at `first_symbol`.
  enum Special { bos, sep, eos, first_symbol };

 protected:
  /// A token from first_symbol on as text.
  virtual std::string symbol(int token) const = 0;
};

/// Pads examples to a batch. Inputs are all tokens but EOS, the last; targets are the tokens to
/// predict, or labels. So greedy decoding feeds back the model's choice where there is a target,
/// else the given token.
Batch collate(const std::vector<Example>&);

/// What `list` shows of a task, and how to create one.
struct TaskEntry {
  std::string name;   ///< "copy", as flags spell it
  std::string title;  ///< what the model has to do
  std::string form;   ///< contents of a sequence of n items, enough to solve the task
  std::string paper;  ///< authors, year and arXiv number
  std::unique_ptr<Task> (*make)() = nullptr;  ///< a task with its defaults
};

/// Every task, in alphabetical order of names.
const std::vector<TaskEntry>& tasks();
/// Creates a task by name. Throws UsageError with a "did you mean" if there is none.
std::unique_ptr<Task> make_task(const std::string& name);

void add_task(TaskEntry);  ///< called by RegisterTask
/// Registers class T as a task, from its own file.
template <class T>
struct RegisterTask {
  /// Fills in `entry.make`.
  explicit RegisterTask(TaskEntry entry) {
    entry.make = [] { return std::unique_ptr<Task>(new T); };
    add_task(std::move(entry));
  }
};

}  // namespace yonder
