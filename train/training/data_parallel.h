#pragma once
#include <functional>
#include <vector>

#include "core/parameters.h"
#include "datasets/base/dataset.h"
#include "train/system/mpi.h"

/// \file
/// Training by several ranks (Li et al. 2020, arXiv:2006.15704, but for the order of the sums). A
/// batch is split into a fixed number of shards, independent of the number of ranks:
///
///   gradient = ((g₀ + g₁) + g₂) + … + g_{S−1},   g_s: of shard s alone, weighted by its targets
///
/// Shard s is worked out by rank s mod ranks. After each of its shards a rank gives the others
/// their slices of the gradient and adds up its own slice of theirs, in the order of the shards. So
/// no sum depends on the number of ranks, and a rank holds one shard's gradient at a time.
namespace yonder {

/// Sequences first..first + size − 1 of a batch, padded as it is.
Batch part_of(const Batch&, int first, int size);

class Shards {
 public:
  enum class Order {
    kept,  ///< the same bits for any number of ranks
    any    ///< each rank adds up its own shards and the library the ranks: faster, other bits
  };

  /// `shards` ≥ 1 of each batch.
  Shards(const Parameters&, int shards, Order, ranks::Communicator);

  /// The gradient of a mean over the batch's targets into `parameters`, and the mean itself. `pass`
  /// adds the gradient of `weight` times the mean over the targets of a part of the batch, and
  /// returns that mean; what it throws at one rank, all throw.
  double gradient(const Batch&,
                  const std::function<double(const Batch& part, double weight)>& pass);

  /// Seconds so far in which this rank did nothing but exchange, or wait for others to.
  double seconds() const { return seconds_; }

 private:
  const Parameters& parameters_;
  int shards_;
  Order order_;
  ranks::Communicator comm_;
  std::vector<real> mine_, theirs_, total_;  // [numbers], [ranks, slice], [numbers]
  double seconds_ = 0;

  void work_together(const std::function<void()>& work);
  void collect();
  void add_in_order(int round);
  void exchange(const std::function<void()>& work);
};

}  // namespace yonder
