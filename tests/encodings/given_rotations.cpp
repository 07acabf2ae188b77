// Encodings that rotate by angles that they compute: selective and fope. Expected values are those
// of the papers' official code.
#include "core/ops/ops.h"
#include "tests/support/catch.h"
#include "tests/support/encodings.h"

using namespace yonder;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

// sin(first), sin(first + 1), … times `factor`, row by row.
void fill_with_sines(const Tensor& x, int first, double factor = 1) {
  for (std::int64_t i = 0; i < x.size(); ++i) x[i] = real(factor * std::sin(first + double(i)));
}

// The same, counted as [H, 4, d], in the layout of a call, [1, 4, H, d].
Tensor sines_of_four_tokens(int first, int heads, int d) {
  Tensor x({1, 4, heads, d});
  for (int h = 0; h < heads; ++h)
    for (int t = 0; t < 4; ++t)
      for (int c = 0; c < d; ++c)
        x[(t * heads + h) * d + c] = real(std::sin(first + (h * 4 + t) * d + c));
  return x;
}

// A layer's call with given q and k, and with what the encoding keeps of each key.
struct GivenCall {
  Var q, k, v;
  Built::Call call;
  Positions positions;

  GivenCall(Built& b, const Sequence& s, const Var& per_key)
      : q(Var::parameter(sines_of_four_tokens(0, b.dims.heads, b.dims.head()))),
        k(Var::parameter(sines_of_four_tokens(100, b.dims.heads, b.dims.head()))),
        v(Var::parameter(sines_of_four_tokens(200, b.dims.heads, b.dims.head()))),
        call{.at = s.at, .heads = b.dims.heads},
        positions(s.positions) {
    call.dots.q = q, call.dots.k = k;
    call.scores.scale = real(1 / std::sqrt(double(b.dims.head())));
    b.encoding.begin(positions);
    b.encoding.dots(call.dots,
                    {.layer = 0, .queries = positions, .keys = positions, .per_key = per_key});
  }
  // Σ z∘F(500)
  Var loss(Built& b) {
    const Var z = attention(call.dots, v, call.scores, call.mask, positions, positions);
    return sum(z * Var(sines_of_four_tokens(500, b.dims.heads, b.dims.head())));
  }
};

}  // namespace

TEST_CASE("Selective RoPE rotates by sums of angles that it computes from the tokens") {
  Built b("selective", wide(8, 2, 16), {{"selective.rank", "3"}});
  fill_with_sines(b.parameter("selective.blocks.0.down.weight"), 2400);
  fill_with_sines(b.parameter("selective.blocks.0.up.weight"), 2500);
  fill_with_sines(b.parameter("selective.blocks.0.conv"), 2600);
  const Tensor n({1, 4, 8});
  fill_with_sines(n, 300);
  const Sequence s(range(0, 4));
  Tape tape;
  GivenCall c(b, s, b.encoding.components()[0].encoding->per_key(Var(n), 0));
  const double expected[] = {.769304, -.630680, -.493514, .785311};
  for (int j = 0; j < 4; ++j) CHECK(c.call.score(1, 3, j) == Approx(expected[j]).margin(1e-6));
  // the angles by which the query of token 3, head 1 is rotated
  const double angles[] = {-5.984955, -.002983};
  const auto turned = [&](int m) {
    const std::int64_t at = (3 * 2 + 1) * 4 + m;
    const Tensor &x = c.q.value(), &y = c.call.dots.q.value();
    const double a =
        std::atan2(double(y[at + 2]), double(y[at])) - std::atan2(double(x[at + 2]), double(x[at]));
    return std::remainder(a - angles[m], 2 * std::acos(-1.0));
  };
  for (const int m : {0, 1}) CHECK(turned(m) == Approx(0).margin(1e-6));
  const Var loss = c.loss(b);
  CHECK(loss.value()[0] == Approx(-1.286245).margin(1e-6));
  tape.backward(loss);
  CHECK(b.parameters.find("encoding.selective.blocks.0.conv").grad()[15] ==
        Approx(.000536).margin(1e-6));
}

TEST_CASE("Selective RoPE is rope of its base if every token turns by 1") {
  for (const std::string layout : {"half", "interleaved"}) {
    Built b("selective", wide(8, 2, 16), {{"selective.layout", layout}}),
        rope("rope", wide(8, 2, 16), {{"rope.base", "500000"}, {"rope.layout", layout}});
    Tensor& conv = b.parameter("selective.blocks.0.conv");
    for (int i = 0; i < 16; ++i) conv[i] = i % 4 == 3;
    const Sequence s(range(7, 4));
    GivenCall own(b, s, Var(filled({1, 4, 4}, 1))), plain(rope, s, {});
    for (int j = 0; j < 4; ++j)
      CHECK(own.call.score(1, 3, j) == Approx(plain.call.score(1, 3, j)).margin(1e-12));
  }
  CHECK_THROWS_WITH(Built("selective", wide(5, 1, 16)),
                    ContainsSubstring("selective: head width 5 has no pairs of columns"));
  CHECK_THROWS_WITH(Built("selective", bidirectional(wide(8, 1, 16))),
                    ContainsSubstring("selective: for causal models only"));
}

