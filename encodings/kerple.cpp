// Kernelized relative positions. Chi, Fan, Ramadge & Rudnicky, "KERPLE", 2022, arXiv:2205.09921,
// sec. 4.
//
//   score_ij = q_i·k_j/√d − r1_h ln(1 + r2_h |i − j|)     log
//              q_i·k_j/√d − r1_h |i − j|^r2_h             power, r2 ≤ 2
//
// Both kernels need r1, r2 > 0: training keeps them at 0.01 or more. As in the paper's code,
// a value that falls below is set back to the bound and may rise again.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/ops/ops.h"
#include "encodings/base/encoding.h"

namespace yonder {
namespace {

class Kerple final : public Encoding {
  std::string kind_ = "log";
  Var r1_, r2_;  // [H]

 public:
  Options options() override {
    return {Option{"kind", &kind_, "logarithmic or power kernel"}.one_of({"log", "power"})};
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    const bool log = kind_ == "log";
    r1_ =
        p.make("encoding.kerple.r1", {dims.heads}, Init::between(0, log ? 2 : 1), {.least = 0.01});
    r2_ = p.make("encoding.kerple.r2", {dims.heads}, Init::between(0, log ? 1 : 2),
                 log ? Bounds{.least = 0.01} : Bounds{.least = 0.01, .most = 2});
  }

  void scores(ScoreTerms& s, const Attention& a) override {
    const int farthest = std::max({-a.least(), a.most(), 1});
    const Var falls =
        kind_ == "log" ? log1p(outer(distances(farthest), r2_)) : powers(farthest, r2_);
    s.relative.push_back(
        {.bucket = {farthest + 1, a.least(), a.most(), [](int d) { return std::abs(d); }},
         .c = real(-1) * (falls * r1_)});  // [farthest + 1, H]
  }

 private:
  static Var distances(int farthest) {
    Tensor x({farthest + 1});
    for (int d = 0; d <= farthest; ++d) x[d] = real(d);
    return Var(x);
  }

  // x^r = exp(r ln x), and 0 at distance 0
  static Var powers(int farthest, const Var& r) {
    Tensor logs({farthest});
    for (int d = 1; d <= farthest; ++d) logs[d - 1] = real(std::log(d));
    return concat({Var(Tensor({1, r.dim(0)})), exp(outer(Var(logs), r))}, 0);
  }
};

const Register<Kerple> kerple_entry{{.name = "kerple",
                                     .title = "Kernelized relative position bias (KERPLE)",
                                     .printed = "KERPLE",
                                     .paper = "arXiv:2205.09921",
                                     .usual = Usual::compared,
                                     .kind = Kind::bias,
                                     .formula = "q_i·k_j/√d - r1_h ln(1 + r2_h |i - j|)"}};

}  // namespace
}  // namespace yonder
