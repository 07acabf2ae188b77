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
/// What `yonder bench` measures: steps of training and long tests of models of fixed sizes on
/// random tokens, and the matrix products that bound them.
namespace yonder {

/// A model and a batch; all have 2048 tokens a step and a vocabulary of 256.
struct Size {
  const char* name;                         ///< as --size knows it
  int width, heads, layers, length, batch;  ///< as options of `yonder train`
};
/// "tiny", "small" or "base".
const Size& size_named(const std::string& name);

/// How long some work took, in windows of several repeats. A window in which other processes used
/// more than a tenth of one processor is void.
struct Timing {
  std::vector<double>
      seconds;                 ///< of one repeat, ascending: of the quiet windows, if there are any
  int windows = 0, quiet = 0;  ///< taken, and of them not void
  double others = 0;           ///< processors that others used meanwhile, on average over all
  double own = 0;              ///< seconds of processors that one repeat took, alike

  /// Too few windows in which the machine was quiet for a median.
  bool is_void() const { return quiet < std::min(windows, 3); }
  /// The value below which `part` of the windows lie: 0.5 is the median.
  double quantile(double part) const;
};

/// Repeats `work` in windows until nine of them were quiet or `max_wait` seconds are over, at least
/// in one. `repeats` of 0: as many as take half a second. A crew of ranks repeats it together, as
/// often as the first decides, and is not counted among the others.
Timing measure(const std::function<void()>& work, int repeats, double max_wait,
               ranks::Communicator comm = {});

/// Of an operation, forward and backward; what is not an operation counts as forward.
struct OperationCost {
  std::array<double, 2> seconds{};  ///< that passed
  std::array<double, 2> flops{};    ///< of its matrix products, as ProductCount counts them
};
/// What each operation took, by its name.
using Profile = std::map<std::string, OperationCost>;

/// Steps of training: AdamW, clipped at norm 1, on eight batches of random tokens. Each rank of a
/// crew adds a batch, as a shard of a larger one.
class TrainBench {
 public:
  /// A model of this size and encoding, and its optimizer.
  TrainBench(const Size&, const std::string& encoding, const Overrides& options,
             ranks::Communicator comm = {}, Shards::Order order = Shards::Order::kept);
  /// Adds to `profile`, if given, where the time goes.
  void step(Profile* profile = nullptr);
  /// Multiplications and additions of a step's matrix products, counted while a step is taken: of
  /// attention those of visible pairs and with rows of relative tables. Tiles that are computed
  /// again don't count.
  double flops();
  /// Seconds so far that this rank spent on exchanging gradients, or waiting for them.
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

/// A test of one sequence of random tokens, loss and first choice at every place.
class EvalBench {
 public:
  /// A model of this size and encoding.
  EvalBench(const Size&, const std::string& encoding, const Overrides& options);
  /// One pass over a sequence of so many tokens.
  void test(int length);
  /// As TrainBench's, counted while a sequence is tested.
  double flops(int length);

 private:
  Size size_;
  Transformer model_;
};

/// Operations a second that products [M, K] · [K, N] reach, the best of several windows.
double product_speed(std::int64_t M, std::int64_t N, std::int64_t K);
/// The most that any product of the sizes above reaches, by matmul() or by any way of the library.
double peak_speed();

/// The most that this process ever had in memory, in bytes.
double peak_memory();

}  // namespace yonder
