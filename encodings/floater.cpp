// Positions as the trajectory of a learned flow. Liu, Yu, Dhillon & Hsieh, "Learning to encode
// position for Transformer with continuous dynamical model" (FLOATER), ICML 2020, arXiv:2003.09229.
//
//   dp/dt = h(p, t) = W_out [relu(W_in [p; t] + b_in); t] + b_out,   p_l(0) = start_l
//   position i is at t = i·dt; block l adds p_l(i) to its normed input, so q, k and v see it
//
// Fourth-order Runge-Kutta; h is shared by the blocks and starts at 0 (the paper's warm start).
// Beyond the training length the integration continues. This is the paper's equation; the official
// code differs: the input keeps its sinusoids, q, k and v each get a bias from their own flow, and
// dt = 0.01.
#include <algorithm>
#include <cmath>

#include "core/ops/neural_ode.h"
#include "core/ops/ops.h"
#include "encodings/base/encoding.h"

namespace yonder {
namespace {

class Floater final : public Encoding {
  std::string inject_ = "blocks";
  double dt_ = 0.1;
  int substeps_ = 1;
  Var start_;  // [layers, D], or [1, D]
  Flow flow_;
  Var path_;  // [largest position + 1, layers or 1, D], of the current pass

 public:
  Options options() override {
    return {
        Option{"inject", &inject_, "where p is added: in every block, or to the embedded tokens"}
            .one_of({"blocks", "input"}),
        Option{"dt", &dt_, "time from one position to the next"}.between(
            0, std::numeric_limits<double>::infinity()),
        Option{"substeps", &substeps_, "Runge-Kutta steps from one position to the next"}.within(
            1, 1000)};
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    const int D = dims.width, starts = inject_ == "blocks" ? dims.layers : 1;
    start_ = p.make("encoding.floater.start", {starts, D}, Init::std(0.5));
    flow_ = {.in_weight =
                 p.make("encoding.floater.h.in.weight", {D, D + 1}, Init::std(1 / std::sqrt(D))),
             .in_bias = p.make("encoding.floater.h.in.bias", {D}, Init::zeros()),
             .out_weight = p.make("encoding.floater.h.out.weight", {D, D + 1}, Init::zeros()),
             .out_bias = p.make("encoding.floater.h.out.bias", {D}, Init::zeros()),
             .dt = dt_,
             .substeps = substeps_};
  }

  std::optional<bool> by_layer() const override { return inject_ == "blocks"; }

  void begin(const Positions& at) override {
    path_ = trajectory(start_, flow_, *std::max_element(at.at.begin(), at.at.end()) + 1);
  }

  Var embed(const Var& x, std::span<const int>, const Positions& at) override {
    return inject_ == "input" ? x + placed(0, at) : x;
  }

  Var layer_input(const Var& x, int layer, const Positions& at) override {
    return inject_ == "blocks" ? x + placed(layer, at) : x;
  }

 private:
  // p_l at the positions of the pass, [T, D] or [B, T, D].
  Var placed(int layer, const Positions& at) const {
    const Var p = gather(slice(path_, 1, layer, 1).view({path_.dim(0), dims_.width}), at.at);
    return at.shared() ? p : p.view({at.batch, at.tokens, dims_.width});
  }
};

const Register<Floater> floater_entry{{.name = "floater",
                                       .title = "Positions from a learned ODE flow (FLOATER)",
                                       .printed = "FLOATER",
                                       .paper = "arXiv:2003.09229",
                                       .kind = Kind::absolute,
                                       .formula = "n_l + p_l(i),  dp/dt = h(p, t),  t = i·dt",
                                       .probe = Probe::path}};

}  // namespace
}  // namespace yonder
