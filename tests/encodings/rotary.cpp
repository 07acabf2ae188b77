#include <numbers>

#include "encodings/base/spectrum.h"
#include "tests/support/catch.h"
#include "tests/support/encodings.h"

using namespace yonder;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

// w_m over the scaled frequency of each pair
std::vector<double> divisors(const Scaling& scaling, int d, int N, int L) {
  const Spectrum plain = spectrum(10000, d), scaled = scaling.of(10000, d, N, L);
  std::vector<double> x;
  for (int m = 0; m < d / 2; ++m) x.push_back(plain.w[m] / scaled.w[m]);
  return x;
}

// the base of a spectrum of d columns
double base(const Spectrum& s, int d) { return std::pow(s.w[1], -d / 2.0); }

void check_begins(const std::vector<double>& x, const std::vector<double>& expected) {
  for (std::size_t m = 0; m < expected.size(); ++m)
    CHECK(x[m] == Approx(expected[m]).epsilon(1e-6));
}

Dims one_head(int width, int trained = 16) { return wide(width, 1, trained); }

Tensor columns(const std::vector<double>& x) {
  Tensor y({1, 1, 1, int(x.size())});
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = real(x[i]);
  return y;
}

void check_close(const Tensor& x, const std::vector<double>& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(x[i] == Approx(expected[i]).margin(1e-6));
}

}  // namespace

TEST_CASE("rope rotates pairs of columns in either layout") {
  Built interleaved("rope", one_head(4)), half("rope", one_head(4), {{"rope.layout", "half"}});
  const Sequence third({3}, 16);
  const auto a = interleaved.call(third, columns({1, 0, 1, 0}), columns({1, 0, 1, 0}));
  check_close(a.dots.q.value(), {-0.989992, 0.141120, 0.999550, 0.029996});
  check_close(a.dots.k.value(), {-0.989992, 0.141120, 0.999550, 0.029996});
  const auto b = half.call(third, columns({1, 1, 0, 0}), columns({1, 1, 0, 0}));
  check_close(b.dots.q.value(), {-0.989992, 0.999550, 0.141120, 0.029996});
}

TEST_CASE("rope rotates a fraction of the columns and keeps the others") {
  Built b("rope", one_head(10), {{"rope.fraction", "0.5"}});  // d' = 4
  const auto c = b.call(Sequence({3}, 16), columns({1, 0, 1, 0, 5, 6, 7, 8, 9, 10}));
  check_close(c.dots.q.value(), {-0.989992, 0.141120, 0.999550, 0.029996, 5, 6, 7, 8, 9, 10});
  CHECK_THROWS_WITH(Built("rope", one_head(5)),
                    "rope: head width 5 is odd, so columns cannot be paired; "
                    "choose an even width per head");
  CHECK_NOTHROW(Built("rope", one_head(5), {{"rope.fraction", "0.9"}}));
  CHECK_THROWS_WITH(Built("rope", one_head(4), {{"rope.fraction", "0.4"}}),
                    ContainsSubstring("rope.fraction: no pair"));
}

