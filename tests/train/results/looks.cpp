#include "train/results/looks.h"

#include "tests/support/catch.h"
#include "tests/support/results_fixture.h"
#include "train/results/study.h"

using namespace yonder;

namespace {

// At 512: rope looks sharply at wrong far tokens in two seeds of three, kerple near.
Results observed() {
  Results r = found_text();
  for (int seed = 0; seed < 3; ++seed) {
    const double keys = seed == 2 ? 400 : 10;
    r.attention.push_back({r.rows[1], seed, 512, 512, {{.rows = 9, .keys = keys, .within = 0.1}}});
    r.attention.push_back({r.rows[0],
                           seed,
                           512,
                           512,
                           {{.rows = 9, .keys = 3, .within = 0.95},
                            {.head = 1, .rows = 9, .keys = 5. + seed, .within = 1}}});
  }
  for (AttentionScore& a : r.attention)
    for (HeadStatistics& h : a.heads) h.told = unknown, h.by_distance = {0.25, 0.75};
  r.attention[0].heads[0].map = {1, 0, 0.123456, 0.75};
  return r;
}

}  // namespace

TEST_CASE("a row's attention pattern is that of most seeds") {
  const Results r = observed();
  const SharedGaze rope = gaze_of(r, r.rows[1], 512);
  CHECK(rope.pattern == AttentionPattern::sharp_at_wrong);
  CHECK(rope.seeds == 2);
  CHECK(rope.of == 3);
  CHECK(gaze_of(r, r.rows[1], 64).of == 0);
  CHECK(where_it_looks(r) ==
        "Attention at 8×: KERPLE looks near; RoPE looks sharply at wrong far tokens.");
  CHECK(where_it_looks(found_text()).empty());
  const Spread keys = over_heads(r, r.rows[0], 512, &HeadStatistics::keys);
  CHECK(keys.count == 6);
  CHECK(keys.least == 3);
  CHECK(keys.most == 7);
}

TEST_CASE("attention is the same in results.json after a round trip") {
  const Study study{.name = "a", .panels = {observed()}};
  const std::string json = to_json(study);
  const Study again = study_from_json(json, "results.json");
  CHECK(to_json(again) == json);
  CHECK(attention_csv(again) == attention_csv(study));
  CHECK(attention_csv({.panels = {found_text()}}).empty());
  CHECK(again.panels[0].attention[0].heads[0].map == std::vector<double>{1, 0, 0.1235, 0.75});
  CHECK(again.panels[0].attention[1].heads[0].map.empty());
  CHECK_THAT(
      attention_map_csv(again),
      Catch::Matchers::EndsWith("train_length,layer,head,query,k0,k1\n"
                                "rope,,text,,,fixed-targets,512,512,0,64,0,0,0,1,0\n"
                                "rope,,text,,,fixed-targets,512,512,0,64,0,0,1,0.1235,0.75\n"));
  Study wrong = study;
  wrong.panels[0].attention[0].heads[0].within = 1.5;
  CHECK_THROWS(study_from_json(to_json(wrong), "results.json"));
  wrong = study;
  wrong.panels[0].attention[0].heads[0].map.pop_back();
  CHECK_THROWS(study_from_json(to_json(wrong), "results.json"));
}
