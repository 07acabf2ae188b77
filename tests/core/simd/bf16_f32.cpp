// Matrix products of bf16 factors, on each unit that this machine has.
#include "core/simd/bf16.h"

#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "core/simd/matmul.h"
#include "tests/support/catch.h"
#include "tests/support/tensors.h"

using namespace yonder;

namespace {

double rounded(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return std::bit_cast<float>((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000);
}

struct Factors {
  int M, N, K;
  bool a_transposed, b_transposed;
  Tensor a = normal({M, K}, "a"), b = normal({K, N}, "b");

  real a_at(int i, int k) const { return a[a_transposed ? k * M + i : i * K + k]; }
  real b_at(int k, int j) const { return b[b_transposed ? j * K + k : k * N + j]; }
  Product product(const Tensor& c, bool add) const {
    return {M,
            N,
            K,
            {a.data.get(), a_transposed ? M : K, a_transposed},
            {b.data.get(), b_transposed ? K : N, b_transposed},
            c.data.get(),
            c.dim(1),
            add};
  }
  // Σ_k of products of rounded factors, and of their magnitudes.
  std::pair<double, double> exact(int i, int j) const {
    double sum = 0, size = 0;
    for (int k = 0; k < K; ++k) {
      const double term = rounded(a_at(i, k)) * rounded(b_at(k, j));
      sum += term, size += std::abs(term);
    }
    return {sum, size};
  }
};

void check_product(const Factors& x, bool add) {
  constexpr int gap = 3;  // reals between the rows of C, not to be changed
  const Tensor before = normal({x.M, x.N + gap}), c = Tensor::uninitialized(before.shape);
  std::copy_n(before.data.get(), c.size(), c.data.get());
  matmul(x.product(c, add));
  for (int i = 0; i < x.M; ++i) {
    for (int j = 0; j < x.N; ++j) {
      const real start = before[i * (x.N + gap) + j];
      const auto [sum, size] = x.exact(i, j);
      const double wanted = sum + (add ? start : 0);
      REQUIRE(std::abs(c[i * (x.N + gap) + j] - wanted) <= 2e-6 * (size + std::abs(start)));
    }
    for (int j = x.N; j < x.N + gap; ++j)
      REQUIRE(c[i * (x.N + gap) + j] == before[i * (x.N + gap) + j]);
  }
}

}  // namespace

TEST_CASE("a bf16 product is that of the rounded factors, in every layout and on every unit") {
  const WithPrecision scope(Precision::bf16);
  for (const bf16::Unit unit : bf16::units()) {
    const bf16::WithUnit by(unit);
    // Less than a tile; ragged tiles; several tiles along K; a sum over K in parts.
    for (const auto& [M, N, K] : std::vector<std::array<int, 3>>{{1, 1, 1},
                                                                 {3, 5, 7},
                                                                 {16, 16, 32},
                                                                 {17, 33, 65},
                                                                 {48, 40, 31},
                                                                 {200, 70, 133},
                                                                 {70, 150, 1100}})
      for (int layout = 0; layout < 8; ++layout) {
        INFO("unit " << int(unit) << " M N K " << M << " " << N << " " << K << " layout "
                     << layout);
        check_product({M, N, K, layout % 2 > 0, layout / 2 % 2 > 0}, layout / 4 > 0);
      }
  }
}

TEST_CASE("a bf16 product is bit-identical for any number of threads") {
  const WithPrecision scope(Precision::bf16);
  const Factors x{300, 260, 2100, true, false};
  for (const bf16::Unit unit : bf16::units()) {
    const bf16::WithUnit by(unit);
    CHECK(differing([&] {
            const Tensor c({x.M, x.N});
            matmul(x.product(c, false));
            return std::vector{c};
          }) == "");
  }
}

TEST_CASE("NaN and infinity survive the rounding to bf16") {
  const WithPrecision scope(Precision::bf16);
  for (const bf16::Unit unit : bf16::units()) {
    const bf16::WithUnit by(unit);
    const Tensor a({1, 2}), b({2, 1}), c({1, 1});
    b[0] = 1;
    for (const real x : {std::numeric_limits<real>::quiet_NaN(), std::bit_cast<real>(0x7f800001)}) {
      a[0] = x;
      matmul({1, 1, 2, {a.data.get(), 2}, {b.data.get(), 1}, c.data.get(), 1});
      CHECK(std::isnan(c[0]));
    }
    a[0] = std::numeric_limits<real>::infinity();
    matmul({1, 1, 2, {a.data.get(), 2}, {b.data.get(), 1}, c.data.get(), 1});
    CHECK(c[0] == a[0]);
  }
}
