#include <fmt/core.h>
#include <cmath>
#include <set>
#include <tuple>

#include "core/error.h"
#include "train/results/study.h"

namespace yonder {
namespace {

void require(bool holds, const std::string& otherwise) {
  if (!holds) throw UsageError(otherwise);
}

void require_share(double x, const char* name) {
  const double most = 1 + 1e-9;  // chance is a sum that may round above 1
  require(std::isnan(x) || (x >= 0 && x <= most),
          fmt::format("{} is {:f}, and no share of 0 to 1", name, x));
}

void require_loss(double x) {
  require(std::isnan(x) || x >= 0, fmt::format("a loss is {:f}, below 0", x));
}

void require_length(int length) {
  require(length > 0, fmt::format("a length is {}, below 1", length));
}

std::string name_of(const Row& row) { return row.encoding + ":" + row.extension_text(); }

void require_possible(const std::vector<EvalScore>& scores) {
  std::set<std::tuple<std::string, int, int, int>> seen;
  for (const EvalScore& s : scores) {
    require_length(s.length);
    require(s.tokens >= 0 && s.examples >= 0 && s.step >= 0,
            "a score of " + s.row.label() + " counts tokens, examples or steps below 0");
    require_loss(s.loss);
    require_share(s.token_accuracy, "an accuracy");
    require_share(s.exact_match, "a share of whole answers");
    require(seen.insert({name_of(s.row), s.length, s.seed, s.step}).second,
            fmt::format("{} has two scores of seed {} at {}", s.row.label(), s.seed, s.length));
  }
}

}  // namespace

void require_possible(const Results& r) {
  std::set<int> lengths;
  for (int length : r.lengths) {
    require_length(length);
    require(lengths.insert(length).second, fmt::format("length {} is listed twice", length));
  }
  for (const auto& [most, least] : r.bins)
    require(0 < least && least < most,
            fmt::format("a bin is from {} to {}, and no bin of lengths", least, most));
  std::set<std::string> rows;
  for (const Row& row : r.rows)
    require(rows.insert(name_of(row)).second, row.label() + " is two rows");
  require(r.train_length >= 0, fmt::format("the training length is {}, below 0", r.train_length));
  require(r.chance.empty() || r.chance.size() == r.lengths.size(),
          fmt::format("there are {} chances for {} lengths", r.chance.size(), r.lengths.size()));
  for (double share : r.chance) require_share(share, "a chance");
  require_loss(r.unigram_loss);
  for (const auto* scores : {&r.scores, &r.late_checkpoints, &r.learning_curve})
    require_possible(*scores);
  for (const Curve& c : r.curves)
    for (double loss : c.loss) require_loss(loss);
  for (const LagScore& l : r.lags) {
    require_length(l.length);
    require(0 <= l.from && l.from < l.to && l.count >= 0,
            fmt::format("lags from {} to {} are counted {} times", l.from, l.to, l.count));
    require_share(l.token_accuracy, "an accuracy by lag");
  }
  for (const AttentionScore& look : r.attention) {
    require_length(look.length);
    require(!look.heads.empty(), look.row.label() + " has a look without heads");
    for (const HeadStatistics& h : look.heads) {
      require(h.layer >= 0 && h.head >= 0 && h.rows > 0, "a head or its rows are counted below 0");
      for (const double share : {h.within, h.first, h.own, h.top, h.told})
        require_share(share, "a share of attention");
      require(h.map.size() == std::size_t(h.blocks()) * std::size_t(h.blocks()),
              fmt::format("a map of attention has {} numbers, no square", h.map.size()));
      for (const double share : h.map) require_share(share, "a share of attention");
    }
  }
}

void require_whole(const Study& study) {
  require(!study.panels.empty(), "there is no panel");
  for (const Results& r : study.panels) {
    require(r.train_length > 0, r.title() + " has no training length");
    require(!r.lengths.empty(), r.title() + " has no length");
    require(!r.rows.empty(), r.title() + " has no row");
  }
}

}  // namespace yonder
