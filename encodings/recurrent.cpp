// Positions from a recurrent network that runs freely from a learned state. Su 2021,
// kexue.fm/archives/8130, "Recursive".
//
//   x_i + p_i,   p_0 = start,   p_{i+1} = GRU(p_i) without input
//
// Beyond the training length, the network runs on.
#include <algorithm>
#include <cmath>

#include "core/ops/gru.h"
#include "core/ops/ops.h"
#include "encodings/base/encoding.h"

namespace yonder {
namespace {

class Recurrent final : public Encoding {
  Var start_;                    // [D]
  Var weight_, bias_in_, bias_;  // [3D, D], [3D], [3D]

 public:
  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    const int D = dims.width;
    const Init init = Init::between(-1 / std::sqrt(D), 1 / std::sqrt(D));
    start_ = p.make("encoding.recurrent.start", {D}, Init::std(0.5));
    weight_ = p.make("encoding.recurrent.gru.weight_hh", {3 * D, D}, init);
    bias_in_ = p.make("encoding.recurrent.gru.bias_ih", {3 * D}, init);
    bias_ = p.make("encoding.recurrent.gru.bias_hh", {3 * D}, init);
  }

  Var embed(const Var& x, std::span<const int>, const Positions& at) override {
    const int D = dims_.width;
    Var p = gather(orbit(*std::max_element(at.at.begin(), at.at.end())), at.at);
    return x + p.view(at.shared() ? Shape{at.tokens, D} : Shape{at.batch, at.tokens, D});
  }

 private:
  // p_0 … p_last, [last + 1, D].
  Var orbit(int last) const {
    const int D = dims_.width;
    const Var start = start_.view({1, D});
    if (last == 0) return start;
    const Var silence = gather(bias_in_.view({1, 3 * D}), std::vector<int>(last, 0));
    const Var states = gru({silence.view({1, last, 3 * D}), weight_, bias_, start});
    return concat({start, states.view({last, D})}, 0);
  }
};

const Register<Recurrent> recurrent_entry{
    {.name = "recurrent",
     .title = "Positions from a free-running GRU",
     .paper = "kexue.fm/archives/8130",
     .kind = Kind::absolute,
     .formula = "x_i + p_i,  p_0 = start,  p_{i+1} = GRU(p_i)"}};

}  // namespace
}  // namespace yonder
