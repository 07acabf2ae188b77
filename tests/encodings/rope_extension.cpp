// Length extension by another base, rounded wavelengths, LongRoPE's factors and DCA. Expected
// values are those of the papers' official code.
#include <numbers>

#include "encodings/base/spectrum.h"
#include "tests/support/catch.h"
#include "tests/support/encodings.h"

using namespace yonder;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

// sin(first), sin(first + 1), …, counted as [H, T, d], in the layout of a call, [1, T, H, d].
Tensor sines_by_head(int first, int heads, int tokens, int d) {
  Tensor x({1, tokens, heads, d});
  for (int h = 0; h < heads; ++h)
    for (int t = 0; t < tokens; ++t)
      for (int c = 0; c < d; ++c)
        x[(t * heads + h) * d + c] = real(std::sin(first + (h * tokens + t) * d + c));
  return x;
}

void check_scores(const Built::Call& c, int h, int i, const std::vector<double>& expected) {
  for (std::size_t j = 0; j < expected.size(); ++j)
    CHECK(c.score(h, i, int(j)) == Approx(expected[j]).margin(1e-6));
}

Built::Call of_twelve_sines(const Overrides& settings) {
  Built b("rope", wide(8, 2, 4));
  for (const auto& [key, value] : settings) b.encoding.set_at_inference(key, value);
  return b.call(Sequence(range(0, 12)), sines_by_head(0, 2, 12, 4), sines_by_head(100, 2, 12, 4));
}

void refuse_rope(const Overrides& settings, const std::string& why, int N = 16) {
  CHECK_THROWS_WITH(Built("rope", wide(8, 2, N), settings), ContainsSubstring(why));
}

}  // namespace

TEST_CASE("another base at inference gives the spectrum of that base, scaled as any other") {
  RotaryFrequencies wide_turning{.base = 91895.8684},
      plain{.scaling = {.scaling = "ntk", .factor = 8}};
  const Spectrum by_base = wide_turning.of(32, 128, 128), by_ntk = plain.of(32, 128, 128);
  for (int m = 0; m < 16; ++m) CHECK(by_base.w[m] == Approx(by_ntk.w[m]).epsilon(1e-8));

  Built b("rope", wide(8, 2, 16));
  b.encoding.set_at_inference("rope.base", "500000");
  Built trained("rope", wide(8, 2, 16), {{"rope.base", "500000"}});
  const auto one = b.call(Sequence(range(0, 12))), two = trained.call(Sequence(range(0, 12)));
  check_scores(one, 1, 11, {two.score(1, 11, 0), two.score(1, 11, 1), two.score(1, 11, 2)});
  b.encoding.set_at_inference("rope.scaling", "linear");
  b.encoding.set_at_inference("rope.factor", "3");
  CHECK(b.encoding.frequencies(16)[1] == Approx(std::pow(500000, -0.5) / 3));
}

TEST_CASE("resonance rounds wavelengths to whole tokens, after any scaling, halves to even") {
  const Spectrum s = RotaryFrequencies{.resonance = true}.of(32, 128, 128);
  const double expected[] = {6, 11, 20, 35, 63, 112, 199, 353, 628};
  for (int m = 0; m < 9; ++m)
    CHECK(2 * std::numbers::pi / s.w[m] == Approx(expected[m]).epsilon(1e-12));
  RotaryFrequencies half{.fraction = 0.5, .truncate = true, .resonance = true};
  CHECK(half.of(8, 128, 128).w[2] == 0);                                   // an unrotated pair
  half.scaling = {.scaling = "linear", .factor = 2.5 / std::numbers::pi};  // of 6.28 tokens: 5
  CHECK(2 * std::numbers::pi / half.of(8, 128, 128).w[0] == Approx(5).epsilon(1e-12));
  half.scaling.factor = 2.25 / std::numbers::pi;  // 4.5
  CHECK(2 * std::numbers::pi / half.of(8, 128, 128).w[0] == Approx(4).epsilon(1e-12));
  RotaryFrequencies far{
      .resonance = true, .factors = "2,3", .keep = 4, .scaling = {.scaling = "longrope"}};
  const Spectrum both = far.of(4, 16, 64);  // kept frequencies are rounded too
  CHECK(2 * std::numbers::pi / both.w[0] == Approx(13).epsilon(1e-12));
  CHECK(2 * std::numbers::pi / both.kept_w[0] == Approx(6).epsilon(1e-12));
}

