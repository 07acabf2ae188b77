// Numbers worked out for two heads of four columns and four tokens, and what holds of qknorm, gate,
// adaptive scalable softmax, entmax, wall and path whatever the numbers.
#include "core/ops/ops.h"
#include "tests/support/attention_reference.h"
#include "tests/support/catch.h"
#include "tests/support/encodings.h"
#include "tests/support/gradcheck.h"
#include "tests/support/models.h"

using namespace yonder;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr int two_heads = 2, four_tokens = 4, head_columns = 4, eight_columns = 8;
const Dims worked_dims{.vocabulary = 7,
                       .width = eight_columns,
                       .heads = two_heads,
                       .layers = 1,
                       .mlp = 8,
                       .trained = 4};

// sin(start), sin(start + 1), …, row by row.
Tensor waves(double start, Shape shape, double times = 1, double more = 0) {
  Tensor x = Tensor::uninitialized(std::move(shape));
  for (std::int64_t i = 0; i < x.size(); ++i)
    x[i] = real(times * std::sin(start + double(i)) + more);
  return x;
}

// The same where heads come before tokens, as [1, four_tokens, two_heads, columns].
Var by_head(double start, int columns = head_columns) {
  Tensor x = Tensor::uninitialized({1, four_tokens, two_heads, columns});
  for (int h = 0; h < two_heads; ++h)
    for (int t = 0; t < four_tokens; ++t)
      for (int c = 0; c < columns; ++c)
        x[(t * two_heads + h) * columns + c] =
            real(std::sin(start + (h * four_tokens + t) * columns + c));
  return Var::parameter(x);
}

double last(const Tensor& x) { return double(x[x.size() - 1]); }

// Attention of the worked example, with what a test adds to it.
struct Worked {
  Var q = by_head(0), k = by_head(100), v = by_head(200);
  Var n = Var::parameter(waves(300, {1, four_tokens, eight_columns}));
  Dots dots{.q = q, .k = k};
  ScoreTerms scores{.scale = real(0.5)};
  Tensor z;
  double loss = 0;
  std::vector<double> row;  // scores of token 3 in head 1

  // Computes all, and the gradients of Λ.
  void run(Tape& tape) {
    const Positions at{.tokens = four_tokens};
    const Var out = attention(dots, v, scores, {}, at, at);
    z = out.value();
    const naive::Call call{
        .dots = dots, .v = v, .scores = scores, .mask = {}, .queries = at, .keys = at, .bias = {}};
    for (int j = 0; j < four_tokens; ++j)
      row.push_back(naive::Row(call, 0, 1, four_tokens - 1).score(j));
    const Var total = sum(out * Var(by_head(500).value()));
    loss = double(total.value()[0]);
    tape.backward(total);
  }
  // The hooks of an encoding first.
  Attention call() const {
    const Positions at{.tokens = four_tokens};
    return {.layer = 0, .queries = at, .keys = at, .mask = {}, .input = n};
  }
};

void check_row(const std::vector<double>& row, const std::vector<double>& expected) {
  REQUIRE(row.size() == expected.size());
  for (std::size_t j = 0; j < row.size(); ++j)
    CHECK(row[j] == Approx(expected[j]).margin(1e-6).epsilon(0));
}

auto about(double x) { return Approx(x).margin(1e-6).epsilon(0); }

std::vector<double> numbers_of(const Tensor& x, std::int64_t first, int count) {
  std::vector<double> all;
  for (int c = 0; c < count; ++c) all.push_back(double(x[first + c]));
  return all;
}

void assign(Built& b, const std::string& parameter, const Tensor& value) {
  const Tensor& to = b.parameter(parameter);
  REQUIRE(to.shape == value.shape);
  std::copy_n(value.data.get(), value.size(), to.data.get());
}

}  // namespace

TEST_CASE("the worked example of plain attention has its numbers") {
  Tape tape;
  Worked w;
  w.run(tape);
  check_row(w.row, {.821040, -.406241, -.289966, .785311});
  CHECK(w.loss == about(-1.618991));
  CHECK(last(w.q.grad()) == about(-.122318));
  CHECK(last(w.k.grad()) == about(-.025422));
}

