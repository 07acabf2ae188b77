#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/transformer.h"
#include "train/training/adamw.h"
#include "train/training/data_parallel.h"

/// \file
/// What `yonder bench` measures: training steps and long evaluations of models of fixed sizes on
/// random tokens, and the matrix products that bound them.
namespace yonder {

/// Sizes of model and batch; all have 2048 tokens per step and a vocabulary of 256.
struct Size {
  const char* name;                         ///< as given to --size
  int width, heads, layers, length, batch;  ///< as options of `yonder train`
};
/// "tiny", "small" or "base".
const Size& size_named(const std::string& name);

/// How long some work took, in windows of several repeats. A window in which other processes used
/// more than a tenth of one processor is not quiet.
struct Timing {
  std::vector<double> seconds;  ///< per repeat, ascending; of quiet windows only, if there are any
  int windows = 0, quiet = 0;   ///< in all, and quiet ones
  double others = 0;            ///< processors used by other processes, mean over all windows
  double own = 0;               ///< CPU seconds per repeat, mean over all windows

  /// Whether there are too few quiet windows for a median.
  bool is_void() const { return quiet < std::min(windows, 3); }
  /// Quantile `part` of the seconds: 0.5 is the median.
  double quantile(double part) const;
};

/// Repeats `work` in one or more windows until nine were quiet or `max_wait` seconds have passed.
/// `repeats` is their number per window; 0: as many as take half a second. Several ranks repeat it
/// together, as often as rank 0 decides, and do not count as other processes.
Timing measure(const std::function<void()>& work, int repeats, double max_wait,
               ranks::Communicator comm = {});

/// Cost of an operation, forward and backward; what is not an operation counts as forward.
struct OperationCost {
  std::array<double, 2> seconds{};  ///< wall-clock
  std::array<double, 2> flops{};    ///< of its matrix products, as ProductCount counts them
};
/// The cost of each operation, by name.
using Profile = std::map<std::string, OperationCost>;

/// Training steps: AdamW, clipped at norm 1, on eight batches of random tokens. Each of several
/// ranks adds a batch, as a shard of a larger one.
class TrainBench {
 public:
  /// A model of this size and encoding, and its optimizer.
  TrainBench(const Size&, const std::string& encoding, const Overrides& options,
             ranks::Communicator comm = {}, Shards::Order order = Shards::Order::kept);
  /// Takes a step and adds its costs to `profile`, if given.
  void step(Profile* profile = nullptr);
  /// Multiplications and additions of a step's matrix products, counted while a step is taken: in
  /// attention those of visible pairs and with rows of relative tables. Recomputed tiles don't
  /// count.
  double flops();
  /// Seconds so far that this rank spent exchanging gradients or waiting for other ranks.
  double communication() const { return shards_ ? shards_->seconds() : 0; }

 private:
  Size size_;
  Transformer model_;
  AdamW optimizer_;
  std::optional<Shards> shards_;
  std::vector<Batch> batches_;
  int taken_ = 0;

  double forward_backward(const Batch&, double weight, Profile*);
};

/// Evaluation of one sequence of random tokens, with loss and argmax at every position.
class EvalBench {
 public:
  /// A model of this size and encoding.
  EvalBench(const Size&, const std::string& encoding, const Overrides& options);
  /// One pass over a sequence of `length` tokens.
  void test(int length);
  /// As TrainBench::flops(), counted while a sequence is evaluated.
  double flops(int length);

 private:
  Transformer model_;
};

/// Operations per second of products [M, K] · [K, N], the best of several windows.
double product_speed(std::int64_t M, std::int64_t N, std::int64_t K);
/// The highest speed of any MLP product of "small" or "base", by matmul() or any kernel of oneDNN.
double peak_speed();

/// Peak resident memory of this process, in bytes.
double peak_memory();

}  // namespace yonder
