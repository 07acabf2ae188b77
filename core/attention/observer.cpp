#include "core/attention/observer.h"

#include <bit>
#include <cmath>
#include <cstdlib>

#include "core/attention/bias_strip.h"
#include "core/attention/row_state.h"
#include "core/parallel.h"

namespace yonder {
namespace {

// to += scale · from, which may be longer.
void add_to(std::vector<double>& to, const std::vector<double>& from, double scale) {
  to.resize(std::max(to.size(), from.size()));
  for (std::size_t i = 0; i < from.size(); ++i) to[i] += scale * from[i];
}

// Blocks of tokens of the sequence that has a map.
struct Blocks {
  std::int64_t count, tokens;

  std::size_t of(int token) const { return std::size_t(token * count / tokens); }
  std::int64_t first(std::int64_t block) const { return (block * tokens + count - 1) / count; }
  double size(std::size_t n) const { return double(first(int(n) + 1) - first(int(n))); }
};

}  // namespace

void HeadSums::add(const HeadSums& more) {
  rows += more.rows, told_rows += more.told_rows;
  entropy += more.entropy, distance += more.distance, within += more.within;
  first += more.first, own += more.own, top += more.top;
  spent += more.spent, told += more.told;
  add_to(by_distance, more.by_distance, 1), add_to(map, more.map, 1);
}

namespace fused {
namespace {

// Sums over the keys of one query row, with weights A that need not sum to 1.
struct RowSums {
  double weight = 0, surprise = 0;  // Σ A and Σ A (−ln A)
  double distance = 0, within = 0, first = 0, own = 0, top = 0, told = 0;
  std::vector<double> by_distance;
  std::vector<double> by_block;  // of keys; empty without a map
};

class Observation {
 public:
  Observation(const AttentionCall& call, const Tensor& log_sum_exp,
              const AttentionObserver& observer)
      : call_(call),
        log_sum_exp_(log_sum_exp),
        observer_(observer),
        tables_(by_distance(call)),
        packed_(call, Packed::Pass::forward),
        products_(call),
        blocks_{std::min(observer.blocks, call.queries.length(0)), call.queries.length(0)},
        sums_(std::size_t(call.B) * call.H) {
    for (int h = 0; h < call.H; ++h)
      sums_[std::size_t(h)].map.resize(std::size_t(blocks_.count * blocks_.count));
  }

  std::vector<HeadSums> heads() {
    if (Strips strips(call_); !strips.empty()) {
      strips.each([&](int first, IndexRange sequences) {
        parallel_for(std::int64_t(sequences.size()) * call_.H, [&](std::int64_t n) {
          const int h = int(n % call_.H);
          tile({sequences.begin + int(n / call_.H), h, first}, strips.bias(h));
        });
      });
    } else {
      parallel_for(std::int64_t(call_.B) * call_.H, [&](std::int64_t n) {
        for (int t = 0; t < call_.query_tiles(); ++t)
          tile({int(n / call_.H), int(n % call_.H), t * side}, nullptr);
      });
    }
    std::vector<HeadSums> all(call_.H);
    for (std::size_t n = 0; n < sums_.size(); ++n) all[n % std::size_t(call_.H)].add(sums_[n]);
    return all;
  }

 private:
  const AttentionCall& call_;
  const Tensor& log_sum_exp_;
  const AttentionObserver& observer_;
  ByDistance tables_;
  Packed packed_;
  PackedProducts products_;
  Blocks blocks_;
  std::vector<HeadSums> sums_;  // [B, H]

  int token(int row) const { return call_.queries.first + row; }
  int key_token(int row) const { return call_.keys.first + row; }

  void tile(TileOrigin place, const real* bias) {
    const int count = std::min(side, call_.queries_of(place.b) - place.first);
    std::vector<int> rows;
    for (int i = 0; i < count; ++i)
      if (observer_.observes(place.b, token(place.first + i))) rows.push_back(i);
    if (rows.empty()) return;
    RowSums nothing;
    if (place.b == 0) nothing.by_block.resize(std::size_t(blocks_.count));
    std::vector<RowSums> seen(side, nothing);
    walk(place, bias, rows, seen);
    for (const int i : rows) finish(place, i, seen[i]);
  }

