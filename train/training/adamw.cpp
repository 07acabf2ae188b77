#include "train/training/adamw.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/parallel.h"

namespace yonder {
namespace {

constexpr std::int64_t piece = 16384;  // elements; small enough for the cache

// Σ g², with eight running sums so that the loop vectorizes; they are added in order.
double square_sum(const real* g, std::int64_t n) {
  std::array<double, 8> sums{};
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int lane = 0; lane < 8; ++lane) sums[lane] += double(g[i + lane]) * double(g[i + lane]);
  for (; i < n; ++i) sums[0] += double(g[i]) * double(g[i]);
  double total = 0;
  for (double s : sums) total += s;
  return total;
}

// 0 if all are finite, else NaN; eight sums, so that the loop vectorizes.
real zero_if_finite(const real* x, std::int64_t n) {
  std::array<real, 8> sums{};
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int lane = 0; lane < 8; ++lane) sums[lane] += x[i + lane] * 0;
  for (; i < n; ++i) sums[0] += x[i] * 0;
  real total = 0;
  for (real s : sums) total += s;
  return total;
}

// Symbols as in the class comment; both bias corrections are folded into factors.
struct Update {
  real beta1, beta2, epsilon, scale;
  real rate;     // lr/(1 − β₁ᵗ)
  real correct;  // 1/(1 − β₂ᵗ)
  real keep;     // 1 − lr · decay

  void apply(real& theta, real& m, real& v, real g) const {
    g *= scale;
    m = beta1 * m + (1 - beta1) * g;
    v = beta2 * v + (1 - beta2) * g * g;
    theta = theta * keep - rate * m / (std::sqrt(v * correct) + epsilon);
  }
};

}  // namespace

double gradient_norm(const Parameters& parameters) {
  std::vector<std::pair<const real*, std::int64_t>> pieces;
  std::vector<Tensor> kept;
  for (const auto& p : parameters.all()) {
    if (!p.var.gradient().started()) continue;
    kept.push_back(p.var.grad());
    const Tensor& g = kept.back();
    for (std::int64_t i = 0; i < g.size(); i += piece)
      pieces.emplace_back(g.data.get() + i, std::min(piece, g.size() - i));
  }
  std::vector<double> sums(pieces.size());
  parallel_for(std::int64_t(pieces.size()),
               [&](std::int64_t i) { sums[i] = square_sum(pieces[i].first, pieces[i].second); });
  double total = 0;
  for (double s : sums) total += s;
  return std::sqrt(total);
}

bool all_finite(const Parameters& parameters) {
  std::vector<std::pair<const real*, std::int64_t>> pieces;
  for (const auto& p : parameters.all())
    for (std::int64_t i = 0; i < p.var.size(); i += piece)
      pieces.emplace_back(p.var.value().data.get() + i, std::min(piece, p.var.size() - i));
  std::vector<real> zeros(pieces.size());
  parallel_for(std::int64_t(pieces.size()), [&](std::int64_t i) {
    zeros[i] = zero_if_finite(pieces[i].first, pieces[i].second);
  });
  return std::all_of(zeros.begin(), zeros.end(), [](real z) { return z == 0; });
}

bool AdamW::decays(const std::string& name, const Shape& shape) {
  const std::string imaginary = "imaginary.";
  const std::string own = name.starts_with(imaginary) ? name.substr(imaginary.size()) : name;
  return shape.size() >= 2 && (own.starts_with("blocks.") || own.starts_with("head."));
}

AdamW::AdamW(const Parameters& parameters, Settings settings) : settings_(settings) {
  for (const auto& p : parameters.all()) {
    for (std::int64_t i = 0; i < p.var.size(); i += piece)
      pieces_.push_back({slots_.size(), i, std::min(i + piece, p.var.size())});
    slots_.push_back({p.name, p.var, Tensor(p.var.shape()), Tensor(p.var.shape()),
                      decays(p.name, p.var.shape()) ? settings.decay : 0,
                      parameters.bounds(p.name)});
  }
}

NamedTensors AdamW::moments() const {
  NamedTensors all;
  for (const Slot& s : slots_) {
    all.emplace_back("m." + s.name, s.m);
    all.emplace_back("v." + s.name, s.v);
  }
  return all;
}

void AdamW::continue_from(const AdamW& before) {
  t_ = before.t_;
  for (Slot& s : slots_)
    for (const Slot& old : before.slots_)
      if (s.name == old.name) s.m = old.m, s.v = old.v;
}

void AdamW::restore(int steps, const NamedTensors& saved) {
  copy_tensors(saved, moments());
  t_ = steps;
}

void AdamW::step(double lr, double scale) {
  ++t_;
  const double correct1 = 1 / (1 - std::pow(settings_.beta1, t_));
  const double correct2 = 1 / (1 - std::pow(settings_.beta2, t_));
  std::vector<Tensor> gradients;
  for (const Slot& s : slots_)
    gradients.push_back(s.parameter.gradient().started() ? s.parameter.grad() : Tensor());

  parallel_for(std::int64_t(pieces_.size()), [&](std::int64_t i) {
    const auto [index, first, end] = pieces_[i];
    const Slot& slot = slots_[index];
    const Update update{.beta1 = real(settings_.beta1),
                        .beta2 = real(settings_.beta2),
                        .epsilon = real(settings_.epsilon),
                        .scale = real(scale),
                        .rate = real(lr * correct1),
                        .correct = real(correct2),
                        .keep = real(1 - lr * slot.decay)};
    real* const theta = slot.parameter.value().data.get();
    real* const m = slot.m.data.get();
    real* const v = slot.v.data.get();
    if (const real* const g = gradients[index].data.get()) {
      for (std::int64_t k = first; k < end; ++k) update.apply(theta[k], m[k], v[k], g[k]);
    } else {
      for (std::int64_t k = first; k < end; ++k) update.apply(theta[k], m[k], v[k], 0);
    }
    slot.bounds.hold({theta + first, std::size_t(end - first)});
  });
}

}  // namespace yonder
