// Attention with products of bf16 factors.
#include "core/simd/bf16.h"
#include "core/simd/matmul.h"
#include "tests/support/attention_cases.h"
#include "tests/support/catch.h"
#include "tests/support/tensors.h"

using namespace yonder;
using cases::Case;
using cases::Operands;
using cases::Places;

namespace {

// Rounding to bf16 has a relative error of at most 2^-8; sums have a few times that. Contextual
// positions interpolate between rows of a table, so some gradients jump where a sum crosses an
// integer, and rounding moves that point.
constexpr double rounding = 0.02, over_jumps = 0.2;

void check_bf16(const Case& x) {
  for (const bf16::Unit unit : bf16::units()) {
    const bf16::WithUnit by(unit);
    INFO("unit " << int(unit) << ", " << x);
    const WithPrecision scope(Precision::bf16);
    std::string where;
    const double off = Operands(x).difference(where);
    INFO("worst at " << where);
    CHECK(off < (x.terms & cases::contextual ? over_jumps : rounding));
    CHECK(off > 1e-5);  // it does round
  }
}

}  // namespace

TEST_CASE("attention in bf16 matches the formula up to rounding, for each kind of term") {
  using namespace cases;
  for (const unsigned terms : std::vector<unsigned>{0,
                                                    cases::row,
                                                    c,
                                                    A,
                                                    B,
                                                    V,
                                                    far,
                                                    strip,
                                                    own_strip,
                                                    contextual,
                                                    relative | cases::one,
                                                    gates,
                                                    gates | cases::row | relative | strip,
                                                    gates | far,
                                                    f,
                                                    f | cases::row | far | relative,
                                                    sink,
                                                    chunks,
                                                    clipped | relative | cases::row,
                                                    clipped | V | flat,
                                                    clipped | A})
    for (const bool causal : {true, false})
      for (const Places places : {Places::consecutive, Places::scattered})
        if (causal || !(terms & (contextual | gates | chunks)))
          check_bf16({.terms = terms,
                      .Tq = 90,
                      .Tk = 150,
                      .dk = 16,
                      .dv = 32,
                      .causal = causal,
                      .padding = true,
                      .window = terms & clipped ? 100 : 0,
                      .first = 60,
                      .places = places});
}

TEST_CASE("attention in bf16 matches the formula up to rounding, for all sizes and masks") {
  for (const int Tq : {1, 15, 63, 64, 65, 130})
    for (const int Tk : {17, 40, 64, 130})
      check_bf16({.B = 1, .Tq = Tq, .Tk = Tk, .H = 1, .dk = 48, .dv = 16, .causal = Tq == Tk});
  for (const bool causal : {true, false})
    for (const int sinks : {0, 3, 70})
      check_bf16({.terms = cases::sink,
                  .B = 2,
                  .Tq = 200,
                  .Tk = 230,
                  .H = 3,
                  .dk = 32,
                  .dv = 32,
                  .causal = causal,
                  .window = sinks ? 40 : 0,
                  .first = 30,
                  .sinks = sinks,
                  .of_heads = {0, 1, 90}});
}

TEST_CASE("attention that does not support bf16 is bit-identical to f32") {
  using namespace cases;
  for (const Case& x : {Case{.terms = stick_breaking, .dk = 16, .dv = 16},
                        Case{.terms = entmax, .dk = 16, .dv = 16}}) {
    const Tensor f32 = Operands(x).compute().z;
    const WithPrecision scope(Precision::bf16);
    const bf16::WithUnit by(bf16::Unit::loops);
    CHECK(same_bits(Operands(x).compute().z, f32));
  }
}

TEST_CASE("attention in bf16 is bit-identical for any number of threads") {
  const WithPrecision scope(Precision::bf16);
  for (const bf16::Unit unit : bf16::units()) {
    const bf16::WithUnit by(unit);
    CHECK(differing([] {
            Operands operands({.terms = cases::relative, .Tq = 200, .Tk = 200, .dk = 16, .dv = 16});
            auto computed = operands.compute();
            std::vector<Tensor> all{computed.z};
            for (const auto& [name, var] : computed.operands)
              if (var) all.push_back(var.grad());
            return all;
          }) == "");
  }
}
