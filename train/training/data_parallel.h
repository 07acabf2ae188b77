#pragma once
#include <functional>
#include <vector>

#include "core/parameters.h"
#include "datasets/base/dataset.h"
#include "train/system/mpi.h"

/// \file
/// Data-parallel training (Li et al. 2020, arXiv:2006.15704, except for the order of summation). A
/// batch is split into a fixed number of shards, independent of the number of ranks:
///
///   gradient = ((g₀ + g₁) + g₂) + … + g_{S−1},   g_s: of shard s alone, weighted by its targets
///
/// Rank s mod ranks computes shard s. After each of its shards a rank sends the others their slices
/// of the gradient and sums its own slice of theirs, in the order of the shards. So no sum depends
/// on the number of ranks, and a rank holds one shard's gradient at a time.
namespace yonder {

/// Sequences first..first + size − 1 of a batch, with its padding.
Batch part_of(const Batch&, int first, int size);

/// Splits batches into shards and sums the gradients that the ranks compute.
class Shards {
 public:
  /// The order in which gradients are summed.
  enum class Order {
    kept,  ///< the same bits for any number of ranks
    any    ///< each rank sums its own shards and MPI the ranks: faster, other bits
  };

  /// Splits each batch into `shards` ≥ 1.
  Shards(const Parameters&, int shards, Order, ranks::Communicator);

  /// Writes the gradient of a mean over the batch's targets to the parameters and returns the mean.
  /// `pass` adds the gradient of `weight` times the mean over the targets of a part of the batch,
  /// and returns that mean; what it throws on one rank, all throw.
  double gradient(const Batch&,
                  const std::function<double(const Batch& part, double weight)>& pass);

  /// Seconds so far that this rank spent exchanging gradients or waiting for other ranks.
  double seconds() const { return seconds_; }

 private:
  const Parameters& parameters_;
  int shards_;
  Order order_;
  ranks::Communicator comm_;
  std::vector<real> mine_, theirs_, total_;  // [elements], [ranks, slice], [elements]
  double seconds_ = 0;

  void work_together(const std::function<void()>& work);
  void collect();
  void add_in_order(int round);
  void exchange(const std::function<void()>& work);
};

}  // namespace yonder
