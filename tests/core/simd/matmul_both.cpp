#include "core/simd/matmul.h"

#include <limits>

#include "tests/support/catch.h"
#include "tests/support/tensors.h"

using namespace yonder;

namespace {

struct ProductCase {
  std::int64_t M, N, K;
  bool a_transposed = false, b_transposed = false, add = false;
};

std::vector<ProductCase> products() {
  std::vector<ProductCase> all;
  // One tile; one tile whose K oneDNN would split itself; many ragged tiles; pieces along K.
  const std::vector<ProductCase> sizes{{1, 1, 1},       {3, 5, 7},      {40, 2, 0},
                                       {32, 128, 128},  {8, 8, 8000},   {16, 16, 2000},
                                       {128, 128, 128}, {200, 70, 133}, {300, 260, 128},
                                       {40, 24, 2100},  {128, 130, 600}};
  for (const ProductCase& c : sizes)
    for (int layout = 0; layout < 8; ++layout)
      all.push_back({c.M, c.N, c.K, layout % 2 > 0, layout / 2 % 2 > 0, layout / 4 > 0});
  return all;
}

std::string name(const ProductCase& c) {
  const auto letter = [](bool transposed) { return transposed ? "ᵀ" : ""; };
  return std::string(c.add ? "C += A" : "C = A") + letter(c.a_transposed) + " B" +
         letter(c.b_transposed) + ", M N K = " + std::to_string(c.M) + " " + std::to_string(c.N) +
         " " + std::to_string(c.K);
}

struct Run {
  explicit Run(const ProductCase& s)
      : before({int(s.M), int(s.N) + gap}),
        c(before.shape),
        product{s.M,
                s.N,
                s.K,
                {numbers().data.get(), s.a_transposed ? s.M : s.K, s.a_transposed},
                {numbers().data.get() + s.M * s.K, s.b_transposed ? s.K : s.N, s.b_transposed},
                c.data.get(),
                s.N + gap,
                s.add} {
    std::copy_n(numbers().data.get() + 1000, c.size(), before.data.get());
    std::copy_n(numbers().data.get() + 1000, c.size(), c.data.get());
    matmul(product);
  }
  static const Tensor& numbers() {
    static const Tensor all = normal({200000});
    return all;
  }
  static constexpr int gap = 3;  // reals between the rows of C, not to be changed
  Tensor before, c;
  Product product;
};

double at(const Matrix& m, std::int64_t row, std::int64_t column) {
  return m.transposed ? m.data[column * m.stride + row] : m.data[row * m.stride + column];
}

// The largest error in C relative to the rounding bound, or 0 if none exceeds it: a sum of n terms,
// in any order, is off by at most n ε Σ|terms| (Higham 2002, sec. 4.2).
double worst(const Run& run) {
  const Product& p = run.product;
  double most = 0;
  for (std::int64_t i = 0; i < p.M; ++i)
    for (std::int64_t j = 0; j < p.N; ++j) {
      const std::int64_t at_c = i * p.c_stride + j;
      long double sum = p.add ? run.before[at_c] : 0, size = std::abs(sum);
      for (std::int64_t k = 0; k < p.K; ++k) {
        const long double term = (long double)(at(p.a, i, k)) * at(p.b, k, j);
        sum += term, size += std::abs(term);
      }
      const double allowed = double((p.K + 2) * std::numeric_limits<real>::epsilon() * size);
      const double error = double(std::abs(sum - run.c[at_c]));
      if (!(error <= allowed)) most = std::max(most, allowed > 0 ? error / allowed : 1e300);
    }
  return most;
}

}  // namespace

TEST_CASE("matmul is correct in every layout, added to C or not, and writes only C") {
  for (const ProductCase& c : products()) {
    INFO(name(c));
    const Run run(c);
    CHECK(worst(run) == 0);
    bool kept = true;
    for (std::int64_t i = 0; i < c.M; ++i)
      for (std::int64_t j = c.N; j < c.N + Run::gap; ++j)
        kept = kept && run.c[i * (c.N + Run::gap) + j] == run.before[i * (c.N + Run::gap) + j];
    CHECK(kept);
  }
}

TEST_CASE("matmul is bit-identical for any number of threads") {
  for (const ProductCase& c : products()) {
    INFO(name(c));
    CHECK(differing([&] { return std::vector{Run(c).c}; }) == "");
  }
}

TEST_CASE("matmul is bit-identical inside a parallel loop") {
  const ProductCase c{300, 70, 133};
  const Tensor alone = Run(c).c;
  std::vector<char> same(4);
  parallel_for(4, [&](std::int64_t i) { same[i] = same_bits(Run(c).c, alone); });
  CHECK(same == std::vector<char>(4, true));
}
