#include <catch2/catch.hpp>

#include "tests/encodings.h"

using namespace yonder;
using Catch::Contains;

namespace {

const Dims trained_on_512 = wide(8, 2, 512);

double log_512(double n) { return std::log(n) / std::log(512); }

std::vector<double> row_factors(Built& b, const Positions& p) {
  Dots s;
  Mask m{.causal = b.dims.causal};
  b.encoding.mask(m);
  b.encoding.scale_queries(s, {.layer = 0, .queries = p, .keys = p, .mask = m});
  return {s.row.flat().begin(), s.row.flat().end()};
}

std::vector<double> row_factors(Built& b, int tokens) {
  return row_factors(b, Sequence(range(0, tokens)).positions);
}

}  // namespace

TEST_CASE("log n multiplies each query by the logarithm of the keys it sees") {
  Built b("logn", trained_on_512);
  const auto f = row_factors(b, 4096);
  CHECK(f[0] == 0);
  CHECK(f[255] == Approx(8.0 / 9));
  CHECK(f[511] == 1);
  CHECK(f[1023] == Approx(1.111111).epsilon(1e-6));
  CHECK(f[2047] == Approx(1.222222).epsilon(1e-6));
  CHECK(f[4095] == Approx(1.333333).epsilon(1e-6));

  Built test("logn", trained_on_512, {{"logn.when", "test"}});
  const auto g = row_factors(test, 4096);
  CHECK(std::count(g.begin(), g.begin() + 512, 1) == 512);
  CHECK(g[1023] == Approx(1.111111).epsilon(1e-6));
}

TEST_CASE("log n counts tokens, not positions, and from the sequence's start when decoding") {
  Built b("logn", trained_on_512);
  std::vector<int> at{7, 90, 301};
  CHECK(row_factors(b, {.at = at, .tokens = 3, .longest = 3, .consecutive = false}) ==
        row_factors(b, 3));
  const std::vector<int> last{9};
  const auto f = row_factors(b, {.at = last, .tokens = 1, .first = 9, .longest = 10});
  REQUIRE(f.size() == 1);
  CHECK(f[0] == Approx(log_512(10)));
}

TEST_CASE("log n gives each sequence of a padded bidirectional batch its own length") {
  Built b("logn", bidirectional(trained_on_512));
  const std::vector<int> at = range(0, 6), lengths{6, 2};
  const auto f = row_factors(b, {.at = at, .lengths = lengths, .batch = 2, .tokens = 6});
  REQUIRE(f.size() == 12);
  for (int t = 0; t < 6; ++t) CHECK(f[t] == Approx(log_512(6)));
  for (int t = 0; t < 2; ++t) CHECK(f[6 + t] == Approx(log_512(2)));
  CHECK(row_factors(b, 6).size() == 6);
}

TEST_CASE("log n counts only what a window leaves visible") {
  Built causal("logn+window", trained_on_512, {{"window.size", "3"}});
  const auto f = row_factors(causal, 5);
  for (int t = 0; t < 5; ++t) CHECK(f[t] == Approx(log_512(std::min(t + 1, 3))));
  Built both("window+logn", bidirectional(trained_on_512), {{"window.size", "3"}});
  const auto g = row_factors(both, 6);
  const double seen[] = {3, 4, 5, 5, 4, 3};
  for (int t = 0; t < 6; ++t) CHECK(g[t] == Approx(log_512(seen[t])));
}

TEST_CASE("log n multiplies into a factor that is there already") {
  Built b("logn", bidirectional(trained_on_512));
  const std::vector<int> at = range(0, 4), lengths{4, 2};
  const Positions p{.at = at, .lengths = lengths, .batch = 2, .tokens = 4};
  Dots s{.row = filled({1, 4}, 3)};
  b.encoding.scale_queries(s, {.layer = 0, .queries = p, .keys = p, .mask = {.causal = false}});
  CHECK(s.row.shape == Shape{2, 4});
  CHECK(s.row[1] == Approx(3 * log_512(4)));
  CHECK(s.row[5] == Approx(3 * log_512(2)));
}