TEST_CASE("normed queries and keys give the numbers worked out for them") {
  Built b("qknorm", worked_dims);
  assign(b, "qknorm.blocks.0.query", waves(2000, {head_columns}, .5, 1));
  assign(b, "qknorm.blocks.0.key", waves(2100, {head_columns}, .5, 1));
  Tape tape;
  Worked w;
  b.encoding.normed(w.dots, w.call());
  w.run(tape);
  check_row(w.row, {1.685752, -.982603, -.278515, 1.305647});
  CHECK(w.loss == about(-1.217833));
  CHECK(last(w.q.grad()) == about(-.079138));
  CHECK(last(w.k.grad()) == about(.070672));
  CHECK(last(b.parameters.find("encoding.qknorm.blocks.0.query").grad()) == about(-.071083));
  CHECK(last(b.parameters.find("encoding.qknorm.blocks.0.key").grad()) == about(-.069983));
}

TEST_CASE("normed keys alone give the numbers worked out for them") {
  Built b("qknorm", worked_dims, {{"qknorm.of", "key"}, {"qknorm.learned", "none"}});
  CHECK(b.parameters.all().empty());
  Tape tape;
  Worked w;
  b.encoding.normed(w.dots, w.call());
  w.run(tape);
  check_row(w.row, {1.284654, -.606437, -.372348, 1.088735});
}

TEST_CASE("a learned scale of normed queries multiplies each head's scores by its own") {
  Built plain("qknorm", small, {{"qknorm.learned", "none"}}),
      scaled("qknorm", small, {{"qknorm.learned", "scale"}});
  scaled.parameter("qknorm.blocks.0.scale")[1] = real(2.5);
  const Sequence s(range(0, 6));
  const auto a = plain.call(s), b = scaled.call(s);
  CHECK(b.score(0, 5, 2) == Approx(a.score(0, 5, 2)));
  CHECK(b.score(1, 5, 2) == Approx(2.5 * a.score(1, 5, 2)));
}

TEST_CASE("norms without weights and rotations may change places") {
  Built b("rope+qknorm", small, {{"qknorm.learned", "none"}}), rope("rope", small),
      norm("qknorm", small, {{"qknorm.learned", "none"}});
  const Sequence s(range(3, 7));
  const auto turned = rope.call(s), both = b.call(s);
  const auto after = norm.call(s, turned.dots.q.value(), turned.dots.k.value());
  for (int i = 0; i < 7; ++i) CHECK(both.score(1, 6, i) == Approx(after.score(1, 6, i)));
}

TEST_CASE("gates of attention's output give the numbers worked out for them") {
  Tape tape;
  Worked w;
  w.run(tape);
  const std::pair<std::string, std::pair<Tensor, std::vector<double>>> forms[] = {
      {"head", {waves(2200, {two_heads, eight_columns}), {.463491, .014553, -.447766, -.498410}}},
      {"element",
       {waves(2300, {eight_columns, eight_columns}), {.012390, .014909, -.499147, -.029353}}}};
  for (const auto& [by, form] : forms) {
    Built b("gate", worked_dims, {{"gate.by", by}});
    assign(b, "gate.blocks.0.weight", form.first);
    const Tensor z = b.encoding.output(Var(w.z), w.call()).value();
    REQUIRE(z.shape == w.z.shape);
    check_row(numbers_of(z, ((four_tokens - 1) * two_heads + 1) * head_columns, head_columns),
              form.second);
  }
}

TEST_CASE("adaptive scalable softmax gives the factors worked out for it") {
  for (const int heads : {0, 1}) {
    Built b("ssmax", worked_dims,
            {{"ssmax.kind", "adaptive"}, {"ssmax.heads", std::to_string(heads)}});
    const int rows = heads ? heads : two_heads;
    const auto of_last_head = [&](double start) {
      const Tensor all = waves(start, {two_heads, eight_columns});
      Tensor own = Tensor::uninitialized({rows, eight_columns});
      std::copy_n(&all[(two_heads - rows) * eight_columns], rows * eight_columns, own.data.get());
      return own;
    };
    assign(b, "ssmax.blocks.0.beta", of_last_head(1200));
    assign(b, "ssmax.blocks.0.gamma", of_last_head(1300));
    Worked w;
    w.dots.q = Var(filled({1, four_tokens, two_heads, head_columns}, 1));
    b.encoding.scale_queries(w.dots, w.call());
    std::vector<double> factors;
    for (int t = 0; t < four_tokens; ++t)
      factors.push_back(double(w.dots.q.value()[(t * two_heads + 1) * head_columns]));
    check_row(factors, {1.024976, 2.347966, 9.100223, 1.051512});
    if (heads) CHECK(w.dots.q.value()[0] == 1);
  }
}

