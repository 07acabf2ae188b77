#include "train/export/turns.h"

#include "core/ops/ops.h"

namespace yonder {
namespace {

using Turned = std::function<Dots(const Var&)>;

Tensor columns(const Var& x, int first, int count) { return slice(x, 3, first, count).value(); }

// Found by probing with column c alone nonzero, at the first few positions.
std::vector<int> partners(const Turned& turned, Shape shape) {
  shape[1] = std::min(shape[1], 8);
  std::vector<int> partner;
  for (int c = 0; c < shape[3]; ++c) {
    const Tensor unit(shape);
    for (std::int64_t i = c; i < unit.size(); i += shape[3]) unit[i] = 1;
    const Tensor y = columns(turned(Var(unit)).q, 0, shape[3]);
    partner.push_back(c);
    for (std::int64_t i = 0; i < y.size(); ++i)
      if (i % shape[3] != c && y[i] != 0) partner.back() = int(i % shape[3]);
  }
  return partner;
}

// [2, M, H, d] as [2, M, 1, d] if all heads are the same.
Tensor of_one_head(const Tensor& x) {
  const int H = x.dim(2), d = x.dim(3);
  const Tensor one = Tensor::uninitialized({2, x.dim(1), 1, d});
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const std::int64_t to = i / (H * d) * d + i % d;
    if (i % (H * d) < d) one[to] = x[i];
    else if (one[to] != x[i]) return x;
  }
  return one;
}

}  // namespace

TurnTables turn_tables_of(const Turned& turned, const Shape& shape) {
  TurnTables found;
  const int d = shape[3];
  const Var x = noise(shape);
  const Dots zero = turned(filled(0, shape)), some = turned(x);
  if (const int more = some.q.dim(3) - d; more > 0) {
    found.q_columns = columns(zero.q, d, more).view({shape[1], shape[2], more});
    found.k_columns = columns(zero.k, d, more).view({shape[1], shape[2], more});
  }
  found.known = !some.log_decay && !some.path.w;
  const bool still = equal(columns(some.q, 0, d), x.value()) &&
                     equal(columns(some.k, 0, d), x.value()) && !some.far_q && !some.older_q;
  if (still) return found;
  found.partner = partners(turned, shape);
  const Tensor low(shape), high(shape);  // the columns before their partners, and those after
  for (std::int64_t i = 0; i < low.size(); ++i)
    (i % d <= found.partner[std::size_t(i % d)] ? low : high)[i] = 1;
  const Dots of_low = turned(Var(low)), of_high = turned(Var(high));
  const auto table = [&](Var Dots::*side) {
    const Tensor a = columns(of_low.*side, 0, d), b = columns(of_high.*side, 0, d);
    const Tensor y({2, shape[1], shape[2], d}), expected(shape);
    for (std::int64_t i = 0; i < a.size(); ++i) {
      const int c = int(i % d), other = found.partner[std::size_t(c)];
      y[i] = c <= other ? a[i] : b[i];
      if (c != other) y[a.size() + i] = c < other ? b[i] : a[i];
      expected[i] = y[i] * x.value()[i] + y[a.size() + i] * x.value()[i - c + other];
    }
    found.known = found.known && alike(columns(some.*side, 0, d), expected);
    return of_one_head(y);
  };
  const auto add = [&](Var Dots::*q, Var Dots::*k, int chunk, int from) {
    found.products.push_back({table(q), table(k), chunk, from});
  };
  add(&Dots::q, &Dots::k, 1, 0);
  if (some.far_q) add(&Dots::far_q, &Dots::far_k, 1, some.far_window);
  if (some.previous_q) add(&Dots::previous_q, &Dots::k, some.chunk, 1);
  if (some.older_q) add(&Dots::older_q, &Dots::k, some.chunk, 2);
  return found;
}

}  // namespace yonder
