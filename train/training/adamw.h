#pragma once
#include <string>
#include <vector>

#include "core/io/safetensors.h"
#include "core/parameters.h"

namespace yonder {

/// The Euclidean norm of all gradients together. Summed in double in fixed pieces, so that it is
/// the same for any number of threads. A parameter without a gradient counts as zeros.
double gradient_norm(const Parameters&);

/// Whether every parameter is a number.
bool all_finite(const Parameters&);

/// Adam with decoupled weight decay.  Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2
///
///   m ← β₁ m + (1 − β₁) g;   v ← β₂ v + (1 − β₂) g²
///   θ ← θ − lr (m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε) + decay · θ)
///
/// Only the matrices of the blocks and the head decay. Norms and biases have a natural value that
/// is not 0, the embedding's rows are met at very different rates, and the tables of an encoding
/// are what is compared: decay would pull t5's bias or a learned slope towards another encoding.
class AdamW {
 public:
  struct Settings {
    double beta1 = 0.9, beta2 = 0.98, epsilon = 1e-8, decay = 0.01;
  };

  AdamW(const Parameters&, Settings);

  /// One step with the gradients gathered, each times `scale` (clipping). A parameter that took no
  /// part in the loss steps with zeros; one that leaves its bounds is set back to them. Gradients
  /// are left as they are.
  void step(double lr, double scale);

  /// Steps taken.
  int steps() const { return t_; }
  /// The moments as "m.NAME" and "v.NAME" for each parameter, sharing their storage.
  NamedTensors moments() const;
  /// Continues where `before` stands; what it does not know of begins with moments of 0.
  void continue_from(const AdamW& before);
  /// Continues after `steps` steps with moments of these names and shapes, which are copied.
  /// UsageError, which names it, for one that is missing, unknown or of another shape.
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
  std::vector<Piece> pieces_;  // the parallel loop's work, cut by size alone
  int t_ = 0;
};

}  // namespace yonder
