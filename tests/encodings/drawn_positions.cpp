#include "tests/support/catch.h"
#include "tests/support/encodings.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("random positions are sorted and distinct, and cover the whole range") {
  Built b("random", wide(8, 2, 16));
  std::vector<int> seen(128);
  RandomStream draws(Random(1, "data"));
  for (int n = 0; n < 400; ++n) {
    const std::vector<int> at = b.encoding.sample_positions({1, 10, 16, &draws});
    REQUIRE(at.size() == 10);
    for (int t = 1; t < 10; ++t) CHECK(at[t] > at[t - 1]);
    REQUIRE(at.front() >= 0);
    REQUIRE(at.back() < 128);
    for (int i : at) ++seen[i];
  }
  // Each position occurs 31 ± 5.4 times: all of 128 within 5 standard deviations.
  for (int n : seen) CHECK(std::abs(n - 31.25) < 27);
}

TEST_CASE("at inference, random positions are spread evenly, left consecutive or drawn") {
  Built b("random", wide(8, 2, 16), {{"random.range", "100"}});
  CHECK(b.encoding.sample_positions({1, 4, 4}) == std::vector<int>{0, 25, 50, 75});
  CHECK(b.encoding.sample_positions({1, 2, 3}) == std::vector<int>{0, 33});  // decoding, L = 3
  CHECK_THROWS_WITH(b.encoding.sample_positions({1, 101, 101}),
                    ContainsSubstring("--random.test first"));
  b.encoding.set_at_inference("random.test", "sampled");
  const auto drawn = b.encoding.sample_positions({1, 20, 20}),
             begun = b.encoding.sample_positions({1, 7, 20});
  CHECK(drawn == b.encoding.sample_positions({1, 20, 20}));
  CHECK(std::vector<int>(drawn.begin(), drawn.begin() + 7) == begun);
  CHECK(std::is_sorted(drawn.begin(), drawn.end()));
  CHECK_THROWS_WITH(b.encoding.sample_positions({1, 101, 101}),
                    ContainsSubstring("--random.test first"));
  b.encoding.set_at_inference("random.test", "first");
  CHECK(b.encoding.sample_positions({1, 101, 101}).empty());
}

TEST_CASE("offset shifts each training batch by a random number and starts inference at 0") {
  Built b("offset", wide(8, 2, 16), {{"offset.range", "20"}});
  RandomStream draws(Random(1, "data"));
  std::vector<int> starts(5);
  for (int n = 0; n < 200; ++n) {
    const std::vector<int> at = b.encoding.sample_positions({1, 16, 16, &draws});
    CHECK(at == range(at[0], 16));
    ++starts.at(at[0]);
  }
  for (int n : starts) CHECK(n > 15);  // 40 ± 5.7
  CHECK(b.encoding.sample_positions({1, 16, 16}).empty());
}

TEST_CASE("PoSE skips once, from a position in the first half to any position within range") {
  Built b("pose", wide(8, 2, 16), {{"pose.range", "40"}});
  RandomStream draws(Random(1, "data"));
  std::vector<int> cuts(16), skips(25);
  for (int n = 0; n < 4000; ++n) {
    const std::vector<int> at = b.encoding.sample_positions({1, 16, 16, &draws});
    const int skipped = at[15] - 15;
    int cut = 1;
    while (cut < 15 && at[cut] == cut) ++cut;
    for (int t = 0; t < 16; ++t) REQUIRE(at[t] == (t < cut ? t : t + skipped));
    ++skips.at(skipped);
    if (skipped) ++cuts.at(cut);
  }
  for (int n : skips) CHECK(std::abs(n - 160) < 63);  // 5 standard deviations
  for (int v = 1; v <= 8; ++v) CHECK(std::abs(cuts[v] - 480) < 103);
  CHECK(std::accumulate(cuts.begin() + 1, cuts.begin() + 9, 0) + skips[0] == 4000);
  CHECK(b.encoding.sample_positions({1, 1, 16, &draws}) == std::vector<int>{0});
  CHECK(b.encoding.sample_positions({1, 16, 16}).empty());
  CHECK_THROWS_WITH(b.encoding.sample_positions({1, 41, 41, &draws}),
                    ContainsSubstring("pose: 41 tokens don't fit"));
  CHECK_THROWS_WITH(Built("pose", wide(8, 2, 16), {{"pose.range", "15"}}),
                    ContainsSubstring("pose.range"));
}