TEST_CASE("FoPE mixes the frequencies that complete a turn within the training length") {
  const auto table = [](int d, int N) {
    Built b("fope", wide(2 * d, 2, N));
    return b.parameter("fope.blocks.0.cos").shape;
  };
  CHECK(table(32, 64) == Shape{2, 5, 5});
  CHECK(table(32, 128) == Shape{2, 6, 6});
  CHECK(table(64, 512) == Shape{2, 16, 16});
  CHECK(table(64, 1024) == Shape{2, 18, 16});
  CHECK_THROWS_WITH(Built("fope", wide(8, 2, 6)), ContainsSubstring("train on 7 tokens or more"));
  CHECK_THROWS_WITH(Built("fope", wide(6, 2, 64)), ContainsSubstring("fope: head width 3"));

  Built b("fope", wide(16, 2, 64));
  for (const auto& [name, first] : {std::pair{"cos", 1400}, std::pair{"sin", 1500}}) {
    Tensor& x = b.parameter(std::string("fope.blocks.0.") + name);
    REQUIRE(x.shape == Shape{2, 2, 2});
    fill_with_sines(x, first, 0.3);
    for (const int i : {0, 3, 4, 7}) x[i] += 1;  // E
  }
  const Sequence s(range(0, 4));
  GivenCall c(b, s, {});
  const double expected[] = {.568991, -.965536, -.371937, 1.271589};
  for (int j = 0; j < 4; ++j) CHECK(c.call.score(1, 3, j) == Approx(expected[j]).margin(1e-6));
}

TEST_CASE("FoPE without noise is truncated rope") {
  for (const std::string layout : {"interleaved", "half"}) {
    Built fope("fope", wide(16, 2, 64), {{"fope.gain", "0"}, {"fope.layout", layout}}),
        rope("rope", wide(16, 2, 64), {{"rope.fraction", "0.5"}, {"rope.truncate", "true"}});
    // rope's halves are those of the whole head, fope's those of the rotated columns
    const Sequence s(range(3, 4));
    if (layout == "interleaved") {
      GivenCall own(fope, s, {}), plain(rope, s, {});
      for (int j = 0; j < 4; ++j)
        CHECK(own.call.score(1, 3, j) == Approx(plain.call.score(1, 3, j)).margin(1e-12));
    } else {
      GivenCall own(fope, s, {});
      const Tensor &x = own.q.value(), &y = own.call.dots.q.value();
      CHECK(y[0] == Approx(x[0] * std::cos(3) - x[2] * std::sin(3)).margin(1e-12));
      CHECK(y[2] == Approx(x[0] * std::sin(3) + x[2] * std::cos(3)).margin(1e-12));
      CHECK(y[4] == x[4]);
    }
  }
  // If I > M, pair m starts at frequency m⌈I/M⌉; pairs beyond I start at noise.
  Built far("fope", wide(128, 2, 1024), {{"fope.gain", "0"}});
  const Tensor& E = far.parameter("fope.blocks.0.sin");  // [2, 18, 16], step 2
  CHECK(E[2 * 16 + 1] == 1);
  CHECK(E[16 * 16 + 8] == 1);
  double ones = 0;
  for (const real x : E.flat()) ones += double(x);
  CHECK(ones == 18);  // 9 of each head
}

TEST_CASE("FoPE's tables keep their initial values unless they are learned") {
  for (const bool learned : {true, false}) {
    Built b("fope", wide(16, 2, 64), {{"fope.learned", learned}});
    const Sequence s(range(0, 4));
    Tape tape;
    GivenCall c(b, s, {});
    tape.backward(c.loss(b));
    const Var table = b.parameters.find("encoding.fope.blocks.0.cos");
    REQUIRE(table);
    CHECK((table.grad()[5] != 0) == learned);
  }
}

TEST_CASE("the gradients of learned rotations are bit-identical for any number of threads") {
  for (const std::string name : {"selective", "fope"})
    CHECK(differing([&] {
            Built b(name, wide(16, 2, 64));
            const Sequence s(range(0, 4));
            Tape tape;
            const Var n = Var::parameter(normal({1, 4, 16}, "n"));
            GivenCall c(b, s, b.encoding.components()[0].encoding->per_key(n, 0));
            tape.backward(c.loss(b));
            std::vector<Tensor> all{c.q.grad(), n.grad()};
            for (const auto& [parameter, var] : b.parameters.all()) all.push_back(var.grad());
            return all;
          }) == "");
}