TEST_CASE("truncated rope rotates the fastest pairs of the whole head, in either layout") {
  const Overrides half_of_it{{"rope.fraction", "0.5"}, {"rope.truncate", "true"}};
  const Sequence third({3}, 16);
  // w = 1, 10000^(−1/4): angles 3 and 0.3
  Built b("rope", one_head(8), half_of_it);
  const auto c = b.call(third, columns({1, 0, 1, 0, 5, 6, 7, 8}));
  check_close(c.dots.q.value(), {-0.989992, 0.141120, 0.955336, 0.295520, 5, 6, 7, 8});
  Built halves("rope", one_head(8), half_of_it);
  halves.encoding.set("rope.layout", "half");
  const auto h = halves.call(third, columns({1, 1, 5, 6, 0, 0, 7, 8}));
  check_close(h.dots.q.value(), {-0.989992, 0.955336, 5, 6, 0.141120, 0.295520, 7, 8});
  // A scaling is of the whole head, an amplitude of the rotated columns.
  b.encoding.set_at_inference("rope.scaling", "yarn");
  b.encoding.set_at_inference("rope.factor", "4");
  const auto y = b.call(Sequence({0}, 16), columns({1, 1, 1, 1, 1, 1, 1, 1}));
  check_close(y.dots.q.value(), {1.138629, 1.138629, 1.138629, 1.138629, 1, 1, 1, 1});
  Built all("rope", one_head(8), {{"rope.truncate", "true"}}), plain("rope", one_head(8));
  const Tensor q = normal({1, 1, 1, 8}, "q");
  const auto one = all.call(third, q), two = plain.call(third, q);
  for (int i = 0; i < 8; ++i) CHECK(one.dots.q.value()[i] == two.dots.q.value()[i]);
  CHECK_THROWS_WITH(
      Built("rope", one_head(4), {{"rope.fraction", "0.4"}, {"rope.truncate", "true"}}),
      ContainsSubstring("rope.fraction: no pair"));
}

TEST_CASE("NTK scaling changes the base so that the last pair is divided by k") {
  const Scaling ntk{.scaling = "ntk", .factor = 8};
  const std::pair<int, double> bases[] = {
      {16, 107672.02}, {32, 91895.87}, {64, 85550.38}, {128, 82684.62}};
  for (const auto& [d, b] : bases) {
    CHECK(base(ntk.of(10000, d, 128, 128), d) == Approx(b).epsilon(1e-7));
    CHECK(divisors(ntk, d, 128, 128).front() == 1);
    CHECK(divisors(ntk, d, 128, 128).back() == Approx(8));
  }
  CHECK(base(Scaling{.scaling = "ntk-old", .factor = 8}.of(10000, 16, 128, 128), 16) ==
        Approx(80000));
}

TEST_CASE("the divisors of each scaling are those of its source") {
  const auto mixed = divisors({.scaling = "ntk-mixed", .factor = 8}, 32, 128, 128);
  CHECK(std::log(mixed[0]) == Approx(0.367597).epsilon(1e-6));  // a
  CHECK(mixed[1] == Approx(1.7628).margin(5e-5));
  CHECK(mixed[2] == Approx(2.0760).margin(5e-5));
  CHECK(mixed.back() == Approx(8));
  check_begins(divisors({.scaling = "ntk-fixed", .factor = 8}, 32, 128, 128), {1.138789, 1.296840});
  CHECK(divisors({.scaling = "ntk-fixed", .factor = 8}, 32, 128, 128).back() == Approx(8));
  check_begins(divisors({.scaling = "yarn", .factor = 4}, 32, 128, 128),
               {1, 1.142857, 1.333333, 1.6, 2, 2.666667, 4, 4, 4});
  check_begins(divisors({.scaling = "llama3", .factor = 4}, 32, 128, 128),
               {1, 1, 1, 1.104155, 1.963495, 3.491643, 4, 4});
  check_begins(divisors({.scaling = "linear", .factor = 3}, 8, 128, 128), {3, 3, 3, 3});
}

TEST_CASE("dynamic NTK grows with the length beyond the trained one") {
  const Scaling twice{.scaling = "dynamic", .factor = 2}, automatic{.scaling = "dynamic"};
  CHECK(base(twice.of(10000, 16, 128, 512), 16) == Approx(92432.85).epsilon(1e-7));
  CHECK(twice.of(10000, 16, 128, 128).w == spectrum(10000, 16).w);
  CHECK(automatic.of(10000, 16, 128, 64).w == spectrum(10000, 16).w);
  const Scaling ntk{.scaling = "ntk", .factor = 4};
  CHECK(automatic.of(10000, 16, 128, 512).w == ntk.of(10000, 16, 128, 512).w);
}

