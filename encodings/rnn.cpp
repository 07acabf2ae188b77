// A recurrent layer over the tokens in place of positions. Neishi & Yoshinaga, "On the relation
// between position information and sentence length in neural machine translation", CoNLL 2019,
// aclanthology.org/K19-1031.
//
//   x + GRU(x)                               causal
//   x + GRU(x) + GRU'(x read backwards)      bidirectional, from the last real token to the first
#include <cmath>

#include "core/ops/gru.h"
#include "core/ops/ops.h"
#include "encodings/base/encoding.h"

namespace yonder {
namespace {

class Rnn final : public Encoding {
  struct Layer {
    Var in_weight, weight;  // [3D, D]
    Var in_bias, bias;      // [3D]

    void build(const std::string& at, int D, Parameters& p) {
      const Init init = Init::between(-1 / std::sqrt(D), 1 / std::sqrt(D));
      in_weight = p.make(at + ".weight_ih", {3 * D, D}, init);
      weight = p.make(at + ".weight_hh", {3 * D, D}, init);
      in_bias = p.make(at + ".bias_ih", {3 * D}, init);
      bias = p.make(at + ".bias_hh", {3 * D}, init);
    }
    Var read(const Var& x, Direction direction, std::span<const int> lengths) const {
      return gru({.gates = linear(x, in_weight, in_bias),
                  .weight = weight,
                  .bias = bias,
                  .direction = direction,
                  .lengths = lengths});
    }
  };
  Layer forward_, reverse_;

 public:
  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    forward_.build("encoding.rnn.gru", dims.width, p);
    if (!dims.causal) reverse_.build("encoding.rnn.reverse.gru", dims.width, p);
  }

  Var embed(const Var& x, std::span<const int>, const Positions& at) override {
    const Var y = x + forward_.read(x, Direction::forward, at.lengths);
    return dims_.causal ? y : y + reverse_.read(x, Direction::backward, at.lengths);
  }
};

const Register<Rnn> rnn_entry{
    {.name = "rnn",
     .title = "GRU over the tokens",
     .paper = "aclanthology.org/K19-1031",
     .kind = Kind::absolute,
     .formula = "x + GRU(x);  bidirectional: + a GRU that reads backwards"}};

}  // namespace
}  // namespace yonder
