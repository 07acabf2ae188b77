#include "core/attention_plan.h"
#include "core/parallel.h"

namespace yonder::fused {
namespace {

// The smallest and the largest position among the rows that are no padding.
Range positions_of(const Positions& at, const Plan& plan, int (Plan::*rows_of)(int) const) {
  Range seen{Band::unlimited, -Band::unlimited};
  for (int b = 0; b < plan.B; ++b)
    for (int t = 0; t < (plan.*rows_of)(b); ++t)
      seen = {std::min(seen.begin, at(b, t)), std::max(seen.end, at(b, t))};
  return seen;
}

// Distances that a visible pair can have, both ends counted. Positions that are not consecutive
// say nothing of what the mask leaves, so there the tables' own limits cut.
Range visible_distances(const Plan& plan) {
  if (plan.consecutive) {
    Range seen{Band::unlimited, -Band::unlimited};
    for (int b = 0; b < plan.B; ++b) {
      const int shift = plan.queries(b, 0) - plan.keys(b, 0);
      seen.begin = std::min(seen.begin, shift + std::max(1 - plan.Tk, plan.band.least));
      seen.end = std::max(seen.end, shift + std::min(plan.Tq - 1, plan.band.most));
    }
    return seen;
  }
  const Range i = positions_of(plan.queries, plan, &Plan::queries_of);
  const Range j = positions_of(plan.keys, plan, &Plan::keys_of);
  Range limits{Band::unlimited, -Band::unlimited};
  for (const RelativeTerm& term : plan.scores.relative) {
    limits.begin = std::min(limits.begin, term.bucket.least);
    limits.end = std::max(limits.end, term.bucket.least + int(term.bucket.row.size()) - 1);
  }
  return {std::max(i.begin - j.end, limits.begin), std::min(i.end - j.begin, limits.end)};
}

// Calls f(place, row) for each distance that a term knows.
template <class F>
void each_distance(const ByDistance& tables, const Buckets& bucket, F&& f) {
  const int first = std::max(tables.least, bucket.least);
  const int end = std::min(tables.least + tables.count, bucket.least + int(bucket.row.size()));
  for (int d = first; d < end; ++d) f(tables.place(d), bucket(d));
}

}  // namespace

ByDistance by_distance(const Plan& plan) {
  ByDistance tables;
  if (plan.scores.relative.empty()) return tables;
  const Range seen = visible_distances(plan);
  tables.least = seen.begin;
  tables.count = std::max(seen.end - seen.begin + 1, 1);
  tables.stride = tile::up_to(16, tables.count + 2 * ByDistance::margin);
  for (const RelativeTerm& term : plan.scores.relative) {
    if (!term.c) continue;
    if (!tables.c) tables.c = Tensor({plan.H, tables.stride});
    each_distance(tables, term.bucket, [&](std::ptrdiff_t place, int row) {
      for (int h = 0; h < plan.H; ++h)
        tables.c[h * tables.stride + place] += term.c.value()[row * plan.H + h];
    });
  }
  return tables;
}

DistanceGradients distance_gradients(const Plan& plan, const ByDistance& tables, int parts) {
  DistanceGradients gradients;
  for (const RelativeTerm& term : plan.scores.relative)
    if (term.c && term.c.tracked() && !gradients.c)
      gradients.c = Tensor({parts, plan.H, tables.stride});
  return gradients;
}

void fold(const Plan& plan, const ByDistance& tables, const DistanceGradients& gradients) {
  if (!gradients.c) return;
  const Tensor& dc = gradients.c;
  const std::int64_t part = std::int64_t(plan.H) * tables.stride;
  parallel_for(plan.H, [&](std::int64_t h) {
    real* sum = &dc[h * tables.stride];
    for (int p = 1; p < dc.dim(0); ++p)
      for (int i = 0; i < tables.stride; ++i) sum[i] += sum[p * part + i];
  });
  for (const RelativeTerm& term : plan.scores.relative) {
    if (!term.c || !term.c.tracked()) continue;
    each_distance(tables, term.bucket, [&](std::ptrdiff_t place, int row) {
      for (int h = 0; h < plan.H; ++h)
        term.c.grad()[row * plan.H + h] += dc[h * tables.stride + place];
    });
  }
}

}  // namespace yonder::fused
