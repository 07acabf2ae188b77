#pragma once
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/autodiff.h"

namespace yonder {

/// How a parameter is initialised. Draws depend only on the seed and the parameter's name, so the
/// content weights of a seed are the same for every encoding.
struct Init {
  /// A distribution.
  enum Kind { constant, normal, uniform } kind = constant;  ///< of the elements
  double a = 0, b = 0;                                      ///< constant a; N(0, a²); U(a, b)

  static Init zeros() { return {}; }                        ///< every element 0
  static Init value(double x) { return {constant, x, 0}; }  ///< every element x
  static Init std(double s) { return {normal, s, 0}; }      ///< N(0, s²)
  static Init between(double low, double high) { return {uniform, low, high}; }  ///< U(low, high)
};

/// Bounds of a parameter: a training step clamps it to them. Its gradient is not masked at a bound,
/// so it can move back inside.
struct Bounds {
  double least = -std::numeric_limits<double>::infinity();  ///< lower bound
  double most = std::numeric_limits<double>::infinity();    ///< upper bound

  void hold(std::span<real> x) const;  ///< clamps x to the bounds
};

/// The parameters of a model by checkpoint name, in the order of their creation.
class Parameters {
 public:
  /// A parameter with its checkpoint name.
  struct Named {
    std::string name;  ///< unique in the model
    Var var;           ///< value and gradient
  };

  /// For a new model: parameters are initialised as passed to make().
  explicit Parameters(std::uint64_t seed) : seed_(seed) {}
  /// For a trained model: parameters are taken from `saved` by name, not initialised. make() throws
  /// UsageError for one that `saved` lacks or has in another shape. `seed` is the trained model's,
  /// for what is still drawn (fresh rows of a table, sampled positions).
  explicit Parameters(std::map<std::string, Tensor> saved, std::uint64_t seed = 0)
      : seed_(seed), saved_(std::move(saved)) {}

  /// A new parameter; `name` is its full checkpoint name.
  Var make(const std::string& name, Shape shape, Init init, Bounds bounds = {});
  /// A new parameter with an initial value computed by the caller.
  Var make(const std::string& name, Tensor start);

  /// Drops a saved tensor that older versions wrote and this model does not use.
  void forget(const std::string& name) {
    if (saved_) saved_->erase(name);
  }

  /// While `absent` is true for a name, make() returns a constant, zeros or the given `start`, that
  /// is not a parameter: neither kept nor looked up in the saved ones. An empty function ends this.
  void leave_out(std::function<bool(const std::string&)> absent) { absent_ = std::move(absent); }

  const std::vector<Named>& all() const { return all_; }  ///< in the order of their creation
  /// The parameter called `name`, or an empty Var.
  Var find(const std::string& name) const;
  Bounds bounds(const std::string& name) const;  ///< of the parameter called `name`
  /// Names of the saved tensors that no make() has requested.
  std::vector<std::string> unused() const;
  /// Number of values in all parameters whose names begin with `prefix`.
  std::int64_t count(const std::string& prefix = "") const;
  void clear_gradients() const;                 ///< sets them to zero
  std::uint64_t seed() const { return seed_; }  ///< of everything drawn

 private:
  std::uint64_t seed_ = 0;
  std::optional<std::map<std::string, Tensor>> saved_;
  std::vector<Named> all_;
  std::map<std::string, Bounds> bounds_;
  std::function<bool(const std::string&)> absent_;

  Var add(const std::string& name, Tensor start);
  Tensor saved(const std::string& name, const Shape&) const;
};

}  // namespace yonder
