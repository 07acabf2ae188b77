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
/// What a task is: a source of sequences for training and testing. Each task has a file of its own.
namespace yonder {

/// Sequences of equal extent: tokens [B, T], −1 is padding at the right end; targets [B, T], the
/// token that the logits at the same place should name, −1 where nothing is asked.
struct Batch {
  int size = 0;                      ///< B
  int extent = 0;                    ///< T
  std::vector<int> tokens, targets;  ///< [B, T]
  std::vector<int> lengths;          ///< [B] tokens without padding
  /// [B, T] which power of ten the digit at each place counts, 0 for the units of a number; −1
  /// where none stands; empty if the task has no numbers.
  std::vector<int> digits;
  /// [B, T] how many tokens before this place the token stands that tells what is asked here: the
  /// distance i − j that attention has to bridge. −1 where nothing is asked or nothing tells it
  /// alone; empty if the task knows no lags.
  std::vector<int> lag;
  /// [B, T] targets of every place that has one, scored or not, for the loss by position; empty:
  /// each token is the target of the place before it.
  std::vector<int> by_place;
};

/// One sequence: BOS, question, separator, answer, EOS. What is given belongs to the question; what
/// is wanted is the answer and EOS, and only that is scored. Or BOS and tokens that carry labels:
/// targets of their own places, which are never fed back.
struct Example {
  std::vector<int> tokens;   ///< the whole sequence, EOS last
  std::vector<char> wanted;  ///< [tokens] 1 where the model has to name the token itself
  std::vector<int>
      evidence;            ///< [tokens] index of the token that tells a wanted one; −1: none does
  std::vector<int> digit;  ///< [tokens] the power of ten that it counts; −1: not a digit
  std::vector<int> target;  ///< [tokens] the label of the token; −1: none

  /// Appends a token of the question; `power` is its `digit`.
  void add_input(int token, int power = -1) { add(token, 0, -1, power); }
  /// Appends a token of the answer; `told_by` is its `evidence`.
  void add_target(int token, int told_by = -1, int power = -1) { add(token, 1, told_by, power); }
  /// Appends to the question a token with a label.
  void label(int token, int asked, int told_by = -1) { add(token, 0, told_by, -1, asked); }
  /// Ends a sequence of labelled tokens; EOS itself is neither read nor asked.
  void end(int eos) { add_input(eos); }

 private:
  void add(int token, char asked, int told_by, int power, int label = -1) {
    tokens.push_back(token), wanted.push_back(asked), target.push_back(label);
    evidence.push_back(told_by), digit.push_back(power);
  }
};

/// How a text is tested. A generated task has one way only, whatever is named here.
enum class Protocol {
  fixed_targets,    ///< windows with fixed ends; their last `scored` targets count at every length
  non_overlapping,  ///< one stretch of text cut into windows; every target counts
  sliding,          ///< the same stretch, a window every `stride` bytes; its last `stride` count
};
/// As files and flags have them.
inline std::vector<std::string> names(Protocol) {
  return {"fixed-targets", "non-overlapping", "sliding"};
}

/// Data that no training sees: `test` is what results are made of, `validation` what a learning
/// rate may be chosen by. Neither has a sequence, or a byte of text, of the other.
enum class Split { test, validation };

/// A test at one length, as a part of a comparison of several lengths.
struct EvalSpec {
  int length = 0;   ///< items; of text, tokens
  int longest = 0;  ///< the greatest length compared; 0: this one. Windows lie by it
  int least = 0;    ///< of a bin: each sequence draws its length from least..length; 0: `length`
  int count = 0;    ///< sequences at the greatest length; 0: the task's own number
  Protocol protocol = Protocol::fixed_targets;  ///< for text only
  int scored = 32;            ///< M of fixed_targets; at most the smallest length of the comparison
  int stride = 32;            ///< of sliding
  Split split = Split::test;  ///< test or validation data

  /// Items of the shortest sequence asked for.
  int shortest() const { return least ? least : length; }
};

/// UsageError where a bin is asked for, of a task that tests one length at a time.
void refuse_bin(const std::string& task, const EvalSpec&);

/// A source of sequences to train and test a model on.
class Task {
 public:
  virtual ~Task() = default;
  virtual Options options() { return {}; }  ///< its settings, bound to its fields