namespace {

// Weights of one query of keys that score so.
std::vector<double> sparse(const std::vector<double>& scores, double alpha) {
  const int n = int(scores.size());
  Tensor k = Tensor::uninitialized({1, n, 1, 1}), v({1, n, 1, n});
  for (int j = 0; j < n; ++j) k[j] = real(scores[std::size_t(j)]), v[j * n + j] = 1;
  const Positions queries{.tokens = 1}, keys{.tokens = n};
  const Tensor z = attention({.q = Var(filled({1, 1, 1, 1}, 1)), .k = Var(k)}, Var(v),
                             {.scale = 1, .weights = Weights::entmax, .alpha = alpha},
                             {.causal = false}, queries, keys)
                       .value();
  return numbers_of(z, 0, n);
}

}  // namespace

TEST_CASE("entmax gives the weights worked out for it") {
  check_row(sparse({2, 1.5, 0, -3}, 1.5), {.673993, .326007, 0, 0});
  check_row(sparse({2, 1.5, 0, -3}, 1.25), {.631467, .345058, .023476, 0});
  check_row(sparse({2, 1.5, 0, -3}, 2), {.75, .25, 0, 0});
  check_row(sparse({1, 0, -1}, 1.5), {.830719, .169281, 0});
  const double all = std::exp(2) + std::exp(1.5) + 1 + std::exp(-3);
  const std::vector<double> almost = sparse({2, 1.5, 0, -3}, 1.00001);
  CHECK(almost[0] == Approx(std::exp(2) / all).epsilon(1e-4));
  CHECK(almost[3] == Approx(std::exp(-3) / all).epsilon(1e-3));
}

TEST_CASE("entmax of the worked example has its weights, loss and gradient") {
  Tape tape;
  Worked w;
  w.scores.scale = real(1.5);  // 3 times the scores of plain attention
  w.scores.weights = Weights::entmax;
  const Var bias = Var::parameter(Tensor({two_heads, four_tokens, four_tokens}));
  w.scores.strips.push_back(
      {.forward =
           [&](int, int first, int rows, real* to) {
             for (int h = 0; h < two_heads; ++h)
               to = std::copy_n(&bias.value()[(h * four_tokens + first) * four_tokens],
                                rows * four_tokens, to);
           },
       .backward =
           [&](int, int first, int rows, const real* from) {
             for (int h = 0; h < two_heads; ++h)
               for (int i = 0; i < rows * four_tokens; ++i)
                 bias.grad()[(h * four_tokens + first) * four_tokens + i] += *from++;
           },
       .inputs = {bias}});
  w.run(tape);
  CHECK(w.loss == about(-1.052323));
  check_row(numbers_of(bias.grad(), 2 * four_tokens * four_tokens - four_tokens, four_tokens),
            {-.302330, 0, 0, .302330});
  const double a = .537870, b = .462130;
  const Tensor& v = w.v.value();
  for (int c = 0; c < head_columns; ++c)
    CHECK(w.z[((four_tokens - 1) * two_heads + 1) * head_columns + c] ==
          about(a * double(v[head_columns + c]) +
                b * double(v[((four_tokens - 1) * two_heads + 1) * head_columns + c])));
}

TEST_CASE("decaying columns give the numbers worked out for them") {
  Tape tape;
  Worked w;
  const Var logit = by_head(600);
  w.dots.log_decay = real(-1) * softplus(real(-1) * logit);
  w.run(tape);
  check_row(w.row, {.092127, -.136611, -.162274, .785311});
  CHECK(w.loss == about(-.892382));
  CHECK(last(w.q.grad()) == about(-.095499));
  CHECK(last(w.k.grad()) == about(-.014350));
  CHECK(last(logit.grad()) == about(.010527));
}

TEST_CASE("accumulated reflections give the numbers worked out for them") {
  Tape tape;
  Worked w;
  const Var start = by_head(700), beta = by_head(800, 1);
  w.dots.path = {l2_normalized(start), real(2) * sigmoid(beta).view({1, four_tokens, two_heads})};
  w.run(tape);
  check_row(w.row, {.254489, -.052858, .475160, .785311});
  CHECK(w.loss == about(-1.928831));
  CHECK(last(w.q.grad()) == about(-.107097));
  CHECK(last(w.k.grad()) == about(-.022882));
}

