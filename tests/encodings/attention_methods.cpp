// Norms of q and k, gates, adaptive scalable softmax and entmax: worked examples, and refusals.
#include "tests/support/catch.h"
#include "tests/support/gradcheck.h"
#include "tests/support/models.h"
#include "tests/support/worked_example.h"

using namespace yonder;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("plain attention matches the worked example") {
  Tape tape;
  WorkedExample w;
  w.run(tape);
  check_numbers(w.row, {.821040, -.406241, -.289966, .785311});
  CHECK(w.loss == near_number(-1.618991));
  CHECK(last_number(w.q.grad()) == near_number(-.122318));
  CHECK(last_number(w.k.grad()) == near_number(-.025422));
}

TEST_CASE("normed queries and keys match the worked example") {
  Built b("qknorm", worked_dims);
  put_parameter(b, "qknorm.blocks.0.query", sine_waves(2000, {head_columns}, .5, 1));
  put_parameter(b, "qknorm.blocks.0.key", sine_waves(2100, {head_columns}, .5, 1));
  Tape tape;
  WorkedExample w;
  b.encoding.normed(w.dots, w.call());
  w.run(tape);
  check_numbers(w.row, {1.685752, -.982603, -.278515, 1.305647});
  CHECK(w.loss == near_number(-1.217833));
  CHECK(last_number(w.q.grad()) == near_number(-.079138));
  CHECK(last_number(w.k.grad()) == near_number(.070672));
  CHECK(last_number(b.parameters.find("encoding.qknorm.blocks.0.query").grad()) ==
        near_number(-.071083));
  CHECK(last_number(b.parameters.find("encoding.qknorm.blocks.0.key").grad()) ==
        near_number(-.069983));
}

TEST_CASE("normed keys alone match the worked example") {
  Built b("qknorm", worked_dims, {{"qknorm.of", "key"}, {"qknorm.learned", "none"}});
  CHECK(b.parameters.all().empty());
  Tape tape;
  WorkedExample w;
  b.encoding.normed(w.dots, w.call());
  w.run(tape);
  check_numbers(w.row, {1.284654, -.606437, -.372348, 1.088735});
}

TEST_CASE("a learned scale of normed queries multiplies the scores of its own head") {
  Built plain("qknorm", small, {{"qknorm.learned", "none"}}),
      scaled("qknorm", small, {{"qknorm.learned", "scale"}});
  scaled.parameter("qknorm.blocks.0.scale")[1] = real(2.5);
  const Sequence s(range(0, 6));
  const auto a = plain.call(s), b = scaled.call(s);
  CHECK(b.score(0, 5, 2) == Approx(a.score(0, 5, 2)));
  CHECK(b.score(1, 5, 2) == Approx(2.5 * a.score(1, 5, 2)));
}

TEST_CASE("norms without weights commute with rotations") {
  Built b("rope+qknorm", small, {{"qknorm.learned", "none"}}), rope("rope", small),
      norm("qknorm", small, {{"qknorm.learned", "none"}});
  const Sequence s(range(3, 7));
  const auto turned = rope.call(s), both = b.call(s);
  const auto after = norm.call(s, turned.dots.q.value(), turned.dots.k.value());
  for (int i = 0; i < 7; ++i) CHECK(both.score(1, 6, i) == Approx(after.score(1, 6, i)));
}

TEST_CASE("gates of attention's output match the worked example") {
  Tape tape;
  WorkedExample w;
  w.run(tape);
  const std::pair<std::string, std::pair<Tensor, std::vector<double>>> forms[] = {
      {"head",
       {sine_waves(2200, {two_heads, eight_columns}), {.463491, .014553, -.447766, -.498410}}},
      {"element",
       {sine_waves(2300, {eight_columns, eight_columns}), {.012390, .014909, -.499147, -.029353}}}};
  for (const auto& [by, form] : forms) {
    Built b("gate", worked_dims, {{"gate.by", by}});
    put_parameter(b, "gate.blocks.0.weight", form.first);
    const Tensor z = b.encoding.output(Var(w.z), w.call()).value();
    REQUIRE(z.shape == w.z.shape);
    check_numbers(numbers_from(z, ((four_tokens - 1) * two_heads + 1) * head_columns, head_columns),
                  form.second);
  }
}

