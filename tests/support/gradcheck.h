#pragma once
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "core/parameters.h"
#include "core/random.h"

/// \file
/// Checks backward passes against central differences. Double only: float has too few digits.
///
///   const Worst worst = check_gradients([&] { return sum(tanh(x)); }, {{"x", x}});
///   INFO(worst.where);
///   CHECK(worst.error < 1e-6);
namespace yonder {

/// The element whose gradient is furthest from its difference quotient.
struct Worst {
  double error = 0;   ///< relative; infinite if a gradient is not finite
  std::string where;  ///< "x[3]: backward gives 0.5, differences give 0.25"
};

/// Compares backward with
///   f'(x) ≈ (8 (f(x+h) − f(x−h)) − (f(x+2h) − f(x−2h))) / 12h,  h = 1e-4,  error O(h⁴)
/// for every element of the inputs, or for `most` random ones of a larger input. Where they differ,
/// h = 1e-6 is tried too: the function may have a kink within 2h (a key that leaves a sparse
/// support), whereas a wrong gradient is wrong for both. `loss` computes one value from the inputs'
/// current values each time it is called. Rounding makes differences uncertain by about 1e-12 |f|,
/// so errors of gradients below 1e-5 |f| are relative to 1e-5 |f|.
inline Worst check_gradients(const std::function<Var()>& loss,
                             const std::vector<Parameters::Named>& inputs, int most = 40) {
  for (const auto& [name, x] : inputs) x.gradient().clear();
  double scale = 1;
  {
    Tape tape;
    const Var y = loss();
    tape.backward(y);
    scale = std::max(1.0, std::abs(double(y.value()[0])));
  }
  Worst worst;
  // No structured binding: clang++ 16 cannot capture one if OpenMP is on.
  for (const Parameters::Named& input : inputs) {
    const std::string& name = input.name;
    const Var& x = input.var;
    RandomStream draws(Random(0, name));
    const int checked = int(std::min<std::int64_t>(x.size(), most));
    for (int n = 0; n < checked; ++n) {
      const int i = checked == x.size() ? n : draws.below(int(x.size()));
      const real at = x.value()[i];
      const auto f = [&](double step) {
        x.value()[i] = real(at + step);
        const double y = loss().value()[0];
        x.value()[i] = at;
        return y;
      };
      const double g = x.grad()[i];
      double difference = 0;
      const auto off = [&](double h) {
        difference = (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h);
        return std::abs(g - difference) /
               std::max({std::abs(g), std::abs(difference), 1e-5 * scale});
      };
      double error = off(1e-4);
      if (error > 1e-6) error = std::min(error, off(1e-6));
      if (std::isnan(error)) error = std::numeric_limits<double>::infinity();
      if (error < worst.error) continue;
      worst = {error, name + "[" + std::to_string(i) + "]: backward gives " + std::to_string(g) +
                          ", differences give " + std::to_string(difference)};
    }
    x.gradient().clear();
  }
  return worst;
}

}  // namespace yonder