TEST_CASE("positions may be drawn for each sequence") {
  for (const std::string name : {"offset", "pose", "random"}) {
    Built one(name, wide(8, 2, 16)), own(name, wide(8, 2, 16), {{name + ".per", "sequence"}});
    RandomStream draws(Random(1, "data")), same(Random(1, "data"));
    CHECK(one.encoding.sample_positions({3, 16, 16, &draws}).size() == 16);
    const std::vector<int> first = own.encoding.sample_positions({1, 16, 16, &same});
    CHECK(first.size() == 16);
    const std::vector<int> at = own.encoding.sample_positions({3, 16, 16, &draws});
    REQUIRE(at.size() == 48);
    CHECK(!std::equal(at.begin(), at.begin() + 16, at.begin() + 16));
    CHECK(!std::equal(at.begin() + 16, at.begin() + 32, at.begin() + 32));
  }
  Built own("coupled", wide(8, 2, 16), {{"coupled.per", "sequence"}});
  const std::vector<int> digits{-1, 1, 0, -1, -1, 1, 0, -1};
  RandomStream draws(Random(1, "data"));
  std::vector<int> at;
  do at = own.encoding.positions_from_digits(digits, 4, &draws);
  while (at[1] == at[5]);
  for (const int b : {0, 4}) {
    CHECK(at[b] == 0);
    CHECK(at[b + 1] == at[b + 2] + 1);
    CHECK(at[b + 3] == at[b + 2] - 1);
  }
  CHECK(own.encoding.positions_from_digits(digits, 4, nullptr) ==
        std::vector<int>{0, 3, 2, 1, 0, 3, 2, 1});
}

TEST_CASE("random positions may be drawn for each layer's attention") {
  Dims dims = wide(8, 2, 16);
  dims.layers = 3;
  Built one("random", dims), own("rope+random", dims, {{"random.layers", "true"}});
  CHECK(one.encoding.placements() == 1);
  CHECK(own.encoding.placements() == 3);
  own.encoding.set_at_inference("random.test", "sampled");
  const auto first = own.encoding.sample_positions({1, 9, 16, nullptr, 0});
  CHECK(first != own.encoding.sample_positions({1, 9, 16, nullptr, 1}));
  own.encoding.set_at_inference("random.test", "even");
  CHECK(own.encoding.sample_positions({1, 9, 16, nullptr, 0}) ==
        own.encoding.sample_positions({1, 9, 16, nullptr, 2}));
}

TEST_CASE("with drawn positions, tables have a row for each position that training can draw") {
  for (const std::string name :
       {"learned+random", "random+learned", "learned+offset", "learned+pose"}) {
    Built b(name, wide(8, 2, 16));
    CHECK(b.parameter("learned.table").shape == Shape{128, 8});
  }
  Built b("learned+random", wide(8, 2, 16), {{"random.range", "20"}});
  CHECK(b.parameter("learned.table").shape == Shape{20, 8});
  CHECK_THROWS_WITH(Built("random", wide(8, 2, 16), {{"random.range", "15"}}),
                    ContainsSubstring("random.range"));
  CHECK_THROWS_WITH(Built("offset", wide(8, 2, 16), {{"offset.range", "15"}}),
                    ContainsSubstring("offset.range"));
}

TEST_CASE("an unset range gets its value when the model is built") {
  Built b("random", wide(8, 2, 16));
  Options o = b.encoding.components()[0].encoding->options();
  CHECK(text_of(*find(o, "range")) == "128");
}