TEST_CASE("a factor of 0 means the evaluated over the trained length, at least 1") {
  for (const std::string name : {"linear", "ntk", "ntk-old", "ntk-fixed", "ntk-mixed", "yarn"}) {
    const Scaling automatic{.scaling = name}, four{.scaling = name, .factor = 4},
        one{.scaling = name, .factor = 1};
    CHECK(automatic.of(10000, 16, 128, 512).w == four.of(10000, 16, 128, 512).w);
    CHECK(automatic.of(10000, 16, 128, 64).w == one.of(10000, 16, 128, 64).w);
  }
}

TEST_CASE("every scaling with factor 1 leaves the frequencies unchanged") {
  for (const std::string name : {"direct", "linear", "ntk", "ntk-old", "ntk-fixed", "ntk-mixed",
                                 "dynamic", "yarn", "llama3"}) {
    const Spectrum s = Scaling{.scaling = name, .factor = 1}.of(10000, 32, 128, 128);
    CHECK(s.amplitude == 1);
    for (int m = 0; m < 16; ++m) CHECK(s.w[m] == Approx(spectrum(10000, 32).w[m]).epsilon(1e-14));
  }
}

TEST_CASE("ntk-mixed lies between linear at b = 0 and ntk-fixed at b = 1") {
  auto of = [](const Scaling& s) { return divisors(s, 32, 128, 128); };
  const auto none = of({.scaling = "ntk-mixed", .factor = 8, .mixed = 0}),
             linear = of({.scaling = "linear", .factor = 8}),
             one = of({.scaling = "ntk-mixed", .factor = 8, .mixed = 1}),
             fixed = of({.scaling = "ntk-fixed", .factor = 8});
  for (int m = 0; m < 16; ++m) {
    CHECK(none[m] == Approx(linear[m]));
    CHECK(one[m] == Approx(fixed[m]));
  }
}

TEST_CASE("YaRN scales q and k, in the rotated columns only") {
  const std::pair<std::string, double> amplitudes[] = {
      {"2", 1.069315}, {"4", 1.138629}, {"8", 1.207944}};
  for (const auto& [factor, amplitude] : amplitudes) {
    Built b("rope", one_head(8, 128), {{"rope.fraction", "0.5"}});
    b.encoding.set_at_inference("rope.scaling", "yarn");
    b.encoding.set_at_inference("rope.factor", factor);
    const auto c = b.call(Sequence({0}, 128), columns({1, 1, 1, 1, 1, 1, 1, 1}),
                          columns({1, 1, 1, 1, 1, 1, 1, 1}));
    for (int i = 0; i < 4; ++i) {
      CHECK(c.dots.q.value()[i] == Approx(amplitude).epsilon(1e-6));
      CHECK(c.dots.k.value()[i] == Approx(amplitude).epsilon(1e-6));
      CHECK(c.dots.q.value()[4 + i] == 1);
    }
  }
}

TEST_CASE("a scaling changes the angles by the evaluated length") {
  Built b("rope", one_head(4, 16), {{"rope.scaling", "linear"}});
  const auto c = b.call(Sequence({12}, 64), columns({1, 0, 1, 0}));  // 12/4 = 3
  check_close(c.dots.q.value(), {-0.989992, 0.141120, 0.999550, 0.029996});
}

TEST_CASE("scalings refuse invalid options once all are set") {
  auto built = [](int d, const Overrides& s) { Built("rope", one_head(d), s); };
  CHECK_THROWS_WITH(built(4, {{"rope.factor", "0.5"}}), ContainsSubstring("rope.factor"));
  CHECK_THROWS_WITH(built(2, {{"rope.scaling", "ntk"}}), ContainsSubstring("at least 4 columns"));
  CHECK_THROWS_WITH(built(2, {{"rope.scaling", "dynamic"}}),
                    ContainsSubstring("at least 4 columns"));
  CHECK_NOTHROW(built(2, {{"rope.scaling", "yarn"}}));
  CHECK_THROWS_WITH(built(4, {{"rope.scaling", "yarn"}, {"rope.beta_fast", "0.5"}}),
                    ContainsSubstring("rope.beta_fast"));
  CHECK_THROWS_WITH(built(4, {{"rope.scaling", "llama3"}, {"rope.low_freq_factor", "4"}}),
                    ContainsSubstring("rope.high_freq_factor"));

  Built b("rope", one_head(4));  // at inference, before the next pass
  b.encoding.set_at_inference("rope.factor", "0.5");
  CHECK_THROWS_WITH(b.call(Sequence({0})), ContainsSubstring("rope.factor"));
}

