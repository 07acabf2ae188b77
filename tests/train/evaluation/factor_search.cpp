#include "train/evaluation/factor_search.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "tests/support/binary.h"
#include "tests/support/catch.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;

namespace {

// Squared distance from a set of factors that neither starting point is near.
double from_target(const Factors& f) {
  const Factors target{100, 100, 180, 320, 700};
  double sum = 0;
  for (std::size_t m = 0; m < f.size(); ++m) sum += std::pow(f[m] - target[m], 2);
  return sum;
}

const std::vector<Factors> two{{100, 150, 400, 800, 800}, {800, 800, 800, 800, 800}};

// The folder of a model trained to copy for a few steps.
std::string copier() {
  static const Folder folder;
  const std::string path = folder / "run";
  if (!std::filesystem::exists(path))
    REQUIRE(yonder_run("train --task copy --encoding rope --train-length 8 --width 32 --heads 2 "
                       "--layers 1 --batch 8 --steps 30 --threads 1 --quiet --out " +
                       path)
                .code == 0);
  return path;
}

const std::string small_search = " --length 24 --examples 4 --rounds 2 --population 8 --quiet";

double printed_loss(const std::string& err, const std::string& after) {
  return std::stod(err.substr(err.find(after) + after.size()));
}

}  // namespace

TEST_CASE("evolution tries rising factors from 1 to k, none twice, and never ends worse") {
  std::vector<Factors> tried;
  const auto all =
      evolve(two, 800, {.population = 16, .rounds = 10, .seed = 3}, [&](const Factors& f) {
        tried.push_back(f);
        return from_target(f);
      });
  CHECK(tried.size() == 16 + 10 * 8);
  CHECK(std::set<Factors>(tried.begin(), tried.end()).size() == tried.size());
  CHECK((tried[0] == two[0] && tried[1] == two[1]));
  for (const Factors& f : tried) {
    CHECK(std::is_sorted(f.begin(), f.end()));
    CHECK((f.front() >= 100 && f.back() <= 800));
  }
  REQUIRE(all.size() == tried.size());
  CHECK(std::is_sorted(all.begin(), all.end(),
                       [](const Candidate& a, const Candidate& b) { return a.loss < b.loss; }));
  CHECK(all.front().loss < 0.5 * from_target(two[0]));  // it improves
  // A loss that is low only at the first starting point: nothing can be better.
  const auto kept = evolve(two, 800, {}, [](const Factors& f) { return f == two[0] ? 0.0 : 1.0; });
  CHECK(kept.front().factors == two[0]);
}

TEST_CASE("evolution depends on its seed alone, and ends when no new factors are left") {
  const auto best = [](int seed) {
    return evolve(two, 800, {.seed = seed}, from_target).front().factors;
  };
  CHECK(best(1) == best(1));
  CHECK(best(1) != best(2));
  // one pair in [1, 1.02]: three sets
  CHECK(evolve({{100}, {102}}, 102, {}, from_target).size() == 3);
  CHECK(text_of_factors(Factors{100, 150, 105, 800, 1234}) == "1,1.5,1.05,8,12.34");
}

TEST_CASE("search prints factors that eval accepts, the same for any number of threads") {
  const Ran one = yonder_run("search " + copier() + small_search + " --threads 1"),
            two_threads = yonder_run("search " + copier() + small_search + " --threads 2");
  INFO(one.err);
  REQUIRE(one.code == 0);
  CHECK(one.out == two_threads.out);
  CHECK(one.out.starts_with("rope.scaling=longrope:rope.factors="));
  const double found = printed_loss(one.err, "found ");
  CHECK(found <= printed_loss(one.err, "yarn's "));
  CHECK(found <= printed_loss(one.err, "linear "));
  const std::string override = one.out.substr(0, one.out.size() - 1);
  CHECK(yonder_run("eval " + copier() + " --eval-lengths 24 --examples 4 --quiet --extensions " +
                   override)
            .code == 0);
  CHECK(std::count(one.out.begin(), one.out.end(), ',') == 7);  // 8 pairs

  const Ran kept = yonder_run("search " + copier() + small_search + " --rope.keep 4");
  CHECK_THAT(kept.out, ContainsSubstring(":rope.keep=4"));
}

TEST_CASE("search says why it cannot run") {
  const Ran near = yonder_run("search " + copier() + " --length 8");
  CHECK(near.code == 2);
  CHECK_THAT(near.err, ContainsSubstring("not beyond the training length"));
  const Folder folder;
  REQUIRE(yonder_run("train --task copy --encoding alibi --train-length 4 --width 16 --heads 2 "
                     "--layers 1 --batch 4 --steps 2 --threads 1 --quiet --out " +
                     (folder / "alibi"))
              .code == 0);
  const Ran other = yonder_run("search " + (folder / "alibi") + " --length 24");
  CHECK(other.code == 2);
  CHECK_THAT(other.err, ContainsSubstring("'alibi' has no rope"));
}