TEST_CASE("gradients of reflections by w and beta are those worked out for them") {
  Tape tape;
  Worked w;
  const Var unit = Var::parameter(l2_normalized(by_head(700)).value());
  Tensor beta = sigmoid(by_head(800, 1)).value().view({1, four_tokens, two_heads});
  for (real& x : beta.flat()) x *= 2;
  w.dots.path = {unit, Var::parameter(beta)};
  w.run(tape);
  CHECK(last(unit.grad()) == about(-.121995));
  CHECK(last(w.dots.path.beta.grad()) == about(-.035673));
}

TEST_CASE("reflections and decays of two columns give what a hand makes of them") {
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
      // The weights of values that are unit vectors tell the scores but for a constant.
      Tensor v({1, 3, 1, 3});
      for (int j = 0; j < 3; ++j) v[j * 4] = 1;
      const Tensor z =
          attention(dots, Var(v), {.scale = real(1 / std::sqrt(2.0))}, {}, at, at).value();
      for (int j = 0; j <= i; ++j)
        CHECK(std::log(double(z[i * 3 + j]) / double(z[i * 3 + i])) ==
              about(expected[i][j] - expected[i][i]));
    }
}

TEST_CASE("the directions of reflections are those worked out for them") {
  Built b("path", worked_dims, {{"path.rank", "3"}});
  assign(b, "path.blocks.0.down.weight", waves(900, {3, eight_columns}, 1.0 / 3));
  assign(b, "path.blocks.0.up.weight", waves(930, {eight_columns, 3}));
  assign(b, "path.blocks.0.conv", waves(960, {eight_columns, 3}));
  Worked w;
  Attention a = w.call();
  a.per_keys = b.encoding.per_keys(w.n, 0);
  b.encoding.dots(w.dots, a);
  check_row(numbers_of(w.dots.path.w.value(), ((four_tokens - 1) * two_heads + 1) * head_columns,
                       head_columns),
            {.526519, .515196, .493303, .462604});
  CHECK(b.parameter("path.blocks.0.beta.bias")[1] == 0);
}

