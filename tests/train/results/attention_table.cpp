#include "train/results/attention_table.h"

#include <cmath>

#include "tests/support/catch.h"

using namespace yonder;
using Catch::Approx;

namespace {

HeadStatistics look(double keys, double within, double told = NAN) {
  return {.keys = keys, .within = within, .told = told};
}

}  // namespace

TEST_CASE("head statistics are means over rows, and keys is exp of the mean entropy") {
  HeadSums sums{.rows = 2, .entropy = 2 * std::log(3.0), .distance = 8, .within = 1};
  sums.by_distance = {0.5, 1.5};
  const auto all = looks({{HeadSums{}, sums}});
  REQUIRE(all.size() == 1);  // the head that saw nothing is omitted
  CHECK(all[0].head == 1);
  CHECK(all[0].keys == Approx(3));
  CHECK(all[0].distance == 4);
  CHECK(all[0].within == 0.5);
  CHECK(std::isnan(all[0].told));
  CHECK(all[0].by_distance[1] == 0.75);
  const auto names = attention_columns(6), cells = attention_cells(all[0], 6);
  CHECK(names.size() == cells.size());
  CHECK(names.back() == "d4");
  CHECK(attention_columns(1).back() == "d0");
  CHECK(attention_columns(1).size() == attention_cells(all[0], 1).size());
  CHECK(cells[11] == "");  // told
}

TEST_CASE("statistics of a model's heads at a length give its attention pattern") {
  CHECK(pattern({look(5, 0.95), look(3, 0.99)}, 1024) == AttentionPattern::near);
  CHECK(pattern({look(13, 0.03), look(18, 0.02)}, 1024) == AttentionPattern::sharp_at_wrong);
  CHECK(pattern({look(763, 0.06), look(276, 0.06)}, 1024) == AttentionPattern::spreads);
  CHECK(pattern({look(3, 0.95, 0.2), look(3, 0.1, 0.75)}, 1024) == AttentionPattern::finds);
  CHECK(pattern({look(100, 0.5), look(5, 0.95)}, 1024) == AttentionPattern::mixed);
  CHECK(pattern({}, 8) == AttentionPattern::mixed);
  CHECK(name_of(AttentionPattern::sharp_at_wrong) ==
        std::string("looks sharply at wrong far tokens"));
}
