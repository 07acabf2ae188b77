#pragma once
#include <cmath>
#include <string>
#include <vector>

#include "core/ops/ops.h"
#include "tests/support/attention_reference.h"
#include "tests/support/catch.h"
#include "tests/support/encodings.h"

/// \file
/// Attention with two heads of dimension four over four tokens, whose values are known.
namespace yonder {

inline constexpr int two_heads = 2, four_tokens = 4, head_columns = 4, eight_columns = 8;
inline const Dims worked_dims{.vocabulary = 7,
                              .width = eight_columns,
                              .heads = two_heads,
                              .layers = 1,
                              .mlp = 8,
                              .trained = 4};

/// sin(start), sin(start + 1), …, row by row.
inline Tensor sine_waves(double start, Shape shape, double times = 1, double more = 0) {
  Tensor x = Tensor::uninitialized(std::move(shape));
  for (std::int64_t i = 0; i < x.size(); ++i)
    x[i] = real(times * std::sin(start + double(i)) + more);
  return x;
}

/// The same, but counting heads before tokens, as [1, four_tokens, two_heads, columns].
inline Var sines_by_head(double start, int columns = head_columns) {
  Tensor x = Tensor::uninitialized({1, four_tokens, two_heads, columns});
  for (int h = 0; h < two_heads; ++h)
    for (int t = 0; t < four_tokens; ++t)
      for (int c = 0; c < columns; ++c)
        x[(t * two_heads + h) * columns + c] =
            real(std::sin(start + (h * four_tokens + t) * columns + c));
  return Var::parameter(x);
}

inline double last_number(const Tensor& x) { return double(x[x.size() - 1]); }

/// Attention of the worked example, plus what a test adds to it.
struct WorkedExample {
  Var q = sines_by_head(0), k = sines_by_head(100), v = sines_by_head(200);
  Var n = Var::parameter(sine_waves(300, {1, four_tokens, eight_columns}));
  Dots dots{.q = q, .k = k};
  ScoreTerms scores{.scale = real(0.5)};
  Tensor z;
  double loss = 0;
  std::vector<double> row;  // scores of token 3 in head 1

  // Computes everything, and the gradients of the loss Λ.
  void run(Tape& tape) {
    const Positions at{.tokens = four_tokens};
    const Var out = attention(dots, v, scores, {}, at, at);
    z = out.value();
    const naive::Call call{
        .dots = dots, .v = v, .scores = scores, .mask = {}, .queries = at, .keys = at, .bias = {}};
    for (int j = 0; j < four_tokens; ++j)
      row.push_back(naive::Row(call, 0, 1, four_tokens - 1).score(j));
    const Var total = sum(out * Var(sines_by_head(500).value()));
    loss = double(total.value()[0]);
    tape.backward(total);
  }
  // For an encoding's hooks, which are called before run().
  Attention call() const {
    const Positions at{.tokens = four_tokens};
    return {.layer = 0, .queries = at, .keys = at, .mask = {}, .input = n};
  }
};

inline void check_numbers(const std::vector<double>& row, const std::vector<double>& expected) {
  REQUIRE(row.size() == expected.size());
  for (std::size_t j = 0; j < row.size(); ++j)
    CHECK(row[j] == Approx(expected[j]).margin(1e-6).epsilon(0));
}

inline auto near_number(double x) { return Approx(x).margin(1e-6).epsilon(0); }

inline std::vector<double> numbers_from(const Tensor& x, std::int64_t first, int count) {
  std::vector<double> all;
  for (int c = 0; c < count; ++c) all.push_back(double(x[first + c]));
  return all;
}

inline void put_parameter(Built& b, const std::string& parameter, const Tensor& value) {
  const Tensor& to = b.parameter(parameter);
  REQUIRE(to.shape == value.shape);
  std::copy_n(value.data.get(), value.size(), to.data.get());
}

}  // namespace yonder
