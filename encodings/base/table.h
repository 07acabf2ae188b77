#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "core/ops/ops.h"
#include "core/random.h"
#include "encodings/base/encoding.h"

/// \file
/// A learned table P of R positions, and what positions beyond its last row get.
///
///   error         throws Undefined
///   clamp         P[min(i, R−1)]
///   wrap          P[i mod R]
///   random        new rows, N(0, 0.5²)
///   hierarchical  α u_a + (1−α) u_b for i = aR + b, u_m = (P_m − α P_0)/(1−α): the table itself on
///                 the first R positions, and defined up to R².  Su 2020, kexue.fm/archives/7947
namespace yonder {

/// Rows R..R+count−1 for a table [R, width], N(0, 0.5²), from the parameter's own random stream:
/// those of a longer table with this seed and initialisation.
inline Tensor fresh_rows(std::uint64_t seed, const std::string& name, int R, int count, int width) {
  const Random random(seed, name);
  Tensor more = Tensor::uninitialized({count, width});
  for (std::int64_t i = 0; i < more.size(); ++i)
    more[i] = real(0.5 * random.normal(std::int64_t(R) * width + i));
  return more;
}

/// A learned table and its options for positions beyond it.
class LearnedTable {
  std::string beyond_ = "error", owner_;
  double alpha_ = 0.4;
  std::string name_;
  std::uint64_t seed_ = 0;
  Var rows_;  // [R, D]

 public:
  /// Adds `beyond` and `alpha`, both inference-time options.
  void options(Options& o) {
    o.push_back(Option{"beyond", &beyond_, "how to represent positions beyond the table"}
                    .one_of({"error", "clamp", "wrap", "random", "hierarchical"})
                    .at_inference());
    o.push_back(Option{"alpha", &alpha_, "hierarchical: weight of the coarse position, not 0.5"}
                    .between(0, 1)
                    .at_inference());
  }

  /// Throws UsageError for an alpha of 1/2.
  void check(const std::string& owner) const {
    // At α = 1/2, positions aR + b and bR + a would be the same.
    if (alpha_ == 0.5)
      throw UsageError(owner + ".alpha: 0.5 can't tell coarse from fine; give any other share");
  }

  /// Creates the parameter "encoding.{owner}.{name}" [R, D].
  void build(Parameters& p, const std::string& owner, const std::string& name, Shape shape,
             Init init) {
    owner_ = owner;
    name_ = fmt::format("encoding.{}.{}", owner, name);
    seed_ = p.seed();
    rows_ = p.make(name_, std::move(shape), init);
  }

  /// The rows of positions `which`, [n, D].
  Var operator()(const std::vector<int>& which) const { return looked_up(which); }

  /// The rows of a pass, to be combined with its embeddings: [T, D] if all sequences share their
  /// positions, else [B, T, D].
  Var operator()(const Positions& p) const {
    const Var found = looked_up(token_positions(p));
    return p.shared() ? found : found.view({p.batch, p.tokens, found.dim(1)});
  }

 private:
  Var looked_up(std::vector<int> which) const {  // [n, D]
    const int R = rows_.dim(0), last = *std::max_element(which.begin(), which.end());
    if (last < R) return gather(rows_, which);
    if (beyond_ == "error") refuse(last, "see --" + owner_ + ".beyond");
    if (beyond_ == "random") return gather(concat({rows_, fresh(last + 1 - R)}, 0), which);
    if (beyond_ == "hierarchical") return hierarchical(which, last);
    for (int& i : which) i = beyond_ == "clamp" ? std::min(i, R - 1) : i % R;
    return gather(rows_, which);
  }

  [[noreturn]] void refuse(int position, const std::string& way_out) const {
    throw Undefined("table ends", fmt::format("{}: position {} is beyond the table of {}; {}",
                                              owner_, position, rows_.dim(0), way_out));
  }

  Var fresh(int count) const {
    return Var(fresh_rows(seed_, name_, rows_.dim(0), count, rows_.dim(1)));
  }

  // α u_a + (1−α) u_b = P_b + α/(1−α) (P_a − P_0)
  Var hierarchical(std::vector<int> fine, int last) const {
    const int R = rows_.dim(0);
    if (last / R >= R) refuse(last, "hierarchical ends at its square; test shorter, or wrap");
    std::vector<int> coarse;
    for (int& i : fine) coarse.push_back(i / R), i %= R;
    const Var first = slice(rows_, 0, 0, 1).view({rows_.dim(1)});
    return gather(rows_, fine) + real(alpha_ / (1 - alpha_)) * (gather(rows_, coarse) - first);
  }
};

}  // namespace yonder
