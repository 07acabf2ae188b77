#pragma once
#include <algorithm>
#include <functional>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/tensor.h"

/// \file
/// Reverse-mode differentiation by a tape of closures. An operation computes its result and records
/// a function that adds to the gradients of its inputs; forward and backward are adjacent.
namespace yonder {

/// A shared handle to an accumulated gradient; empty for constants. A recorded lambda that doesn't
/// need an input's value captures only its Gradient, so the value can be freed.
class Gradient {
  struct Slot {
    Shape shape;
    Tensor sum;
    std::shared_ptr<Slot> of;  // a view adds into another gradient's storage

    // A view that outlives a step must not keep adding into storage that was cleared meanwhile.
    const Tensor& get() {
      if (!of && !sum) sum = Tensor(shape);
      if (of && sum.data != of->get().data) sum = of->get().view(shape);
      return sum;
    }
    bool started() const { return of ? of->started() : bool(sum); }
    // Whether there is a sum already; if not, allocates its storage, uninitialized.
    bool start() {
      if (started()) return true;
      if (of) return of->start();
      sum = Tensor::uninitialized(shape);
      return false;
    }
  };

 public:
  Gradient() = default;
  /// A sum of this shape, initially zero.
  explicit Gradient(Shape shape) : slot_(new Slot{std::move(shape), {}, nullptr}) {}

  explicit operator bool() const { return slot_ != nullptr; }  ///< false for constants

  /// The sum so far, zero on first use. Backward functions add into it and never overwrite it.
  const Tensor& sum() const { return slot_->get(); }
  bool started() const { return slot_->started(); }          ///< whether anything has been added
  std::int64_t size() const { return count(slot_->shape); }  ///< number of elements
  /// Resets to zero and releases the storage.
  void clear() const { slot_->sum = {}; }

  /// The sum for a backward function that covers every element: the first such function overwrites
  /// the storage, so it need not be zeroed.
  struct Target {
    Tensor sum;  ///< shares the gradient's storage
    bool add;    ///< to the content, which is otherwise undefined
  };
  /// Returns the target of such a function.
  Target target() const {
    const bool add = slot_->start();
    return {sum(), add};
  }

  /// If nothing was added yet, adopts `dy`, not needed elsewhere, as the sum and returns true.
  bool move_into(const Tensor& dy) const {
    if (slot_->of || slot_->sum || dy.shape != slot_->shape) return false;
    slot_->sum = dy;
    return true;
  }

  /// The same gradient seen in another shape.
  Gradient view(Shape shape) const {
    Gradient g;
    if (slot_) g.slot_.reset(new Slot{std::move(shape), {}, slot_});
    return g;
  }

 private:
  std::shared_ptr<Slot> slot_;
};

/// A tensor in a computation, with its gradient if one is tracked.
class Var {
 public:
  Var() = default;
  /// A constant.
  explicit Var(Tensor value) : value_(std::move(value)) {}
  /// A value with an accumulated gradient: a parameter, or the result of an operation.
  Var(Tensor value, Gradient gradient) : value_(std::move(value)), gradient_(std::move(gradient)) {}
  /// A value with a new gradient.
  static Var parameter(Tensor value) {
    Gradient g(value.shape);
    return {std::move(value), std::move(g)};
  }

  explicit operator bool() const { return bool(value_); }  ///< has a value
  const Tensor& value() const { return value_; }           ///< result of the forward pass
  const Shape& shape() const { return value_.shape; }      ///< extents of the value
  int dim(int i) const {
    return value_.dim(i);
  }  ///< extent of axis i; negative i counts from the last
  std::int64_t size() const { return value_.size(); }  ///< number of elements

  bool tracked() const { return bool(gradient_); }        ///< whether a gradient is wanted
  const Gradient& gradient() const { return gradient_; }  ///< empty for constants
  const Tensor& grad() const { return gradient_.sum(); }  ///< the gradient's sum so far

