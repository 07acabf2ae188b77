#include "models/layers.h"

#include <cmath>
#include <vector>

#include "core/ops/ops.h"

namespace yonder {
namespace {

const std::string twin = "imaginary.";

// x [n, M, N, d] with M and N swapped, [n, N, M, d].
Var exchanged(const Var& x, int n, int M, int N, int d) {
  std::vector<int> from;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < N; ++j)
      for (int m = 0; m < M; ++m) from.push_back((i * M + m) * N + j);
  return gather(x.view({n * M * N, d}), from);
}

}  // namespace

Linear Linear::make(Parameters& p, const std::string& name, int out, int in, double deviation,
                    Numbers numbers) {
  const std::string weight = name + ".weight";
  if (numbers == Numbers::plain) return {p.make(weight, {out, in}, Init::std(deviation)), {}};
  const Init half = Init::std(deviation / std::sqrt(2.0));
  return {p.make(weight, {out, in}, half), p.make(twin + weight, {out, in}, half)};
}

Linear Linear::with_bias(Parameters& p, const std::string& name, int out, int in,
                         double deviation) {
  Linear map = make(p, name, out, in, deviation, Numbers::plain);
  map.bias = p.make(name + ".bias", {out}, Init::zeros());
  return map;
}

Var Linear::operator()(const Var& x) const { return linear(x, matrix(), bias); }

Var Linear::matrix() const {
  if (!imaginary) return weight;
  const Var re = concat({weight, real(-1) * imaginary}, 1), im = concat({imaginary, weight}, 1);
  return concat({re, im}, 0);
}

Var Linear::real_part(const Var& x) const {
  return linear(x, imaginary ? concat({weight, imaginary}, 1) : weight);
}

Norm Norm::make(Parameters& p, const std::string& name, int width, Numbers numbers) {
  auto weight = [&](const std::string& at) {
    return p.make(at + ".weight", {width}, Init::value(1));
  };
  auto bias = [&](const std::string& at) { return p.make(at + ".bias", {width}, Init::zeros()); };
  Norm norm{.weight = weight(name), .bias = bias(name)};
  if (numbers == Numbers::complex)
    norm.imaginary_weight = weight(twin + name), norm.imaginary_bias = bias(twin + name);
  return norm;
}

Norm Norm::rms(Parameters& p, const std::string& name, int width) {
  return {.weight = p.make(name + ".weight", {width}, Init::value(1))};
}

Var Norm::operator()(const Var& x) const {
  if (!bias) return rms_norm(x, weight);
  if (!imaginary_weight) return layer_norm(x, weight, bias);
  const int last = int(x.shape().size()) - 1, D = weight.dim(0);
  return concat({layer_norm(slice(x, last, 0, D), weight, bias),
                 layer_norm(slice(x, last, D, D), imaginary_weight, imaginary_bias)},
                last);
}

Var split_heads(const Var& x, int heads, Numbers numbers) {
  const int B = x.dim(0), T = x.dim(1), H = heads, width = x.dim(2) / heads;  // d or 2d
  if (numbers == Numbers::plain) return x.view({B, T, H, width});
  return exchanged(x, B * T, 2, H, width / 2).view({B, T, H, width});
}

Var join_heads(const Var& x, Numbers numbers) {
  const int B = x.dim(0), T = x.dim(1), H = x.dim(2), width = x.dim(3);
  if (numbers == Numbers::plain) return x.view({B, T, H * width});
  return exchanged(x, B * T, H, 2, width / 2).view({B, T, H * width});
}

}  // namespace yonder
