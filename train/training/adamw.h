#pragma once
#include <string>
#include <vector>

#include "core/io/safetensors.h"
#include "core/parameters.h"

namespace yonder {

/// Global Euclidean norm of all gradients. Summed in double over fixed pieces, so that it is the
/// same for any number of threads. A missing gradient counts as zeros.
double gradient_norm(const Parameters&);

/// Whether all parameters are finite.
bool all_finite(const Parameters&);

/// Adam with decoupled weight decay.  Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2
///
///   m ← β₁ m + (1 − β₁) g;   v ← β₂ v + (1 − β₂) g²
///   θ ← θ − lr (m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε) + decay · θ)
///
/// Only the matrices of the blocks and the head decay. Norms and biases have a natural value that
/// is not 0, embedding rows are used at very different rates, and the tables of an encoding are
/// what is compared: decay would pull t5's bias or a learned slope towards another encoding.
class AdamW {
 public:
  /// Hyperparameters of AdamW.
  struct Settings {
    double beta1 = 0.9;     ///< β₁, decay of the first moment
    double beta2 = 0.98;    ///< β₂, decay of the second moment
    double epsilon = 1e-8;  ///< ε, added to the root of the second moment
    double decay = 0.01;    ///< λ, weight decay
  };

  /// Starts with both moments at 0.
  AdamW(const Parameters&, Settings);

  /// Takes a step with the accumulated gradients times `scale` (clipping). A parameter without a
  /// gradient steps with zeros; one that leaves its bounds is clamped to them. Gradients are left
  /// unchanged.
  void step(double lr, double scale);

  /// Steps taken.
  int steps() const { return t_; }
  /// The moments as "m.NAME" and "v.NAME" for each parameter, sharing their storage.
  NamedTensors moments() const;
  /// Takes over steps and moments of `before`; parameters that it lacks start with moments of 0.
  void continue_from(const AdamW& before);
  /// Restores the state after `steps` steps from these moments, which are copied. Throws UsageError
  /// naming a moment that is missing, unknown or of another shape.
  void restore(int steps, const NamedTensors& moments);

  /// Whether a parameter of this name and shape decays.
  static bool decays(const std::string& name, const Shape&);

 private:
  struct Slot {
    std::string name;
    Var parameter;
    Tensor m, v;
    double decay;
    Bounds bounds;
  };
  struct Piece {
    std::size_t slot;
    std::int64_t first, end;  // elements
  };

  Settings settings_;
  std::vector<Slot> slots_;
  std::vector<Piece> pieces_;  // work items of the parallel loop, cut by size alone
  int t_ = 0;
};

}  // namespace yonder
