#include "core/random.h"

#include <cmath>
#include <numbers>

namespace yonder {
namespace {

// FNV-1a: hashes a stream's name to a word of Philox's counter.
std::uint32_t hash(std::string_view name) {
  std::uint32_t h = 2166136261u;
  for (unsigned char c : name) h = (h ^ c) * 16777619u;
  return h;
}

double unit(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t bits = (std::uint64_t(high) << 32 | low) >> 11;
  return double(bits) * 0x1p-53;
}

}  // namespace

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> x,
                                    std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t(0xD2511F53u) * x[0];
    const std::uint64_t b = std::uint64_t(0xCD9E8D57u) * x[2];
    x = {std::uint32_t(b >> 32) ^ x[1] ^ key[0], std::uint32_t(b),
         std::uint32_t(a >> 32) ^ x[3] ^ key[1], std::uint32_t(a)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return x;
}

Random::Random(std::uint64_t seed, std::string_view stream, std::uint32_t step)
    : seed_(seed), stream_(hash(stream)), step_(step) {}

std::array<std::uint32_t, 4> Random::block(std::uint64_t index) const {
  return philox({std::uint32_t(index), std::uint32_t(index >> 32), step_, stream_},
                {std::uint32_t(seed_), std::uint32_t(seed_ >> 32)});
}

double Random::uniform(std::uint64_t index) const {
  const auto x = block(index);
  return unit(x[0], x[1]);
}

double Random::normal(std::uint64_t index) const {
  const auto x = block(index);
  const double radius = std::sqrt(-2 * std::log(1 - unit(x[0], x[1])));
  return radius * std::cos(2 * std::numbers::pi * unit(x[2], x[3]));
}

std::uint64_t Random::below(std::uint64_t n, std::uint64_t index) const {
  const auto x = block(index);
  const std::uint64_t bits = std::uint64_t(x[0]) << 32 | x[1];
  return std::uint64_t((static_cast<unsigned __int128>(bits) * n) >> 64);
}

}  // namespace yonder