namespace {

// The distance between positions i and j as unit vectors see it: d = 2, so w_0 = 1.
double seen(Built& b, int i, int j, int longest) {
  const Sequence s({j, i}, longest);
  Tensor q({1, 2, 1, 2}), k({1, 2, 1, 2});
  q[2] = 1, k[0] = 1;
  const double cos = b.call(s, q, k).score(0, 1, 0);
  k[0] = 0, k[1] = 1;
  return std::atan2(b.call(s, q, k).score(0, 1, 0), cos);
}

double angle(double distance) { return std::remainder(distance, 2 * std::numbers::pi); }

}  // namespace

TEST_CASE("rerope, leaky and self-extend see far keys nearer, on both sides") {
  auto distance = [](const Overrides& settings, int i, int j, double expected) {
    Built b("rope", bidirectional(wide(2, 1, 16)), settings);
    CHECK(seen(b, i, j, 64) == Approx(angle(expected)).margin(1e-9));
    CHECK(seen(b, j, i, 64) == Approx(angle(-expected)).margin(1e-9));
  };
  auto far = [](const std::string& scaling, const std::string& factor) {
    return Overrides{{"rope.scaling", scaling}, {"rope.factor", factor}, {"rope.window", "4"}};
  };
  distance(far("self-extend", "2"), 9, 2, 5);
  distance(far("self-extend", "2"), 9, 3, 5);
  distance(far("self-extend", "2"), 10, 3, 6);
  distance(far("self-extend", "1.5"), 10, 3, 6);  // g = ⌈k⌉
  distance(far("self-extend", "2"), 10, 7, 3);
  distance(far("leaky", "2"), 9, 2, 5.5);
  distance(far("leaky", "2"), 9, 6, 3);
  distance(far("rerope", "2"), 9, 2, 4);
  distance(far("rerope", "2"), 9, 6, 3);
  distance({{"rope.scaling", "rerope"}}, 40, 2, 8);  // w = N/2
  distance({{"rope.scaling", "rerope"}}, 9, 2, 7);
  // k = (L − w)/(N − w) = 7 maps a distance of L to N
  distance({{"rope.scaling", "leaky"}}, 64, 0, 16);
  distance({{"rope.scaling", "self-extend"}}, 63, 0, 16);  // ⌊63/7⌋ + 8 − ⌊8/7⌋
}

TEST_CASE("rope is unchanged if no distance is shortened") {
  Built rope("rope", bidirectional(wide(16, 2, 64)));
  const Sequence s(range(0, 40));
  const auto plain = rope.call(s);
  const std::vector<Overrides> same{
      {{"rope.scaling", "rerope"}, {"rope.window", "40"}},
      {{"rope.scaling", "leaky"}, {"rope.window", "5"}, {"rope.factor", "1"}},
      {{"rope.scaling", "self-extend"}, {"rope.window", "5"}, {"rope.factor", "1"}},
      {{"rope.scaling", "leaky"}, {"rope.window", "5"}}};  // L < N
  for (const auto& settings : same) {
    Built b("rope", bidirectional(wide(16, 2, 64)), settings);
    const auto c = b.call(s);
    for (int i = 0; i < 40; ++i)
      for (int j = 0; j < 40; ++j)
        CHECK(c.score(1, i, j) == Approx(plain.score(1, i, j)).margin(1e-12));
  }
}

