// Products of q and k that depend on the tokens between them: wall and path.
#include "tests/support/catch.h"
#include "tests/support/gradcheck.h"
#include "tests/support/models.h"
#include "tests/support/worked_example.h"

using namespace yonder;
using Catch::Approx;

TEST_CASE("decaying columns match the worked example") {
  Tape tape;
  WorkedExample w;
  const Var logit = sines_by_head(600);
  w.dots.log_decay = real(-1) * softplus(real(-1) * logit);
  w.run(tape);
  check_numbers(w.row, {.092127, -.136611, -.162274, .785311});
  CHECK(w.loss == near_number(-.892382));
  CHECK(last_number(w.q.grad()) == near_number(-.095499));
  CHECK(last_number(w.k.grad()) == near_number(-.014350));
  CHECK(last_number(logit.grad()) == near_number(.010527));
}

TEST_CASE("accumulated reflections match the worked example") {
  Tape tape;
  WorkedExample w;
  const Var start = sines_by_head(700), beta = sines_by_head(800, 1);
  w.dots.path = {l2_normalized(start), real(2) * sigmoid(beta).view({1, four_tokens, two_heads})};
  w.run(tape);
  check_numbers(w.row, {.254489, -.052858, .475160, .785311});
  CHECK(w.loss == near_number(-1.928831));
  CHECK(last_number(w.q.grad()) == near_number(-.107097));
  CHECK(last_number(w.k.grad()) == near_number(-.022882));
}

TEST_CASE("gradients of reflections for w and beta match the worked example") {
  Tape tape;
  WorkedExample w;
  const Var unit = Var::parameter(l2_normalized(sines_by_head(700)).value());
  Tensor beta = sigmoid(sines_by_head(800, 1)).value().view({1, four_tokens, two_heads});
  for (real& x : beta.flat()) x *= 2;
  w.dots.path = {unit, Var::parameter(beta)};
  w.run(tape);
  CHECK(last_number(unit.grad()) == near_number(-.121995));
  CHECK(last_number(w.dots.path.beta.grad()) == near_number(-.035673));
}

TEST_CASE("reflections and decays of two columns match values computed by hand") {
  const auto three = [](std::vector<double> x, int columns) {
    Tensor y = Tensor::uninitialized({1, 3, 1, columns});
    for (std::size_t i = 0; i < x.size(); ++i) y[std::int64_t(i)] = real(x[i]);
    return Var(y);
  };
  const Positions at{.tokens = 3};
  const Var q = three({1, 2, .5, -1, 2, 1}, 2), k = three({1, -1, .5, 2, -1, 1}, 2);
  const Dots path{.q = q,
                  .k = k,
                  .path = {three({1, 0, .6, .8, 0, 1}, 2), three({1, 2, .5}, 1).view({1, 3, 1})}};
  const Var logit = three({0, 1, 1, -1, 2, 0}, 2);
  const Dots wall{.q = q, .k = k, .log_decay = real(-1) * softplus(real(-1) * logit)};
  const std::pair<Dots, std::vector<std::vector<double>>> rows[] = {
      {path, {{-.707107}, {.919239, -1.237437}, {1.513209, 1.414214, -.707107}}},
      {wall, {{-.707107}, {.448639, -1.237437}, {.815547, 1.329924, -.707107}}}};
  for (const auto& [dots, expected] : rows)
    for (int i = 0; i < 3; ++i) {
      // With unit vectors as values, the weights give the scores up to a constant.
      Tensor v({1, 3, 1, 3});
      for (int j = 0; j < 3; ++j) v[j * 4] = 1;
      const Tensor z =
          attention(dots, Var(v), {.scale = real(1 / std::sqrt(2.0))}, {}, at, at).value();
      for (int j = 0; j <= i; ++j)
        CHECK(std::log(double(z[i * 3 + j]) / double(z[i * 3 + i])) ==
              near_number(expected[i][j] - expected[i][i]));
    }
}