  // Recomputes the scores of the rows, now that their log-sum-exp is known.
  void walk(TileOrigin place, const real* bias, const std::vector<int>& rows,
            std::vector<RowSums>& seen) {
    Workspace memory(QueryTile::reals(call_) + 2 * Square::size + Carried::reals(call_));
    const QueryTile queries(call_, tables_, place, bias, memory);
    const bool rim = tables_.any();
    const Square s(memory, rim), spare = call_.pairings.size() > 1 ? Square(memory, rim) : s;
    Carried carried(queries, products_, memory);
    const real* row_log_sum_exp = &log_sum_exp_[row_of(place)];
    real thresholds[side] = {};
    std::copy_n(row_log_sum_exp, queries.count, thresholds);
    each_key_tile(queries, packed_, [&](const TilePair& pair) {
      carried.scores(pair, s, spare);
      if (carried.stick_breaking) carried.stick_breaking->write_weights(pair, s);
      if (carried.entmax) carried.entmax->write_weights(pair, thresholds, s);
      for (int k = 0; k < pair.keys.count; ++k) {
        const IndexRange seen_by = pair.seen_by(k);
        for (const int i : rows) {
          if (i < seen_by.begin || i >= seen_by.end) continue;
          const double x = double(s.row(k)[i]);
          const bool known = carried.stick_breaking || carried.entmax;
          const double surprise = known ? -std::log(x) : double(row_log_sum_exp[i]) - x;
          add(place, i, pair.keys.first + k, known ? x : std::exp(-surprise), surprise, seen[i]);
        }
      }
    });
    if (call_.scores.weights != Weights::stick_breaking_remainder_to_own) return;
    for (const int i : rows)
      add(place, i, call_.own_key(place.first + i), row_log_sum_exp[i],
          -std::log(double(row_log_sum_exp[i])), seen[i]);
  }

  std::int64_t row_of(TileOrigin place) const {
    return (std::int64_t(place.b) * call_.H + place.h) * call_.Tq + place.first;
  }

  void add(TileOrigin place, int i, int key, double weight, double surprise, RowSums& row) const {
    if (!(weight > 0)) return;
    const int query = token(place.first + i), j = key_token(key), distance = std::abs(query - j);
    row.weight += weight, row.surprise += weight * surprise;
    row.distance += weight * distance;
    row.top = std::max(row.top, weight);
    if (distance < observer_.trained) row.within += weight;
    if (j == 0) row.first += weight;
    if (distance == 0) row.own += weight;
    if (const int lag = observer_.lag_of(place.b, query); lag >= 0 && query - j == lag)
      row.told += weight;
    const std::size_t bin = std::size_t(std::bit_width(unsigned(distance)));
    if (row.by_distance.size() <= bin) row.by_distance.resize(bin + 1);
    row.by_distance[bin] += weight;
    if (!row.by_block.empty()) row.by_block[blocks_.of(j)] += weight;
  }

  // Adds the row's shares, p = A/a, to the sums of its head.
  void finish(TileOrigin place, int i, const RowSums& row) {
    if (!(row.weight > 0)) return;
    HeadSums& to = sums_[std::size_t(place.b) * call_.H + place.h];
    const double share = 1 / row.weight;
    const int query = token(place.first + i);
    ++to.rows;
    to.entropy += std::log(row.weight) + share * row.surprise;
    to.distance += share * row.distance, to.within += share * row.within;
    to.first += share * row.first, to.own += share * row.own;
    to.top += share * row.top, to.spent += row.weight;
    if (observer_.lag_of(place.b, query) >= 0) ++to.told_rows, to.told += share * row.told;
    add_to(to.by_distance, row.by_distance, share);
    if (row.by_block.empty()) return;
    const std::size_t block = blocks_.of(query), blocks = row.by_block.size();
    for (std::size_t n = 0; n < blocks; ++n)
      to.map[block * blocks + n] += row.by_block[n] / blocks_.size(block);
  }
};

}  // namespace

std::vector<HeadSums> observe(const AttentionCall& call, const Tensor& log_sum_exp,
                              const AttentionObserver& observer) {
  return Observation(call, log_sum_exp, observer).heads();
}

}  // namespace fused
}  // namespace yonder
