#include <cassert>

#include "core/ops/ops.h"
#include "core/simd/matmul.h"
#include "core/simd/simd_loops.h"

namespace yonder {
namespace {

// Runs of reals, `stride` apart.
struct Runs {
  real* data;
  std::int64_t stride;
};

void copy(std::int64_t rows, std::int64_t width, Runs from, Runs to) {
  parallel_rows(rows, width, [&](std::int64_t r) {
    std::copy_n(from.data + r * from.stride, width, to.data + r * to.stride);
  });
}

void add(std::int64_t rows, std::int64_t width, Runs from, Runs to) {
  parallel_rows(rows, width, [&](std::int64_t r) {
    real* const sum = to.data + r * to.stride;
    map(width, sum, plus, sum, from.data + r * from.stride);
  });
}

// The product of the extents of axes first..last−1.
std::int64_t product(const Shape& shape, int first, int last) {
  std::int64_t n = 1;
  for (int i = first; i < last; ++i) n *= shape[i];
  return n;
}

}  // namespace

Var reshape(const Var& x, Shape shape) {
  assert(count(shape) == x.size());
  return x.view(std::move(shape));
}

Var gather(const Var& table, std::span<const int> which) {
  const std::int64_t width = table.size() / table.dim(0), n = std::int64_t(which.size());
  Shape shape = table.shape();
  shape[0] = int(n);
  Tensor y = Tensor::uninitialized(shape);
  parallel_rows(n, width, [&](std::int64_t i) {
    assert(which[i] < table.dim(0));
    if (which[i] < 0) std::fill_n(&y[i * width], width, real(0));
    else std::copy_n(&table.value()[which[i] * width], width, &y[i * width]);
  });
  const std::vector<int> row(which.begin(), which.end());
  return Tape::record(y, {table}, [dtable = table.gradient(), row, width](const Tensor& dy) {
    real* const sum = dtable.sum().data.get();
    // A row may be gathered more than once, so threads split the columns.
    parallel_pieces(width, 32, [&](std::int64_t first, std::int64_t last) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (row[i] < 0) continue;
        real* const to = sum + row[i] * width + first;
        map(last - first, to, plus, to, &dy[std::int64_t(i) * width + first]);
      }
    });
  });
}

// dx of a head is the sum over its copies, in order.
Var repeat_heads(const Var& x, int heads) {
  const int K = x.dim(2), group = heads / K;
  assert(heads % K == 0);
  if (group == 1) return x;
  const std::int64_t d = x.dim(3), rows = x.size() / d;  // of x: tokens times K
  Tensor y = Tensor::uninitialized({x.dim(0), x.dim(1), heads, int(d)});
  parallel_rows(rows, group * d, [&](std::int64_t r) {
    for (int g = 0; g < group; ++g) std::copy_n(&x.value()[r * d], d, &y[(r * group + g) * d]);
  });
  return Tape::record(y, {x}, [dx = x.gradient(), rows, group, d](const Tensor& dy) {
    const auto [sum, add] = dx.target();
    parallel_rows(rows, group * d, [&, to = sum.data.get(), add = add](std::int64_t r) {
      if (!add) std::copy_n(&dy[r * group * d], d, to + r * d);
      for (int g = add ? 0 : 1; g < group; ++g)
        map(d, to + r * d, plus, to + r * d, &dy[(r * group + g) * d]);
    });
  });
}

Var concat(const std::vector<Var>& parts, int axis) {
  Shape shape = parts.at(0).shape();
  const int axes = int(shape.size());
  if (axis < 0) axis += axes;
  shape[axis] = 0;
  for (const Var& part : parts) shape[axis] += part.dim(axis);
  const std::int64_t front = product(shape, 0, axis), stride = product(shape, axis, axes);
  Tensor y = Tensor::uninitialized(shape);
  std::vector<std::pair<Gradient, std::int64_t>> pieces;  // gradient and width of each part
  std::int64_t at = 0;
  for (const Var& part : parts) {
    const std::int64_t width = product(part.shape(), axis, axes);
    copy(front, width, {part.value().data.get(), width}, {y.data.get() + at, stride});
    pieces.push_back({part.gradient(), width});
    at += width;
  }
  return Tape::record(y, parts, [pieces, front, stride](const Tensor& dy) {
    std::int64_t from = 0;
    for (const auto& [gradient, width] : pieces) {
      if (gradient)
        add(front, width, {dy.data.get() + from, stride}, {gradient.sum().data.get(), width});
      from += width;
    }
  });
}

Var slice(const Var& x, int axis, int first, int extent) {
  const int axes = int(x.shape().size());
  if (axis < 0) axis += axes;
  assert(first >= 0 && extent >= 0 && first + extent <= x.dim(axis));
  Shape shape = x.shape();
  shape[axis] = extent;
  const std::int64_t front = product(shape, 0, axis), inner = product(shape, axis + 1, axes);
  const std::int64_t width = extent * inner, stride = x.dim(axis) * inner, at = first * inner;
  Tensor y = Tensor::uninitialized(shape);
  copy(front, width, {x.value().data.get() + at, stride}, {y.data.get(), width});
  return Tape::record(y, {x}, [dx = x.gradient(), front, width, stride, at](const Tensor& dy) {
    add(front, width, {dy.data.get(), width}, {dx.sum().data.get() + at, stride});
  });
}

Var sum(const Var& x) {
  const std::int64_t n = x.size(), pieces = (n + chunk - 1) / chunk;
  std::vector<real> partial(pieces);
  parallel_pieces(n, chunk, [&](std::int64_t first, std::int64_t last) {
    partial[first / chunk] = total(
        last - first, [](Vec v) { return v; }, &x.value()[first]);
  });
  Tensor y({1});
  for (real p : partial) y[0] += p;
  return Tape::record(y, {x}, [dx = x.gradient()](const Tensor& dy) {
    const Tensor& g = dx.sum();
    parallel_map(
        g.size(), g.data.get(), [d = dy[0]](Vec s) { return hn::Add(s, vec(d)); }, g.data.get());
  });
}

// y = a bᵀ;  da += dy b,  db += dyᵀ a
Var outer(const Var& a, const Var& b) {
  const std::int64_t M = a.size(), N = b.size();
  Tensor y = Tensor::uninitialized({int(M), int(N)});
  const auto in = [](const Tensor& t, std::int64_t stride) { return Matrix{t.data.get(), stride}; };
  matmul({.M = M,
          .N = N,
          .K = 1,
          .a = in(a.value(), 1),
          .b = in(b.value(), N),
          .c = y.data.get(),
          .c_stride = N});
  return Tape::record(y, {a, b}, [a, b, M, N, in](const Tensor& dy) {
    if (a.tracked())
      matmul({.M = M,
              .N = 1,
              .K = N,
              .a = in(dy, N),
              .b = in(b.value(), 1),
              .c = a.grad().data.get(),
              .c_stride = 1,
              .add = true});
    if (b.tracked())
      matmul({.M = N,
              .N = 1,
              .K = M,
              .a = {dy.data.get(), N, true},
              .b = in(a.value(), 1),
              .c = b.grad().data.get(),
              .c_stride = 1,
              .add = true});
  });
}

}  // namespace yonder