TEST_CASE("LongRoPE divides each frequency by its factor, except for the first tokens") {
  const Overrides given{
      {"rope.scaling", "longrope"}, {"rope.factors", "1,2.5"}, {"rope.keep", "2"}};
  check_scores(of_twelve_sines(given), 1, 11,
               {-.067719, .361523, -.533635, .624820, -1.481061, 1.790857, -1.078073, .779884,
                -.865810, .467436, -.524628, 1.368310});
  const RotaryFrequencies t{.factors = "1,2.5", .keep = 2, .scaling = {.scaling = "longrope"}};
  CHECK(t.of(4, 4, 12).amplitude == Approx(1.338836).epsilon(1e-6));
  CHECK(t.of(4, 4, 4) == RotaryFrequencies{}.of(4, 4, 4));  // direct up to N
  RotaryFrequencies told = t;
  told.scaling.factor = 3;
  CHECK(told.of(4, 4, 30) == t.of(4, 4, 12));

  // An unrotated pair has no amplitude, and factors are those of the whole spectrum.
  Built b("rope", wide(8, 1, 4), {{"rope.fraction", "0.5"}, {"rope.truncate", "true"}});
  b.encoding.set_at_inference("rope.scaling", "longrope");
  b.encoding.set_at_inference("rope.factors", "1,1,2,2");
  const auto c = b.call(Sequence({0}, 12), sines_by_head(0, 1, 1, 8));
  CHECK(c.dots.q.value()[2] == Approx(1.338836 * std::sin(2)).margin(1e-6));
  CHECK(c.dots.q.value()[4] == Approx(std::sin(4)));
}

TEST_CASE("invalid options of LongRoPE are refused by name") {
  const Override longrope{"rope.scaling", "longrope"};
  refuse_rope({longrope}, "rope.factors: '' is not a number above 0");
  refuse_rope({longrope, {"rope.factors", "1,2,3"}}, "rope.factors: there are 3 for 2 pairs");
  refuse_rope({{"rope.factors", "1"}}, "rope.factors: there are 1 for 2 pairs");
  refuse_rope({longrope, {"rope.factors", "1,x"}}, "rope.factors: 'x' is not a number above 0");
  refuse_rope({longrope, {"rope.factors", "1,-2"}}, "'-2' is not a number above 0");
  refuse_rope({longrope, {"rope.factors", "1,0"}}, "'0' is not a number above 0");
  refuse_rope({longrope, {"rope.factors", "1,nan"}}, "'nan' is not a number above 0");
  refuse_rope({longrope, {"rope.factors", "1,2"}}, "longrope needs a training length above 1", 1);
  refuse_rope({longrope, {"rope.factors", "0.1,2"}, {"rope.resonance", "true"}}, "pair 0 would");
  CHECK_THROWS_WITH(Built("rope", wide(8, 2, 16), {{"rope.keep", "-1"}}),
                    ContainsSubstring("rope.keep: '-1' is not allowed"));
}

TEST_CASE("factors keep their commas in rows, lists and layers") {
  using List = std::vector<std::string>;
  CHECK(entries_of("rope:rope.scaling=longrope:rope.factors=1,2.5,alibi") ==
        List{"rope:rope.scaling=longrope:rope.factors=1,2.5", "alibi"});
  CHECK(entries_of("rope@0,2,none@1:rope.factors=1,2,alibi") ==
        List{"rope@0,2,none@1:rope.factors=1,2", "alibi"});
  CHECK(entries_of("rope:rope.base=5@0,2,none@1,alibi") ==
        List{"rope:rope.base=5@0,2,none@1", "alibi"});
  const std::string layers = "rope:rope.factors=1,2.5:rope.scaling=longrope@0,2,none@1";
  CHECK(text_of(parse_encoding(layers)) == layers);
  CHECK(parse_encoding(layers).groups[0].layers == Layers{0, 2});
  CHECK(text_of(parse_encoding("rope:rope.factors=1,2.5").options) == "rope.factors=1,2.5");
  Dims dims = wide(8, 2, 16);
  dims.layers = 3;
  CHECK_NOTHROW(Built(layers, dims));
}