  /// The same value and gradient in another shape of the same size. Costs nothing.
  Var view(Shape shape) const { return {value_.view(shape), gradient_.view(shape)}; }

 private:
  Tensor value_;
  Gradient gradient_;
};

/// The function that implements an operation: "gelu", in core/ops/elementwise.cpp.
using Operation = std::source_location;
std::string name_of(const Operation&);  ///< the function's name: "gelu"

/// Thrown by a Tape with Watch::finite. The text says what is NaN or infinite and in which
/// operation: "the result of exp (core/ops/elementwise.cpp)".
struct NotFinite : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The record of one forward pass. Operations record themselves on the innermost tape in scope;
/// with no tape in scope they only compute, and nothing is saved.
class Tape {
 public:
  /// `finite`: throw NotFinite at the first operation that produces a NaN or infinite value or
  /// gradient, at the cost of checking each.
  enum class Watch { nothing, finite };

  /// Becomes the innermost tape in scope.
  explicit Tape(Watch watch = Watch::nothing) : watch_(watch), outer_(current_) { current_ = this; }
  ~Tape() { current_ = outer_; }
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// Which pass of an operation has run.
  enum class Direction { forward, backward };
  /// Calls `done` for every operation when it is recorded and when its backward pass has run.
  /// Operations run one after another, so the time since the previous call is the operation's.
  void observe(std::function<void(const Operation&, Direction)> done) { done_ = std::move(done); }

  /// Adds d(loss)/d(x) to the gradient of every x that the scalar `loss` depends on.
  void backward(const Var& loss) {
    if (!loss.tracked()) return;
    loss.grad()[0] = 1;
    for (; !nodes_.empty(); nodes_.pop_back()) {  // popping frees what the node saved
      Node& node = nodes_.back();
      if (!node.dy.started()) continue;
      node.backward(node.dy.sum());
      if (done_) done_(node.op, Direction::backward);
      for (const Gradient& dx : node.watched)
        if (dx.started()) require_finite(dx.sum(), "a gradient", node.op);
    }
  }

  /// True if an operation on these inputs has to save what its backward pass needs.
  template <class... Inputs>
  static bool records(const Inputs&... inputs) {
    return current_ && (... || inputs.tracked());
  }
  /// The same for a list of inputs.
  static bool records_any(const std::vector<Var>& inputs) {
    return current_ &&
           std::any_of(inputs.begin(), inputs.end(), [](const Var& x) { return x.tracked(); });
  }

  /// Wraps the result `y` of an operation. `backward(dy)` adds to the gradients of those inputs
  /// that are tracked; it runs only if y influenced the loss, and dy is not read afterwards.
  /// `op` is the calling function, which names the operation.
  template <class F>
  static Var record(Tensor y, const std::vector<Var>& inputs, F backward,
                    Operation op = Operation::current()) {
    if (current_ && current_->watch_ == Watch::finite) require_finite(y, "the result", op);
    if (!records_any(inputs)) return Var(std::move(y));
    Gradient dy(y.shape);
    current_->nodes_.push_back({dy, std::move(backward), op, current_->watched(inputs)});
    if (current_->done_) current_->done_(op, Direction::forward);
    return {std::move(y), std::move(dy)};
  }

 private:
  struct Node {
    Gradient dy;
    std::function<void(const Tensor&)> backward;
    Operation op;
    std::vector<Gradient> watched;  // those that `backward` adds to; empty if nothing is watched
  };

  std::vector<Gradient> watched(const std::vector<Var>& inputs) const {
    std::vector<Gradient> gradients;
    if (watch_ == Watch::finite)
      for (const Var& x : inputs)
        if (x.tracked()) gradients.push_back(x.gradient());
    return gradients;
  }
  static void require_finite(const Tensor&, const std::string& what, const Operation&);

  Watch watch_;
  std::function<void(const Operation&, Direction)> done_;
  std::vector<Node> nodes_;
  Tape* outer_;
  static inline thread_local Tape* current_ = nullptr;
};

}  // namespace yonder
