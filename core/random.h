#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace yonder {

/// Philox4x32-10: a counter and a key, mixed to 128 random bits.
/// Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key);

/// Random numbers that are a function of (seed, stream, step, index) alone: there is no state, and
/// the order of calls does not matter, so threads and resumed runs see the same numbers.
class Random {
 public:
  /// `stream` names what the numbers are for, e.g. "embed.weight" or "data.train".
  Random(std::uint64_t seed, std::string_view stream, std::uint32_t step = 0);

  std::uint32_t bits(std::uint64_t index) const { return block(index)[0]; }  ///< 32 random bits
  double uniform(std::uint64_t index) const;                                 ///< in [0, 1), 53 bits
  double normal(std::uint64_t index) const;  ///< mean 0, variance 1 (Box-Muller)
  /// 0..n-1, each equally likely (n ≥ 1); the bias is below n/2^64.
  std::uint64_t below(std::uint64_t n, std::uint64_t index) const;

  std::array<std::uint32_t, 4> block(std::uint64_t index) const;  ///< 128 random bits

 private:
  std::uint64_t seed_;
  std::uint32_t stream_, step_;
};

/// The numbers of one Random in sequence, for code that generates examples.
class RandomStream {
 public:
  explicit RandomStream(const Random& random) : random_(random) {}  ///< from index 0 on
  double uniform() { return random_.uniform(next_++); }             ///< in [0, 1)
  double normal() { return random_.normal(next_++); }               ///< mean 0, variance 1
  int below(int n) { return int(random_.below(std::uint64_t(n), next_++)); }  ///< in 0..n−1
  /// In lowest..highest.
  int between(int lowest, int highest) { return lowest + below(highest - lowest + 1); }

 private:
  Random random_;
  std::uint64_t next_ = 0;
};

}  // namespace yonder
