#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/options.h"
#include "core/random.h"

/// \file
/// What a task is: a source of sequences for training and testing. Each task has a file of its own.
namespace yonder {

/// Sequences of equal extent: tokens [B, T], −1 is padding at the right end; targets [B, T], the
/// token that the logits at the same place should name, −1 where nothing is asked.
struct Batch {
  int size = 0;    ///< B
  int extent = 0;  ///< T
  std::vector<int> tokens, targets;
  std::vector<int> lengths;  ///< [B] tokens without padding
  std::vector<int> at;       ///< [B, T] positions if the task gives them, else empty
};

/// One sequence: BOS, question, separator, answer, EOS. Its targets are the answer and EOS.
struct Example {
  std::vector<int> tokens;  ///< the whole sequence, EOS last
  int answer = 0;           ///< index of the answer's first token
};

class Task {
 public:
  virtual ~Task() = default;
  virtual Options options() { return {}; }

  /// Called once after the options are set, before anything else; reads files if the task has any.
  /// `length` is the trained length in items. UsageError or FileError for what can't be.
  virtual void prepare(int length) { trained_ = length; }

  virtual int vocabulary() const = 0;
  /// Tokens of the longest sequence of `length` items as the model sees it (EOS is target only).
  virtual int tokens(int length) const = 0;
  /// Accuracy of guessing without reading the question.
  virtual double chance() const = 0;
  /// True for text: measured in nats and perplexity rather than by exact match.
  virtual bool is_text() const { return false; }

  /// A training batch, a function of (seed, step) alone: one length per batch, uniform 1..N for
  /// tasks.
  virtual Batch train(std::uint64_t seed, int step, int size) const = 0;

  /// Test sequences `first`..`first`+`size`−1 of `length` items, the same for every model and seed.
  virtual Batch test(int length, int first, int size) const = 0;

  /// A token as text, for samples.
  virtual std::string spelled(int token) const = 0;

 protected:
  int trained_ = 0;
};

/// A task that makes its examples one by one from random draws.
class GeneratedTask : public Task {
 public:
  virtual Example example(int length, Draws&) const = 0;
  Batch train(std::uint64_t seed, int step, int size) const override;
  Batch test(int length, int first, int size) const override;

 protected:
  /// Pads examples to a batch. Inputs are all tokens but EOS; targets are the answer and EOS.
  static Batch collate(const std::vector<Example>&);
};

/// What `list` says of a task, and how to make one.
struct TaskEntry {
  std::string name, title;
  std::unique_ptr<Task> (*make)() = nullptr;
};

/// Every task, in alphabetical order of names.
const std::vector<TaskEntry>& tasks();
/// UsageError with a "did you mean" if there is none of that name.
std::unique_ptr<Task> make_task(const std::string& name);

void add_task(TaskEntry);
template <class T>
struct RegisterTask {
  RegisterTask(std::string name, std::string title) {
    add_task({std::move(name), std::move(title), [] { return std::unique_ptr<Task>(new T); }});
  }
};

}  // namespace yonder
