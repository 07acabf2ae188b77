#include "train/results/predictions.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/results_fixture.h"

using namespace yonder;
using Catch::Approx;

namespace {

// Exact match of seeds at the training length, in the bin after it, and in a later one.
void add_row(Results& r, const std::string& row, const std::vector<std::vector<double>>& seeds) {
  r.rows.push_back(parse_row(row));
  for (std::size_t seed = 0; seed < seeds.size(); ++seed)
    for (std::size_t i = 0; i < 3; ++i)
      r.scores.push_back({.row = r.rows.back(),
                          .length = r.lengths[i],
                          .seed = int(seed),
                          .loss = 0.1,
                          .token_accuracy = seeds[seed][i],
                          .exact_match = seeds[seed][i]});
}

Study predicted_study() {
  Results r{.task = "copy",
            .variant = "data.copy.alphabet=2",
            .train_length = 25,
            .lengths = {25, 50, 75},
            .bins = {{25, 1}, {50, 26}, {75, 51}},
            .seeds = 2};
  add_row(r, "rope", {{1, 0.95, 0}, {0.99, 0.87, 0}});   // 0.91 in the mean
  add_row(r, "alibi", {{0.98, 1, 1}, {1, 0.89, 1}});     // the first has not learned it
  add_row(r, "none", {{0.989, 1, 1}, {0.5, 0.9, 0.9}});  // neither has
  add_row(r, "t5", {{1, 0.2, 0}, {1, 0.3, 0}});
  return {.panels = {r},
          .predictions = {{.task = "copy",
                           .config = "data.copy.alphabet=2",
                           .generalise = {"rope", "alibi"},
                           .fail = {"none", "t5"}},
                          {.task = "sort", .fail = {"rope"}},
                          {.task = "copy", .fail = {"kerple"}}}};
}

}  // namespace

TEST_CASE("a row generalises if the seeds that learned its length have 90 % at the next") {
  const Study study = predicted_study();
  const auto all = predictions(study);
  REQUIRE(all.size() == 6);
  CHECK(all[0].outcome == Generalisation::generalises);
  CHECK(all[0].mean == Approx(0.91));
  CHECK(all[0].as_predicted());
  CHECK(all[1].outcome == Generalisation::fails);
  CHECK(all[1].fit == 1);
  CHECK(all[1].mean == 0.89);
  CHECK_FALSE(all[1].as_predicted());
  CHECK(all[2].outcome == Generalisation::not_learned);
  CHECK_FALSE(all[2].as_predicted());  // failing means nothing if it has not learned
  CHECK(all[3].outcome == Generalisation::fails);
  CHECK(all[3].as_predicted());
  CHECK(all[4].why == "no panel has its task and config");
  CHECK(all[5].why == "KERPLE was not run");
  CHECK(summary(study, all) == "2 of 6 as predicted; not learned: NoPE on copy (alphabet 2).");
  CHECK(said(study, all[0]) ==
        "RoPE on copy (alphabet 2): generalises, as predicted (2 of 2 seeds learned it; "
        "91.0 % at 26-50)");
  CHECK(said(study, all[1]).find("does not generalise, against the prediction (1 of 2") !=
        std::string::npos);
}

TEST_CASE("predictions read back from JSON, with their outcomes") {
  const std::string json = to_json(predicted_study());
  CHECK(nlohmann::json::parse(json)["outcomes"][0]["as_predicted"] == true);
  const Study back = study_from_json(json, "x");
  CHECK(to_json(back) == json);
}