TEST_CASE("reflections of strength 0 and decays of none are no position") {
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

TEST_CASE("decays that know no content are those of xpos, without its turns") {
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

TEST_CASE("forget gates stand beside reflections and decays, each with what it keeps of a key") {
  for (const std::string name : {"path", "wall"})
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

TEST_CASE("what qknorm, gate, entmax, wall and path can't stand beside is refused in a sentence") {
  const auto refusal = [](const std::string& names) -> std::string {
    try {
      Composition c(names);
    } catch (const UsageError& e) { return e.what(); }
    return "";
  };
  CHECK_THAT(refusal("entmax+stick-breaking"), ContainsSubstring("how scores become weights"));
  CHECK_THAT(refusal("complex+qknorm"), ContainsSubstring("real queries and keys"));
  CHECK_THAT(refusal("complex+gate"), ContainsSubstring("a real input"));
  CHECK_THAT(refusal("path+rope"), ContainsSubstring("both turn q and k"));
  CHECK_THAT(refusal("wall+path"), ContainsSubstring("both turn q and k"));
  CHECK_THAT(refusal("wall+shaw"), ContainsSubstring("wall goes with plain biases only"));
  for (const std::string name : {"path", "wall"})
    CHECK_THROWS_WITH(Built(name, bidirectional(small)), ContainsSubstring(name + ": it serves"));
  for (const std::string names : {"entmax+sinks", "sinks+entmax"}) {
    Built b(names, small, {{"sinks.learned", "true"}});
    CHECK_THROWS_WITH(b.call(Sequence(range(0, 3))), ContainsSubstring("sink"));
  }
  CHECK_THROWS_WITH(Built("entmax", small, {{"entmax.alpha", "1"}}),
                    ContainsSubstring("entmax.alpha: '1'"));
  CHECK_THROWS_WITH(Built("path", small, {{"path.rank", "0"}}),
                    ContainsSubstring("path.rank: '0'"));
  Served complex{"complex+ssmax", tiny_dims(), {}, {{"ssmax.kind", "adaptive"}}};
  Transformer model = complex.model();
  CHECK_THROWS_WITH(model.logits(some_tokens(3), Placed(model.encoding(), {.tokens = 3})),
                    ContainsSubstring("ssmax.kind"));
}

namespace {

// The bias of row `i` of head h that the last hook of a call makes.
std::vector<double> last_strip(const ScoreTerms& s, int heads, int tokens, int h, int i) {
  std::vector<real> bias(std::size_t(heads) * tokens * tokens);
  s.strips.back().forward(0, 0, tokens, bias.data());
  const real* row = &bias[std::size_t((h * tokens + i) * tokens)];
  return {row, row + tokens};
}

}  // namespace

TEST_CASE("biases made of scores and biases give the numbers worked out for them") {
  const std::pair<int, std::pair<std::vector<double>, double>> forms[] = {
      {1, {{.779775, -1.040201, -.803054, .572493}, -1.503910}},
      {3, {{.236875, -.773242, -.681511, .367935}, -1.434970}}};
  for (const auto& [kernel, expected] : forms) {
    Built b("kerple+dape", worked_dims,
            {{"dape.kernel", std::to_string(kernel)}, {"dape.hidden", "3"}});
    const Tensor steep = filled({2}, .7), bend = filled({2}, .5);
    steep[1] = real(.3);
    assign(b, "kerple.r1", steep), assign(b, "kerple.r2", bend);
    assign(b, "dape.blocks.0.in.weight", waves(1600, {3, 4, kernel}));
    assign(b, "dape.blocks.0.in.bias", waves(1700, {3}));
    assign(b, "dape.blocks.0.out.weight", waves(1800, {two_heads, 3, kernel}));
    assign(b, "dape.blocks.0.out.bias", waves(1900, {two_heads}));
    Tape tape;
    Worked w;
    Attention a = w.call();
    const std::vector<int> at = range(0, four_tokens);
    a.queries.at = a.keys.at = at;
    a.products = &w.dots;
    b.encoding.scores(w.scores, a);
    w.run(tape);
    const auto more = last_strip(w.scores, two_heads, four_tokens, 1, four_tokens - 1);
    for (int j = 0; j < four_tokens; ++j) w.row[std::size_t(j)] += more[std::size_t(j)];
    check_row(w.row, expected.first);
    CHECK(w.loss == about(expected.second));
    for (const real g : b.parameters.find("encoding.dape.blocks.0.out.bias").grad().flat())
      CHECK(std::abs(double(g)) < 1e-12);
  }
}

TEST_CASE("biases made of scores are nothing where their last weights are 0") {
  Built plain("rope+alibi", small), b("rope+alibi+dape", small), alone("dape", small);
  CHECK(alone.parameter("dape.blocks.0.in.weight").shape == Shape{32, 2, 1});
  CHECK(b.parameter("dape.blocks.0.in.weight").shape == Shape{32, 4, 1});
  for (real& x : b.parameter("dape.blocks.0.out.weight").flat()) x = 0;
  for (real& x : b.parameter("dape.blocks.0.out.bias").flat()) x = 0;
  const Sequence s(range(0, 300));
  const auto with = b.call(s), without = plain.call(s);
  CHECK(with.score(1, 299, 7) == Approx(without.score(1, 299, 7)));
  for (const double x : last_strip(with.scores, 2, 300, 1, 299)) CHECK(x == 0);
}

TEST_CASE("gradients of biases made of scores are right for every kernel and length") {
  for (const std::string names : {"dape", "rope+fire+dape", "t5+dape+qknorm+logn"})
    for (const std::string kernel : {"1", "3", "5"}) {
      Served kind{names, tiny_dims(), {}, {{"dape.kernel", kernel}, {"dape.hidden", "4"}}};
      Transformer model = kind.model();
      const Sequences s(11, 7);
      const Placed at(model.encoding(), s.pass);
      const auto loss = [&] { return cross_entropy(model.logits(s.tokens, at), s.targets); };
      const Worst worst = check_gradients(loss, model.parameters().all(), 3);
      INFO(names << " " << kernel << ": " << worst.where);
      CHECK(worst.error < 1e-6);
    }
  CHECK_THROWS_WITH(Built("dape", small, {{"dape.kernel", "2"}}),
                    ContainsSubstring("dape.kernel: 2"));
  Built far("rope+dape", small);
  far.encoding.set_at_test("rope.scaling", "rerope");
  CHECK_THROWS_WITH(far.call(Sequence(range(0, 40))), ContainsSubstring("rope.scaling"));
  for (const std::string other : {"fox", "shaw", "wall", "window", "complex"})
    CHECK_THROWS_WITH(Composition(other + "+dape"), ContainsSubstring("can't join"));
}
