#pragma once
#include <algorithm>
#include <climits>

#include "core/ops/ops.h"
#include "encodings/base/encoding.h"

/// \file
/// Factors of query rows, for modifiers that make attention sharper or flatter.
namespace yonder {

/// The number of keys that query i sees in head h of a sequence of n tokens, at least 1: a row that
/// sees none gives zeros whatever its factor.
inline int seen(const Mask& m, int h, int i, int n) {
  struct Range {
    int first, last;
    Range with(Range r) const { return {std::max(first, r.first), std::min(last, r.last)}; }
    int count() const { return std::max(0, last - first + 1); }
  };
  const auto within = [i](int size) {
    return size > 0 ? Range{i - size + 1, i + size - 1} : Range{0, INT_MAX};
  };
  const int side = m.sides.empty() ? 0 : m.sides[h];
  const Range shown = within(m.of_heads.empty() ? 0 : m.of_heads[h])
                          .with({side > 0 ? i : 0, m.causal || side < 0 ? i : n - 1});
  const Range near = shown.with(within(m.window)), sinks = shown.with({0, m.sinks - 1});
  return std::max(1, near.count() + sinks.count() - near.with(sinks).count());
}

/// c_i, the number of keys that query i sees: [1, Tq], or [B, Tq] if each sequence has its own n;
/// with one more dimension, [.., H], if heads have their own windows.
inline Tensor visible(const Attention& a) {
  const Positions& p = a.queries;
  const bool own = !a.mask.causal && !p.lengths.empty();
  const int heads = int(std::max({std::size_t(1), a.mask.of_heads.size(), a.mask.sides.size()}));
  Tensor c = Tensor::uninitialized({own ? p.batch : 1, p.tokens, heads});
  for (int b = 0; b < c.dim(0); ++b)
    for (int t = 0; t < p.tokens; ++t)
      for (int h = 0; h < heads; ++h)
        c[(b * p.tokens + t) * heads + h] =
            real(seen(a.mask, h, p.first + t, own ? p.length(b) : p.first + p.tokens));
  if (a.mask.of_heads.empty() && a.mask.sides.empty()) c.shape.pop_back();
  return c;
}

/// The option `heads`: how many of the model's last heads a modifier scales.
inline Option heads_option(int* heads) {
  return Option{"heads", heads, "scale only this many of the last heads; 0: all"}
      .at_least(0)
      .added_later();
}
/// Throws UsageError for more heads than the model has.
inline void check_heads(const std::string& owner, int heads, int of_model) {
  if (heads > of_model)
    throw UsageError(
        fmt::format("{}.heads: {} are more than the model's {}; give at most that many", owner,
                    heads, of_model));
}
/// Row factors for the last `heads` of H heads only, [.., H]: 1 in the others. 0: all, unchanged.
inline Tensor of_last(int heads, int H, const Tensor& factor) {
  if (heads == 0 || heads == H) return factor;
  const bool apart = factor.shape.size() == 3;
  Tensor all = Tensor::uninitialized({factor.dim(0), factor.dim(1), H});
  for (std::int64_t i = 0; i < all.size(); ++i)
    all[i] = i % H < H - heads ? real(1) : factor[apart ? i : i / H];
  return all;
}

/// Multiplies q by a factor per row and head, [B or 1, Tq, H].
inline void multiply_rows(Dots& d, const Var& factor) {
  const Tensor ones = Tensor::uninitialized({d.q.dim(3)});
  std::fill_n(ones.data.get(), ones.size(), real(1));
  Shape rows{d.q.dim(1), d.q.dim(2), d.q.dim(3)};
  if (factor.dim(0) > 1) rows.insert(rows.begin(), factor.dim(0));
  d.q = d.q * outer(factor, Var(ones)).view(rows);
}

/// Multiplies the rows of q by `factor` [B or 1, Tq] or [B or 1, Tq, H], on top of any earlier
/// factor.
inline void multiply_rows(Dots& d, const Tensor& factor) {
  if (factor.shape.size() == 3) return multiply_rows(d, Var(factor));
  if (!d.row) return void(d.row = factor);
  const Tensor before = d.row;
  d.row = Tensor::uninitialized(before.dim(0) > factor.dim(0) ? before.shape : factor.shape);
  for (std::int64_t i = 0; i < d.row.size(); ++i)
    d.row[i] = factor[i % factor.size()] * before[i % before.size()];
}

/// The same factor for all queries.
inline void multiply_rows(Dots& d, const Attention& a, double factor) {
  const Tensor same = Tensor::uninitialized({1, a.queries.tokens});
  std::fill_n(same.data.get(), same.size(), real(factor));
  multiply_rows(d, same);
}

}  // namespace yonder