TEST_CASE("DCA restarts positions in each chunk, and keeps every distance below s") {
  const std::vector<int> expected{6, 5, 4, 3, 5, 4, 3, 2, 1, 0};  // of query 9
  Built b("rope", wide(2, 1, 16));
  const Overrides six{{"rope.scaling", "dca"}, {"rope.chunk", "6"}, {"rope.window", "2"}};
  for (const auto& [key, value] : six) b.encoding.set_at_inference(key, value);
  for (int j = 0; j < 10; ++j) {
    Tensor q({1, 10, 1, 2}), k({1, 10, 1, 2});
    q[18] = 1, k[2 * j] = 1;  // w_0 = 1: the score is the cosine of the distance, or its sine
    const Sequence s(range(0, 10), 64);
    const double cos = b.call(s, q, k).score(0, 9, j);
    k[2 * j] = 0, k[2 * j + 1] = 1;
    const double sin = b.call(s, q, k).score(0, 9, j);
    CHECK(std::atan2(sin, cos) ==
          Approx(std::remainder(expected[std::size_t(j)], 2 * std::numbers::pi)).margin(1e-9));
  }
  Built twelve("rope", wide(8, 2, 16), six);
  check_scores(
      twelve.call(Sequence(range(0, 12)), sines_by_head(0, 2, 12, 4), sines_by_head(100, 2, 12, 4)),
      1, 11,
      {.678608, -.618600, .251386, -.181665, -.874775, .698462, -.343282, .303035, -.483392,
       .264756, -.295169, .763361});
}

TEST_CASE("DCA is rope within a chunk, whose size follows the training length") {
  Built rope("rope", wide(8, 2, 16)), dca("rope", wide(8, 2, 16), {{"rope.scaling", "dca"}});
  const Sequence ten(range(0, 10), 64);  // c = 12 − 2
  const auto plain = rope.call(ten), chunked = dca.call(ten);
  for (int i = 0; i < 10; ++i)
    for (int j = 0; j <= i; ++j)
      CHECK(chunked.score(1, i, j) == Approx(plain.score(1, i, j)).margin(1e-12));
  CHECK(chunked.dots.chunk == 10);
}

TEST_CASE("DCA with ALiBi adds the bias of the tokens' true distance") {
  Built both("rope+alibi", wide(8, 2, 16), {{"rope.scaling", "dca"}}),
      dca("rope", wide(8, 2, 16), {{"rope.scaling", "dca"}});
  const Sequence s(range(0, 40));
  CHECK(both.call(s).score(0, 39, 2) ==
        Approx(dca.call(s).score(0, 39, 2) - 37.0 / 16).margin(1e-9));
}

TEST_CASE("invalid options of DCA are refused by name") {
  const Override dca{"rope.scaling", "dca"};
  refuse_rope({dca, {"rope.chunk", "17"}},
              "rope.chunk: 17 has to be above rope.window and at most");
  refuse_rope({dca, {"rope.chunk", "2"}}, "rope.chunk: 2 has to be above rope.window");
  refuse_rope({dca, {"rope.window", "12"}}, "rope.chunk: 12 has to be above rope.window");
  refuse_rope({dca}, "rope.window: 0 has to be", 7);
  CHECK_NOTHROW(Built("rope", wide(8, 2, 7), {dca, {"rope.window", "1"}}));
  CHECK_THROWS_WITH(Built("rope", bidirectional(wide(8, 2, 16)), {dca}),
                    ContainsSubstring("rope.scaling: dca works with causal models only"));
  CHECK_THROWS_WITH(Built("rope+coupled", wide(8, 2, 16), {dca}),
                    ContainsSubstring("positions that increase"));
  Built b("rope", wide(8, 2, 16), {dca});
  CHECK_THROWS_WITH(b.call(Sequence({3, 1, 2})), ContainsSubstring("give increasing positions"));
}