TEST_CASE("the window of rerope lies within the trained length") {
  CHECK_THROWS_WITH(Built("rope", one_head(4), {{"rope.window", "16"}}),
                    ContainsSubstring("rope.window: 16 has to be below the training length 16"));
  CHECK_NOTHROW(Built("rope", one_head(4), {{"rope.window", "15"}}));
  CHECK_THROWS_WITH(Built("rope", one_head(4, 1), {{"rope.scaling", "rerope"}}),
                    ContainsSubstring("rope.window"));
  CHECK_NOTHROW(Built("rope", one_head(4, 1)));
}

TEST_CASE("rope's and xPos's scores depend on the distance only") {
  const std::vector<std::pair<std::string, Overrides>> relative{
      {"rope", {{"rope.scaling", "yarn"}}},
      {"rope", {{"rope.scaling", "rerope"}}},
      {"rope", {{"rope.scaling", "leaky"}}},
      {"xpos", {{"xpos.scale", "8"}}},
      {"rope+alibi", {}},
      {"rope+kerple", {}}};
  for (const auto& [name, settings] : relative) {
    Built b(name, wide(16, 2, 16), settings);
    const Sequence here(range(0, 24)), there(range(1000, 24), 24);
    const auto x = b.call(here), y = b.call(there);
    for (int h = 0; h < 2; ++h)
      for (int i = 0; i < 24; ++i)
        for (int j = 0; j <= i; ++j)
          CHECK(x.score(h, i, j) == Approx(y.score(h, i, j)).margin(1e-9));
  }
}

TEST_CASE("xPos is rope whose pairs decay with the distance") {
  Built xpos("xpos", one_head(16), {{"xpos.scale", "4"}}), rope("rope", one_head(16));
  const double zeta0 = 0.285714, zeta7 = 0.910714;
  for (const auto& [pair, zeta] : {std::pair{0, zeta0}, std::pair{7, zeta7}}) {
    Tensor q({1, 20, 1, 16});  // only this pair
    for (int t = 0; t < 20; ++t) q[t * 16 + 2 * pair] = 1, q[t * 16 + 2 * pair + 1] = 2;
    const Sequence s(range(0, 20));
    const auto x = xpos.call(s, q, q), r = rope.call(s, q, q);
    for (int i = 0; i < 20; ++i)
      for (int j = 0; j <= i; ++j)
        CHECK(x.score(0, i, j) ==
              Approx(r.score(0, i, j) * std::pow(zeta, (i - j) / 4.0)).epsilon(1e-4).margin(1e-9));
  }
}

TEST_CASE("xPos refuses bidirectional models and lengths at which its factors overflow") {
  CHECK_THROWS_WITH(Built("xpos", bidirectional(one_head(4))),
                    ContainsSubstring("xpos: for causal models only"));
  CHECK_THROWS_WITH(Built("xpos", one_head(5)), ContainsSubstring("head width 5"));
  Built b("xpos", one_head(4), {{"xpos.scale", "1"}});
  CHECK_NOTHROW(b.call(Sequence(range(0, 120))));
  CHECK_THROWS_WITH(b.call(Sequence(range(0, 140))), ContainsSubstring("xpos.scale"));
}

TEST_CASE("RoPE-ID rotates half of the pairs, each by a full turn or more within N") {
  Built b("rope-id", one_head(8, 128));  // a turn in 16 and in 64 tokens
  const auto c = b.call(Sequence({8}, 128), columns({1, 0, 1, 0, 5, 6, 7, 8}));
  check_close(c.dots.q.value(), {-1, 0, 0.707107, 0.707107, 5, 6, 7, 8});
  Built long_one("rope-id", one_head(12, 4096));  // in 32, 256 and 2048
  const auto d =
      long_one.call(Sequence({128}, 4096), columns({1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1}));
  check_close(d.dots.q.value(), {1, 0, -1, 0, 0.923880, 0.382683, 1, 1, 1, 1, 1, 1});
  Built told("rope-id", one_head(8, 128), {{"rope-id.fastest", "10"}, {"rope-id.turns", "4"}});
  const auto t = told.call(Sequence({5}, 128), columns({1, 0, 1, 0, 1, 1, 1, 1}));
  check_close(t.dots.q.value(), {-1, 0, std::cos(5 * 2 * std::numbers::pi / 32)});
  CHECK_THROWS_WITH(Built("rope-id", one_head(8, 128), {{"rope-id.fastest", "65"}}),
                    ContainsSubstring("rope-id.fastest: 65") && ContainsSubstring("64"));
  CHECK_THROWS_WITH(Built("rope-id", one_head(2)), ContainsSubstring("rope-id.fraction: no pair"));
}

