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

/// How a parameter starts. Draws depend on the seed and on the parameter's name alone, so the
/// content weights of a seed are the same whatever the encoding is.
struct Init {
  /// A distribution.
  enum Kind { constant, normal, uniform } kind = constant;  ///< of the elements
  double a = 0, b = 0;                                      ///< constant a; N(0, a²); U(a, b)

  static Init zeros() { return {}; }                        ///< every element 0
  static Init value(double x) { return {constant, x, 0}; }  ///< every element x
  static Init std(double s) { return {normal, s, 0}; }      ///< N(0, s²)
  static Init between(double low, double high) { return {uniform, low, high}; }  ///< U(low, high)
};

/// Where a parameter is held: what a step of training carries past a bound is set back to it, and
/// its gradient is that of the function as it stands, so that it may return.
struct Bounds {
  double least = -std::numeric_limits<double>::infinity();  ///< lower bound
  double most = std::numeric_limits<double>::infinity();    ///< upper bound

  void hold(std::span<real> x) const;  ///< sets what lies beyond a bound back to it
};

/// The parameters of a model under their checkpoint names, in the order in which they were made.
class Parameters {
 public:
  /// A parameter under its checkpoint name.
  struct Named {
    std::string name;  ///< unique in the model
    Var var;           ///< value and gradient
  };

  /// Of a new model: each starts as `make` says.
  explicit Parameters(std::uint64_t seed) : seed_(seed) {}
  /// Of a trained model: each is taken from `saved` by its name, and no start is computed. `make`
  /// throws UsageError for one that `saved` lacks or has in another shape. `seed` is the trained
  /// model's, for what is still drawn (fresh rows of a table, sampled positions).
  explicit Parameters(std::map<std::string, Tensor> saved, std::uint64_t seed = 0)
      : seed_(seed), saved_(std::move(saved)) {}

  /// A new parameter; `name` is its checkpoint name in full.
  Var make(const std::string& name, Shape shape, Init init, Bounds bounds = {});
  /// A new parameter whose start is computed by the caller.
  Var make(const std::string& name, Tensor start);

  /// A saved tensor of that name, as older versions wrote it, is of no use to this model.
  void forget(const std::string& name) {
    if (saved_) saved_->erase(name);
  }

  /// While `absent` holds of a name, make() gives zeros that are no parameter of this model: they
  /// are neither kept nor looked for among saved ones. An empty function ends it.
  void leave_out(std::function<bool(const std::string&)> absent) { absent_ = std::move(absent); }

  const std::vector<Named>& all() const { return all_; }  ///< in the order in which they were made
  /// The parameter called `name`, or an empty Var.
  Var find(const std::string& name) const;
  Bounds bounds(const std::string& name) const;  ///< where the parameter called `name` is held
  /// Names of the saved tensors that nothing has asked for.
  std::vector<std::string> unused() const;
  /// Numbers in all parameters whose names begin with `prefix`.
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