TEST_CASE("log n needs a trained length with a logarithm") {
  CHECK_THROWS_WITH(Built("logn", wide(8, 2, 1)), Contains("logn"));
}

TEST_CASE("a window is as wide as told, or as the trained length") {
  auto width = [](const std::vector<Setting>& settings) {
    Built b("rope+window", wide(8, 2, 32), settings);
    Mask m;
    b.encoding.mask(m);
    return m.window;
  };
  CHECK(width({}) == 32);
  CHECK(width({{"window.size", "5"}}) == 5);
}

TEST_CASE("random positions are sorted, different, within range, and reach all of it") {
  Built b("random", wide(8, 2, 16));
  std::vector<int> seen(128);
  Draws draws(Random(1, "data"));
  for (int n = 0; n < 400; ++n) {
    const std::vector<int> at = b.encoding.place(10, 16, &draws);
    REQUIRE(at.size() == 10);
    for (int t = 1; t < 10; ++t) CHECK(at[t] > at[t - 1]);
    REQUIRE(at.front() >= 0);
    REQUIRE(at.back() < 128);
    for (int i : at) ++seen[i];
  }
  // Each position comes 31 ± 5.4 times: all of 128 within 5 deviations.
  for (int n : seen) CHECK(std::abs(n - 31.25) < 27);
}

TEST_CASE("random positions are spread evenly, left as they are or drawn in a test") {
  Built b("random", wide(8, 2, 16), {{"random.range", "100"}});
  CHECK(b.encoding.place(4, 4, nullptr) == std::vector<int>{0, 25, 50, 75});
  CHECK(b.encoding.place(2, 3, nullptr) == std::vector<int>{0, 33});  // decoding, L = 3
  CHECK_THROWS_WITH(b.encoding.place(101, 101, nullptr), Contains("--random.test first"));
  b.encoding.set_at_test("random.test", "sampled");
  const auto drawn = b.encoding.place(20, 20, nullptr), begun = b.encoding.place(7, 20, nullptr);
  CHECK(drawn == b.encoding.place(20, 20, nullptr));
  CHECK(std::vector<int>(drawn.begin(), drawn.begin() + 7) == begun);
  CHECK(std::is_sorted(drawn.begin(), drawn.end()));
  CHECK_THROWS_WITH(b.encoding.place(101, 101, nullptr), Contains("--random.test first"));
  b.encoding.set_at_test("random.test", "first");
  CHECK(b.encoding.place(101, 101, nullptr).empty());
}

TEST_CASE("offset shifts training by one number a batch and starts tests at 0") {
  Built b("offset", wide(8, 2, 16), {{"offset.range", "20"}});
  Draws draws(Random(1, "data"));
  std::vector<int> starts(5);
  for (int n = 0; n < 200; ++n) {
    const std::vector<int> at = b.encoding.place(16, 16, &draws);
    CHECK(at == range(at[0], 16));
    ++starts.at(at[0]);
  }
  for (int n : starts) CHECK(n > 15);  // 40 ± 5.7
  CHECK(b.encoding.place(16, 16, nullptr).empty());
}

TEST_CASE("drawn positions give tables a row for each position that training can show") {
  for (const std::string name : {"learned+random", "random+learned", "learned+offset"}) {
    Built b(name, wide(8, 2, 16));
    CHECK(b.parameter("learned.table").shape == Shape{128, 8});
  }
  Built b("learned+random", wide(8, 2, 16), {{"random.range", "20"}});
  CHECK(b.parameter("learned.table").shape == Shape{20, 8});
  CHECK_THROWS_WITH(Built("random", wide(8, 2, 16), {{"random.range", "15"}}),
                    Contains("random.range"));
  CHECK_THROWS_WITH(Built("offset", wide(8, 2, 16), {{"offset.range", "15"}}),
                    Contains("offset.range"));
}

TEST_CASE("a range that was left open is a number once the model is built") {
  Built b("random", wide(8, 2, 16));
  Options o = b.encoding.parts()[0].encoding->options();
  CHECK(text_of(*find(o, "range")) == "128");
}
