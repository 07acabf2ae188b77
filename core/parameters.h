#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/autodiff.h"

namespace yonder {

/// How a parameter starts. Draws depend on the seed and on the parameter's name alone, so the
/// content weights of a seed are the same whatever the encoding is.
struct Init {
  enum Kind { constant, normal, uniform } kind = constant;
  double a = 0, b = 0;  ///< constant a; N(0, a²); U(a, b)

  static Init zeros() { return {}; }
  static Init value(double x) { return {constant, x, 0}; }
  static Init std(double s) { return {normal, s, 0}; }
  static Init between(double low, double high) { return {uniform, low, high}; }
};

/// The parameters of a model under their checkpoint names, in the order in which they were made.
class Parameters {
 public:
  struct Named {
    std::string name;
    Var var;
  };

  explicit Parameters(std::uint64_t seed) : seed_(seed) {}

  /// A new parameter; `name` is its checkpoint name in full.
  Var make(const std::string& name, Shape shape, Init init);
  /// A new parameter whose start is computed by the caller.
  Var make(const std::string& name, Tensor start);

  const std::vector<Named>& all() const { return all_; }
  /// The parameter called `name`, or an empty Var.
  Var find(const std::string& name) const;
  std::int64_t count() const;
  void clear_gradients() const;
  std::uint64_t seed() const { return seed_; }

 private:
  std::uint64_t seed_;
  std::vector<Named> all_;
};

}  // namespace yonder