TEST_CASE("adaptive scalable softmax matches the worked example") {
  for (const int heads : {0, 1}) {
    Built b("ssmax", worked_dims,
            {{"ssmax.kind", "adaptive"}, {"ssmax.heads", std::to_string(heads)}});
    const int rows = heads ? heads : two_heads;
    const auto of_last_head = [&](double start) {
      const Tensor all = sine_waves(start, {two_heads, eight_columns});
      Tensor own = Tensor::uninitialized({rows, eight_columns});
      std::copy_n(&all[(two_heads - rows) * eight_columns], rows * eight_columns, own.data.get());
      return own;
    };
    put_parameter(b, "ssmax.blocks.0.beta", of_last_head(1200));
    put_parameter(b, "ssmax.blocks.0.gamma", of_last_head(1300));
    WorkedExample w;
    w.dots.q = Var(filled({1, four_tokens, two_heads, head_columns}, 1));
    b.encoding.scale_queries(w.dots, w.call());
    std::vector<double> factors;
    for (int t = 0; t < four_tokens; ++t)
      factors.push_back(double(w.dots.q.value()[(t * two_heads + 1) * head_columns]));
    check_numbers(factors, {1.024976, 2.347966, 9.100223, 1.051512});
    if (heads) CHECK(w.dots.q.value()[0] == 1);
  }
}

namespace {

// One query's weights for keys with these scores.
std::vector<double> sparse(const std::vector<double>& scores, double alpha) {
  const int n = int(scores.size());
  Tensor k = Tensor::uninitialized({1, n, 1, 1}), v({1, n, 1, n});
  for (int j = 0; j < n; ++j) k[j] = real(scores[std::size_t(j)]), v[j * n + j] = 1;
  const Positions queries{.tokens = 1}, keys{.tokens = n};
  const Tensor z = attention({.q = Var(filled({1, 1, 1, 1}, 1)), .k = Var(k)}, Var(v),
                             {.scale = 1, .weights = Weights::entmax, .alpha = alpha},
                             {.causal = false}, queries, keys)
                       .value();
  return numbers_from(z, 0, n);
}

}  // namespace

TEST_CASE("entmax matches weights computed by hand") {
  check_numbers(sparse({2, 1.5, 0, -3}, 1.5), {.673993, .326007, 0, 0});
  check_numbers(sparse({2, 1.5, 0, -3}, 1.25), {.631467, .345058, .023476, 0});
  check_numbers(sparse({2, 1.5, 0, -3}, 2), {.75, .25, 0, 0});
  check_numbers(sparse({1, 0, -1}, 1.5), {.830719, .169281, 0});
  const double all = std::exp(2) + std::exp(1.5) + 1 + std::exp(-3);
  const std::vector<double> almost = sparse({2, 1.5, 0, -3}, 1.00001);
  CHECK(almost[0] == Approx(std::exp(2) / all).epsilon(1e-4));
  CHECK(almost[3] == Approx(std::exp(-3) / all).epsilon(1e-3));
}

TEST_CASE("entmax matches the weights, loss and gradient of the worked example") {
  Tape tape;
  WorkedExample w;
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
  CHECK(w.loss == near_number(-1.052323));
  check_numbers(numbers_from(bias.grad(), 2 * four_tokens * four_tokens - four_tokens, four_tokens),
                {-.302330, 0, 0, .302330});
  const double a = .537870, b = .462130;
  const Tensor& v = w.v.value();
  for (int c = 0; c < head_columns; ++c)
    CHECK(w.z[((four_tokens - 1) * two_heads + 1) * head_columns + c] ==
          near_number(a * double(v[head_columns + c]) +
                      b * double(v[((four_tokens - 1) * two_heads + 1) * head_columns + c])));
}

TEST_CASE("qknorm, gate, entmax, wall and path refuse invalid combinations in a sentence") {
  const auto refusal = [](const std::string& names) -> std::string {
    return why_refused([&] { Composition c(names); }).value_or("");
  };
  CHECK_THAT(refusal("entmax+stick-breaking"), ContainsSubstring("how scores become weights"));
  CHECK_THAT(refusal("complex+qknorm"), ContainsSubstring("real queries and keys"));
  CHECK_THAT(refusal("complex+gate"), ContainsSubstring("a real input"));
  CHECK_THAT(refusal("path+rope"), ContainsSubstring("both rotate q and k"));
  CHECK_THAT(refusal("wall+path"), ContainsSubstring("both rotate q and k"));
  CHECK_THAT(refusal("wall+shaw"), ContainsSubstring("wall goes with plain biases only"));
  for (const std::string name : {"path", "wall"})
    CHECK_THROWS_WITH(Built(name, bidirectional(small)), ContainsSubstring(name + ": for"));
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