  /// Called after the options are set, before anything else; reads files, if the task has any,
  /// that are not among `texts` yet. `length` is the trained length N in items. UsageError or
  /// FileError for what can't be.
  virtual void prepare(int length, const Corpora& /*texts*/) { trained_ = length; }

  /// A checksum of what was read from files; empty: nothing was.
  virtual std::string checksum() const { return {}; }

  virtual int vocabulary() const = 0;  ///< V: tokens are 0..V−1
  /// Tokens of the longest sequence of `length` items as the model sees it (EOS is target only).
  virtual int tokens(int length) const = 0;
  /// Expected token accuracy at `length` of the best guess that knows the place in the sequence but
  /// reads nothing.
  virtual double chance_accuracy(int length) const = 0;
  /// Whether it has nothing to show before an option names a file.
  virtual bool reads_files() const { return is_text(); }
  /// True for text: measured in nats and perplexity rather than by exact match.
  virtual bool is_text() const { return false; }
  /// Bytes of text that a token stands for on average; NaN if that is unknown, or no text.
  virtual double bytes_per_token() const {
    return is_text() ? 1 : std::numeric_limits<double>::quiet_NaN();
  }
  /// Whether there are numbers in it whose digits Batch::digits tells.
  virtual bool numbers() const { return false; }
  /// Whether targets are labels of their own places rather than next tokens. A bidirectional model
  /// then reads the same batch, as nothing has to be hidden.
  virtual bool labels() const { return false; }
  /// Part of what is asked that the masked form of the task hides at a time.
  virtual double mask_rate() const { return 1; }
  /// Loss in nats of knowing how often each token comes and nothing else; text only, else NaN.
  virtual double frequency_loss() const { return std::numeric_limits<double>::quiet_NaN(); }

  /// A training batch, a function of (seed, step) alone: one length per batch, uniform 1..N for
  /// tasks, N for text. A larger batch begins with the sequences of a smaller one.
  virtual Batch train(std::uint64_t seed, int step, int size) const = 0;

  /// How many sequences `test` has. UsageError if it can't have any.
  virtual int sequences(const EvalSpec&) const = 0;
  /// Sequences `first`..`first`+`size`−1 of spec.split, below sequences(). The same for every model
  /// and seed; text: bytes that training never sees.
  virtual Batch test(const EvalSpec&, int first, int size) const = 0;

  /// A token as text, for samples.
  virtual std::string spelled(int token) const = 0;

 protected:
  int trained_ = 0;  ///< N in items, from prepare() on
};

/// The mean of chance_accuracy over the lengths of a bin.
double chance_accuracy(const Task&, int least, int most);

/// A task that makes its examples one by one from random draws.
class GeneratedTask : public Task {
 public:
  /// An example of `length` items, as many as check() allows.
  virtual Example example(int length, RandomStream&) const = 0;
  /// The same for a test or validation, if an option sets a test apart from training.
  virtual Example test_example(int length, RandomStream& draws) const {
    return example(length, draws);
  }
  /// UsageError if the task has no sequence of `length` items.
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

/// Pads examples to a batch. Inputs are all tokens but EOS, the last; targets are what is wanted.
/// So greedy decoding feeds the model's own choice where a target stands, the token itself where
/// none does.
Batch collate(const std::vector<Example>&);

/// What `list` says of a task, and how to make one.
struct TaskEntry {
  std::string name;   ///< "copy", as flags spell it
  std::string title;  ///< what it asks of a model
  std::string form;   ///< what stands in a sequence of n items, enough to solve it by
  std::string paper;  ///< authors, year and arXiv number
  std::unique_ptr<Task> (*make)() = nullptr;  ///< a task with its defaults
};

/// Every task, in alphabetical order of names.
const std::vector<TaskEntry>& tasks();
/// UsageError with a "did you mean" if there is none of that name.
std::unique_ptr<Task> make_task(const std::string& name);

void add_task(TaskEntry);  ///< what RegisterTask calls
/// Adds class T to the tasks, from its own file.
template <class T>
struct RegisterTask {
  /// Fills in `entry.make`.
  explicit RegisterTask(TaskEntry entry) {
    entry.make = [] { return std::unique_ptr<Task>(new T); };
    add_task(std::move(entry));
  }
};

}  // namespace yonder