TEST_CASE("the directions of reflections match the worked example") {
  Built b("path", worked_dims, {{"path.rank", "3"}});
  put_parameter(b, "path.blocks.0.down.weight", sine_waves(900, {3, eight_columns}, 1.0 / 3));
  put_parameter(b, "path.blocks.0.up.weight", sine_waves(930, {eight_columns, 3}));
  put_parameter(b, "path.blocks.0.conv", sine_waves(960, {eight_columns, 3}));
  WorkedExample w;
  Attention a = w.call();
  a.per_keys = b.encoding.per_keys(w.n, 0);
  b.encoding.dots(w.dots, a);
  check_numbers(numbers_from(w.dots.path.w.value(),
                             ((four_tokens - 1) * two_heads + 1) * head_columns, head_columns),
                {.526519, .515196, .493303, .462604});
  CHECK(b.parameter("path.blocks.0.beta.bias")[1] == 0);
}

TEST_CASE("reflections of strength 0 and decays of none change nothing") {
  Built none("none", small), path("path", small), wall("wall", small, {{"wall.bias", "60"}});
  for (real& x : path.parameter("path.blocks.0.beta.bias").flat()) x = -800;  // β = 0
  const Sequence s(range(0, 9));
  const Var v(normal({1, 9, 2, 8}, "v"));
  const auto z = [&](Built& b) {
    const auto c = b.call(s);
    return attention(c.dots, v, c.scores, c.mask, s.positions, s.positions).value();
  };
  const Tensor plain = z(none), still = z(path), whole = z(wall);
  for (std::int64_t i = 0; i < plain.size(); ++i) {
    CHECK(still[i] == Approx(plain[i]).margin(1e-12));
    CHECK(whole[i] == Approx(plain[i]).margin(1e-12));
  }
}

TEST_CASE("decays that ignore content equal those of xpos, without its rotations") {
  Built wall("wall", small), xpos("xpos", small, {{"xpos.scale", "16"}});
  for (real& x : wall.parameter("wall.blocks.0.weight").flat()) x = 0;
  const int columns = small.head();
  const auto zeta = [&](int c) { return (2.0 * (c / 2) / columns + 0.4) / 1.4; };
  for (int c = 0; c < small.width; ++c) {
    const double log = std::log(zeta(c % columns)) / 16;
    wall.parameter("wall.blocks.0.bias")[c] = real(-std::log(std::expm1(-log)));
  }
  const Sequence s(range(0, 40));
  const auto call = wall.call(s);
  const naive::Call formula{.dots = call.dots,
                            .v = call.dots.k,
                            .scores = call.scores,
                            .mask = call.mask,
                            .queries = s.positions,
                            .keys = s.positions,
                            .bias = {}};
  for (const int i : {0, 17, 39})
    for (int j = 0; j <= i; ++j) {
      double score = 0;
      for (int c = 0; c < columns; ++c)
        score += double(call.dots.q.value()[(i * 2 + 1) * columns + c]) *
                 double(call.dots.k.value()[(j * 2 + 1) * columns + c]) *
                 std::pow(zeta(c), (i - j) / 16.0);
      CHECK(naive::Row(formula, 0, 1, i).score(j) ==
            Approx(score / std::sqrt(double(columns))).margin(1e-12));
    }
}

TEST_CASE(
    "forget gates combine with reflections, decays and rotations, each caching its own part") {
  for (const std::string name : {"path", "wall", "selective"})
    for (const std::string& names : {name + "+fox", "fox+" + name}) {
      Served kind{names, tiny_dims(), {}};
      Transformer model = kind.model();
      const std::vector<int> tokens = some_tokens(2 * 11);
      const Placed at(model.encoding(), {.batch = 2, .tokens = 11});
      const Tensor whole = model.logits(tokens, at).value();
      Transformer::Cache cache;
      for (int t = 0; t < 11; ++t) {
        const Tensor step =
            model
                .step(std::vector<int>{tokens[std::size_t(t)], tokens[std::size_t(11 + t)]}, 2, 11,
                      cache)
                .value();
        for (int b = 0; b < 2; ++b)
          CHECK(difference(row(whole, b, t), row(step.view({2, 1, 7}), b, 0)) < 1e-12);
      }
      const std::vector<int> targets = some_tokens(2 * 11, "targets");
      const auto loss = [&] { return cross_entropy(model.logits(tokens, at), targets); };
      const Worst worst = check_gradients(loss, model.parameters().all(), 3);
      INFO(names << " " << worst.where);
      CHECK(worst.error < 1e-6);
    }
}
