#pragma once
#include <algorithm>
#include <cmath>
#include <string>

#include "core/error.h"

namespace yonder {

/// T5's buckets of distances: exact near 0, logarithmic up to max_distance.
///   bucket(x) = x below e, from there min(B−1, e + ⌊(B−e) ln(x/e)/ln(max_distance/e)⌋),  e = ⌊B/2⌋
/// With `two_sides`, half of the buckets, from B on, are for keys on the right. All distances from
/// max_distance on share the last one.  Raffel et al. 2020, arXiv:1910.10683,
/// sec. 2.1
struct LogBuckets {
  int buckets, max_distance;  ///< number; a distance from which on all share the last one
  bool two_sides;             ///< whether there are keys on the right

  /// Throws UsageError for an odd number, and for a max_distance without logarithmic buckets.
  void check(const std::string& owner) const {
    if (buckets % 2)
      throw UsageError(owner + ".buckets: " + std::to_string(buckets) +
                       " is odd; give an even number");
    if (max_distance <= exact())
      throw UsageError(owner + ".max_distance: distances up to " + std::to_string(exact()) +
                       " have buckets of their own; give more than that");
  }

  /// The bucket of a distance i − j.
  int operator()(int distance) const {
    const int B = side(), e = exact();
    const int right = two_sides && distance < 0 ? B : 0;
    const int x = two_sides ? std::abs(distance) : std::max(distance, 0);  // masked keys: bucket 0
    if (x < e) return right + x;
    const double log = std::log(double(x) / e) / std::log(double(max_distance) / e);
    return right + int(std::min(B - 1.0, e + std::floor(log * (B - e) + 1e-9)));
  }

 private:
  int side() const { return two_sides ? buckets / 2 : buckets; }  // B
  int exact() const { return side() / 2; }                        // e
};

}  // namespace yonder
