// Gradients of every encoding in bf16. Every registered encoding is tested.
#include <cmath>

#include "core/ops/ops.h"
#include "core/simd/bf16.h"
#include "core/simd/matmul.h"
#include "tests/support/catch.h"
#include "tests/support/models.h"

using namespace yonder;

namespace {

// All gradients of a training step, concatenated.
std::vector<double> gradients(const Served& kind, const Sequences& s) {
  Transformer model = kind.model();
  Tape tape;
  const Placed at(model.encoding(), s.pass);
  tape.backward(cross_entropy(model.logits(s.tokens, at), s.targets));
  std::vector<double> all;
  for (const auto& [name, var] : model.parameters().all())
    for (const real x : var.grad().flat()) all.push_back(x);
  return all;
}

double norm(const std::vector<double>& x) {
  double sum = 0;
  for (const double v : x) sum += v * v;
  return std::sqrt(sum);
}

}  // namespace

TEST_CASE("gradients in bf16 match f32 up to rounding, for every encoding") {
  const OneThread alone;
  const Sequences s(70, 66);  // two tiles of attention, the second one ragged
  for (Served kind : served()) {
    kind.dims.width = 32, kind.dims.mlp = 40, kind.dims.trained = 70;
    INFO(kind.name());
    const std::vector<double> f32 = gradients(kind, s);
    const WithPrecision scope(Precision::bf16);
    for (const bf16::Unit unit : bf16::units()) {
      const bf16::WithUnit by(unit);
      std::vector<double> off = gradients(kind, s);
      for (std::size_t i = 0; i < off.size(); ++i) off[i] -= f32[i];
      INFO("unit " << int(unit));
      CHECK(norm(off) < 0.03 * norm(f32));
      CHECK(norm(off) > 1e-5 * norm(f32));  // it does round
    }
  }
}
