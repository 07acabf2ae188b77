#include <cassert>

#include "core/ops/ops.h"
#include "core/simd/simd_loops.h"

namespace yonder {
namespace {

// What the derivative is computed from, and so what has to be saved.
enum class Slope { of_input, of_result };

// dx += f(in, …), elementwise.
template <class F, class... In>
void accumulate(const Gradient& dx, const F& f, const In&... in) {
  const auto [sum, add] = dx.target();
  real* const to = sum.data.get();
  const auto added = [&f](Vec g, auto... v) { return hn::Add(g, f(v...)); };
  if (add) parallel_map(sum.size(), to, added, to, in.data.get()...);
  else parallel_map(sum.size(), to, f, in.data.get()...);
}

// y = f(x);  dx += slope(s) dy, where s is x or y.
template <class F, class G>
Var unary(const Var& x, Slope by, F f, G slope, Operation op = Operation::current()) {
  Tensor y = Tensor::uninitialized(x.shape());
  parallel_map(y.size(), y.data.get(), f, x.value().data.get());
  const Tensor saved = by == Slope::of_input ? x.value() : y;
  return Tape::record(
      y, {x},
      [dx = x.gradient(), saved, slope](const Tensor& dy) {
        accumulate(
            dx, [slope](Vec d, Vec s) { return hn::Mul(slope(s), d); }, dy, saved);
      },
      op);
}

// f(a, b) with b broadcast over the leading axes of a.
template <class F>
Tensor combine(const Tensor& a, const Tensor& b, F f) {
  assert(b.shape.size() <= a.shape.size() &&
         std::equal(b.shape.rbegin(), b.shape.rend(), a.shape.rbegin()));
  Tensor y = Tensor::uninitialized(a.shape);
  parallel_map_repeating(y.size(), y.data.get(), f, b.data.get(), b.size(), a.data.get());
  return y;
}

// dx += sign · dy, summed over the leading axes that x lacks.
void reduce_to_shape(const Gradient& dx, const Tensor& dy, real sign) {
  const auto scaled = [s = vec(sign)](Vec d) { return hn::Mul(s, d); };
  if (dx.size() == dy.size()) return accumulate(dx, scaled, dy);
  const Tensor& sum = dx.sum();
  parallel_add_rows(dy.size() / sum.size(), sum.size(), sum.data.get(), scaled, dy.data.get());
}

}  // namespace

Var operator+(const Var& a, const Var& b) {
  return Tape::record(combine(a.value(), b.value(), plus), {a, b},
                      [da = a.gradient(), db = b.gradient()](const Tensor& dy) {
                        if (db) reduce_to_shape(db, dy, 1);
                        if (da && !da.move_into(dy)) reduce_to_shape(da, dy, 1);
                      });
}

Var operator-(const Var& a, const Var& b) {
  return Tape::record(combine(a.value(), b.value(), [](Vec x, Vec y) { return hn::Sub(x, y); }),
                      {a, b}, [da = a.gradient(), db = b.gradient()](const Tensor& dy) {
                        if (da) reduce_to_shape(da, dy, 1);
                        if (db) reduce_to_shape(db, dy, -1);
                      });
}

Var operator*(const Var& a, const Var& b) {
  return Tape::record(combine(a.value(), b.value(), times), {a, b}, [a, b](const Tensor& dy) {
    if (a.tracked()) {
      real* const da = a.grad().data.get();
      parallel_map_repeating(
          dy.size(), da, [](Vec g, Vec d, Vec y) { return hn::MulAdd(d, y, g); },
          b.value().data.get(), b.size(), da, dy.data.get());
    }
    if (b.tracked())
      parallel_add_rows(a.size() / b.size(), b.size(), b.grad().data.get(), times, dy.data.get(),
                        a.value().data.get());
  });
}

Var operator*(real s, const Var& x) {
  Tensor y = Tensor::uninitialized(x.shape());
  parallel_map(
      y.size(), y.data.get(), [s](Vec v) { return hn::Mul(vec(s), v); }, x.value().data.get());
  return Tape::record(y, {x},
                      [dx = x.gradient(), s](const Tensor& dy) { reduce_to_shape(dx, dy, s); });
}

Var tanh(const Var& x) {
  return unary(
      x, Slope::of_result, [](Vec v) { return hn::Tanh(lanes, v); },
      [](Vec y) { return hn::NegMulAdd(y, y, vec(1)); });
}

Var sigmoid(const Var& x) {
  return unary(x, Slope::of_result, sigmoid_of, [](Vec y) { return hn::NegMulAdd(y, y, y); });
}

Var relu(const Var& x) {
  return unary(
      x, Slope::of_result, [](Vec v) { return hn::IfThenZeroElse(hn::Lt(v, hn::Zero(lanes)), v); },
      [](Vec y) { return hn::IfThenElseZero(hn::Gt(y, hn::Zero(lanes)), vec(1)); });
}

Var exp(const Var& x) {
  return unary(x, Slope::of_result, exp_of, [](Vec y) { return y; });
}

Var log1p(const Var& x) {
  return unary(
      x, Slope::of_input, [](Vec v) { return hn::Log1p(lanes, v); },
      [](Vec v) { return hn::Div(vec(1), hn::Add(vec(1), v)); });
}

// log(1 + e^x) = max(x, 0) + log1p(e^−|x|)
Var softplus(const Var& x) {
  return unary(
      x, Slope::of_input,
      [](Vec v) {
        const Vec rest = hn::Log1p(lanes, exp_of_negative(hn::Neg(hn::Abs(v))));
        return hn::Add(hn::IfThenZeroElse(hn::Lt(v, hn::Zero(lanes)), v), rest);
      },
      sigmoid_of);
}

Var gelu(const Var& x) { return unary(x, Slope::of_input, Gelu::value, Gelu::slope); }

Var relu2(const Var& x) {
  const auto positive = [](Vec v) { return hn::IfThenZeroElse(hn::Lt(v, hn::Zero(lanes)), v); };
  return unary(
      x, Slope::of_input, [positive](Vec v) { return hn::Mul(positive(v), positive(v)); },
      [positive](Vec v) { return hn::Mul(vec(2), positive(v)); });
}

// With s = σ(a):  y = a s b,  da += s (1 + a (1 − s)) b dy,  db += a s dy
Var silu_gate(const Var& a, const Var& b) {
  assert(a.shape() == b.shape());
  const auto silu = [](Vec v) { return hn::Mul(v, sigmoid_of(v)); };
  const auto slope = [](Vec v) {
    const Vec s = sigmoid_of(v);
    return hn::Mul(s, hn::MulAdd(v, hn::Sub(vec(1), s), vec(1)));
  };
  Tensor y = Tensor::uninitialized(a.shape());
  parallel_map(
      y.size(), y.data.get(), [silu](Vec v, Vec w) { return hn::Mul(silu(v), w); },
      a.value().data.get(), b.value().data.get());
  return Tape::record(y, {a, b}, [a, b, silu, slope](const Tensor& dy) {
    const auto to_a = [slope](Vec d, Vec v, Vec w) { return hn::Mul(hn::Mul(slope(v), w), d); };
    const auto to_b = [silu](Vec d, Vec v) { return hn::Mul(silu(v), d); };
    if (a.tracked()) accumulate(a.gradient(), to_a, dy, a.value(), b.value());
    if (b.tracked()) accumulate(b.gradient(), to_b, dy, a.value());
  });
}

}  // namespace yonder