TEST_CASE("RoPE-ID sharpens attention beyond N, as YaRN does") {
  Built b("rope-id", one_head(8, 16));
  CHECK(!b.call(Sequence({3}, 16)).dots.row);
  CHECK(b.call(Sequence({3}, 64)).dots.row[0] == Approx(1.138629 * 1.138629).epsilon(1e-6));
  b.encoding.set_at_inference("rope-id.temperature", "none");
  CHECK(!b.call(Sequence({3}, 64)).dots.row);
}

namespace {

double softplus_of(double x) { return std::log1p(std::exp(x)); }

}  // namespace

TEST_CASE("PoPE multiplies magnitudes and takes angles from positions alone") {
  Built b("pope", wide(8, 2, 16));
  Tensor& phase = b.parameter("pope.blocks.0.phase");  // [2, 4]
  for (int i = 0; i < 8; ++i) phase[i] = real(-i);
  b.parameters.bounds("encoding.pope.blocks.0.phase").hold(phase.flat());  // −7 to −2π
  const Sequence s({2, 5, 11, 12});
  const Tensor q = normal({1, 4, 2, 4}, "q"), k = normal({1, 4, 2, 4}, "k");
  const auto c = b.call(s, q, k);
  for (int h = 0; h < 2; ++h)
    for (int i = 0; i < 4; ++i)
      for (int j = 0; j < 4; ++j) {
        double sum = 0;
        for (int m = 0; m < 4; ++m) {
          const double delta = h + m == 0 ? 0 : h * m == 3 ? -2 * std::numbers::pi : -4 * h - m;
          sum += softplus_of(q[(i * 2 + h) * 4 + m]) * softplus_of(k[(j * 2 + h) * 4 + m]) *
                 std::cos((s.at[j] - s.at[i]) * std::pow(10000, -m / 4.0) + delta);
        }
        CHECK(c.score(h, i, j) == Approx(sum / 2).epsilon(1e-9));
      }
}

TEST_CASE("PoPE's phases start at 0, or uniformly within their bounds") {
  Built zero("pope", wide(64, 1, 16)),
      uniform("pope", wide(64, 1, 16), {{"pope.phase", "uniform"}});
  for (real delta : zero.parameter("pope.blocks.0.phase").flat()) CHECK(delta == 0);
  double sum = 0;
  for (real delta : uniform.parameter("pope.blocks.0.phase").flat()) {
    CHECK((delta <= 0 && delta >= -2 * std::numbers::pi));
    sum += double(delta) / 64;
  }
  CHECK(sum == Approx(-std::numbers::pi).margin(0.7));  // 3 standard deviations
}

TEST_CASE("query factors scale PoPE's scores, in either order of the names") {
  const Sequence s(range(0, 9));
  Built pope("pope", small);
  const auto plain = pope.call(s);
  for (const std::string modifier : {"logn", "sharpen", "ssmax"})
    for (const bool first : {false, true}) {
      Built b(first ? modifier + "+pope" : "pope+" + modifier, small);
      if (modifier == "sharpen") b.encoding.set("sharpen.by", "2");
      double factor = modifier == "sharpen" ? 2 : std::log(8) / std::log(16);
      if (modifier == "ssmax") factor = std::log(8) * b.parameter("ssmax.blocks.0.s")[1];
      const auto c = b.call(s);
      for (int j = 0; j < 8; ++j)
        CHECK(c.score(1, 7, j) == Approx(factor * plain.score(1, 7, j)).epsilon(1e-9));
    }
}
