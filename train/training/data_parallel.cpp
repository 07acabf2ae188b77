#include "train/training/data_parallel.h"

#include <algorithm>
#include <numeric>

#include "core/parallel.h"
#include "train/system/stopwatch.h"

namespace yonder {
namespace {

constexpr std::int64_t piece = 16384;  // elements; small enough for the cache

// to += from
void add(std::span<real> to, std::span<const real> from) {
  const std::int64_t n = std::int64_t(to.size());
  parallel_for((n + piece - 1) / piece, [&](std::int64_t p) {
    const std::int64_t end = std::min(n, (p + 1) * piece);
    for (std::int64_t i = p * piece; i < end; ++i) to[i] += from[i];
  });
}

int targets_in(const Batch& batch) {
  return int(
      std::count_if(batch.targets.begin(), batch.targets.end(), [](int t) { return t >= 0; }));
}

}  // namespace

Batch part_of(const Batch& batch, int first, int size) {
  const auto rows = [&](const std::vector<int>& all, int width) {
    if (all.empty()) return all;
    return std::vector<int>(all.begin() + std::ptrdiff_t(first) * width,
                            all.begin() + std::ptrdiff_t(first + size) * width);
  };
  return {.size = size,
          .extent = batch.extent,
          .tokens = rows(batch.tokens, batch.extent),
          .targets = rows(batch.targets, batch.extent),
          .lengths = rows(batch.lengths, 1),
          .digits = rows(batch.digits, batch.extent),
          .lag = rows(batch.lag, batch.extent),
          .targets_by_position = rows(batch.targets_by_position, batch.extent)};
}

Shards::Shards(const Parameters& parameters, int shards, Order order, ranks::Communicator comm)
    : parameters_(parameters), shards_(shards), order_(order), comm_(comm) {
  const auto n = std::size_t(parameters.count());
  mine_.resize(n);
  total_.resize(n);
  if (comm.count > 1 && order == Order::kept)
    theirs_.resize(std::size_t(comm.count * ranks::slice(std::int64_t(n), comm.rank).size));
}

// Copies the gradients of all parameters to mine_, one after the other, and clears them.
void Shards::collect() {
  auto to = mine_.begin();
  for (const auto& [name, var] : parameters_.all()) {
    if (var.gradient().started()) std::copy_n(&var.grad()[0], var.size(), to);
    else std::fill_n(to, var.size(), real(0));
    to += var.size();
  }
  parameters_.clear_gradients();
}

void Shards::exchange(const std::function<void()>& work) { seconds_ += seconds_of(work); }

// Adds this rank's slice of shards round · ranks, …, one from each rank.
void Shards::add_in_order(int round) {
  if (comm_.count == 1) return add(total_, mine_);
  exchange([&] { ranks::exchange_slices(mine_, theirs_); });
  const auto own = ranks::slice(std::int64_t(total_.size()), comm_.rank);
  const auto slice = std::span(total_).subspan(std::size_t(own.first), std::size_t(own.size));
  for (int r = 0; r < comm_.count && round * comm_.count + r < shards_; ++r)
    add(slice, std::span(theirs_).subspan(std::size_t(r * own.size), std::size_t(own.size)));
}

void Shards::work_together(const std::function<void()>& work) {
  if (comm_.count == 1) return work();
  double own = 0;
  seconds_ += seconds_of([&] { ranks::run_collectively([&] { own = seconds_of(work); }); });
  seconds_ -= own;
}

double Shards::gradient(const Batch& batch,
                        const std::function<double(const Batch&, double)>& pass) {
  std::fill(total_.begin(), total_.end(), real(0));
  const int targets = targets_in(batch);
  std::vector<double> means(std::size_t(shards_), 0);  // weighted
  for (int round = 0; round * comm_.count < shards_; ++round) {
    const int s = round * comm_.count + comm_.rank;
    const auto work = [&] {
      if (s >= shards_) return;
      const auto first = [&](int shard) { return int(std::int64_t(batch.size) * shard / shards_); };
      const Batch part = part_of(batch, first(s), first(s + 1) - first(s));
      const double weight = double(targets_in(part)) / targets;
      if (weight > 0) means[std::size_t(s)] = weight * pass(part, weight);
    };
    work_together(work);
    collect();
    if (order_ == Order::kept) add_in_order(round);
    else add(total_, mine_);
  }
  if (comm_.count > 1)
    exchange([&] {
      if (order_ == Order::kept) ranks::gather_slices(total_);
      else ranks::sum_in_any_order(total_);
      ranks::sum(means);
    });
  auto from = total_.begin();
  for (const auto& [name, var] : parameters_.all()) {
    std::copy_n(from, var.size(), &var.gradient().target().sum[0]);
    from += var.size();
  }
  return std::accumulate(means.begin(), means.end(), 0.0);
}

}  // namespace yonder
