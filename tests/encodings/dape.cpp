// Biases computed from scores.
#include "tests/support/catch.h"
#include "tests/support/gradcheck.h"
#include "tests/support/models.h"
#include "tests/support/worked_example.h"

using namespace yonder;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

// Row `i` of head h of the bias that a call's last hook computes.
std::vector<double> last_strip(const ScoreTerms& s, int heads, int tokens, int h, int i) {
  std::vector<real> bias(std::size_t(heads) * tokens * tokens);
  s.strips.back().forward(0, 0, tokens, bias.data());
  const real* row = &bias[std::size_t((h * tokens + i) * tokens)];
  return {row, row + tokens};
}

}  // namespace

TEST_CASE("biases computed from scores and biases match the worked example") {
  const std::pair<int, std::pair<std::vector<double>, double>> forms[] = {
      {1, {{.779775, -1.040201, -.803054, .572493}, -1.503910}},
      {3, {{.236875, -.773242, -.681511, .367935}, -1.434970}}};
  for (const auto& [kernel, expected] : forms) {
    Built b("kerple+dape", worked_dims,
            {{"dape.kernel", std::to_string(kernel)}, {"dape.hidden", "3"}});
    const Tensor steep = filled({2}, .7), bend = filled({2}, .5);
    steep[1] = real(.3);
    put_parameter(b, "kerple.r1", steep), put_parameter(b, "kerple.r2", bend);
    put_parameter(b, "dape.blocks.0.in.weight", sine_waves(1600, {3, 4, kernel}));
    put_parameter(b, "dape.blocks.0.in.bias", sine_waves(1700, {3}));
    put_parameter(b, "dape.blocks.0.out.weight", sine_waves(1800, {two_heads, 3, kernel}));
    put_parameter(b, "dape.blocks.0.out.bias", sine_waves(1900, {two_heads}));
    Tape tape;
    WorkedExample w;
    Attention a = w.call();
    const std::vector<int> at = range(0, four_tokens);
    a.queries.at = a.keys.at = at;
    a.products = &w.dots;
    b.encoding.scores(w.scores, a);
    w.run(tape);
    const auto more = last_strip(w.scores, two_heads, four_tokens, 1, four_tokens - 1);
    for (int j = 0; j < four_tokens; ++j) w.row[std::size_t(j)] += more[std::size_t(j)];
    check_numbers(w.row, expected.first);
    CHECK(w.loss == near_number(expected.second));
    for (const real g : b.parameters.find("encoding.dape.blocks.0.out.bias").grad().flat())
      CHECK(std::abs(double(g)) < 1e-12);
  }
}

TEST_CASE("biases computed from scores are 0 if their output weights are 0") {
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

TEST_CASE("gradients of biases computed from scores are correct for every kernel size") {
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
  for (const std::string scaling : {"rerope", "dca"}) {
    far.encoding.set_at_inference("rope.scaling", scaling);
    CHECK_THROWS_WITH(far.call(Sequence(range(0, 40))), ContainsSubstring("rope.scaling"));
  }
  for (const std::string other : {"fox", "shaw", "wall", "window", "complex"})
    CHECK_THROWS_WITH(Composition(other + "+dape"), ContainsSubstring("can't join"));
}
