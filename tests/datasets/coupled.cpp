// Encodings that use the digits of numbers.
#include <cmath>
#include <set>

#include "core/ops/ops.h"
#include "tests/support/catch.h"
#include "tests/support/datasets.h"
#include "tests/support/gradcheck.h"
#include "tests/support/models.h"
#include "train/training/batch_loss.h"
#include "train/training/session.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;

namespace {

Transformer model_of(const std::string& encoding, const Task& task,
                     const Overrides& settings = {}) {
  const Dims dims{.vocabulary = task.vocabulary(),
                  .width = 16,
                  .heads = 2,
                  .layers = 1,
                  .mlp = 16,
                  .trained = task.tokens(5)};
  auto made = std::make_unique<Composition>(encoding);
  for (const Override& s : settings) made->set(s.key, s.value);
  return Transformer(dims, std::move(made), 3);
}

// Positions and digits that an encoding derives for an addition of `length` digits.
struct Seen {
  std::vector<int> at, digits;
};
Seen seen(const std::string& encoding, const Overrides& settings, int length, RandomStream* draws) {
  const auto task = prepared("addition", {{"hints", "40"}}, 5);
  const Batch batch = task->test({.length = length}, 0, 2);
  Transformer model = model_of(encoding, *task, settings);
  const Placed placed(model.encoding(), pass_of(batch, task->tokens(length), draws));
  const Positions& p = placed;
  return {{p.at.begin(), p.at.end()}, {p.digits.begin(), p.digits.end()}};
}

}  // namespace

TEST_CASE("coupled positions are equal for a place in all three numbers and for its hint") {
  const auto expected = [](int length, int s) {
    std::vector<int> one{0}, all;
    for (int digits : {length, length, length + 1}) {
      for (int k = 0; k < digits; ++k) one.insert(one.end(), 2, s + 1 + k);
      if (digits == length) one.push_back(s);
    }
    for (int b = 0; b < 2; ++b) all.insert(all.end(), one.begin(), one.end());
    return all;
  };
  CHECK(seen("coupled", {}, 7, nullptr).at == expected(7, 1));
  std::set<int> starts;
  RandomStream draws(Random(1, "positions"));
  for (int i = 0; i < 200; ++i) {
    const auto at = seen("coupled", {{"coupled.range", "50"}}, 4, &draws).at;
    CHECK(at == expected(4, at[9]));  // position of +
    starts.insert(at[9]);
  }
  CHECK(*starts.begin() == 1);
  CHECK(*starts.rbegin() == 50 - 2 - 4);
  CHECK(starts.size() > 38);  // of 44, each missed with a probability of 1 %
  CHECK_THROWS_WITH(
      model_of("coupled", *prepared("addition", {}, 5), {{"coupled.range", "9"}}),
      ContainsSubstring("coupled.range: 9 positions can't place the 19 tokens of training"));
}

TEST_CASE("abacus counts the places of digits, with a random offset in training") {
  const Seen test = seen("abacus+rope", {}, 3, nullptr);
  CHECK(std::vector<int>(test.digits.begin(), test.digits.begin() + 10) ==
        std::vector<int>{-1, 0, 0, 1, 1, 2, 2, -1, 0, 0});
  for (int t = 0; t < 22; ++t) CHECK(test.at[t] == t);
  std::set<int> offsets;
  RandomStream draws(Random(1, "positions"));
  for (int i = 0; i < 400; ++i) {
    const Seen training = seen("abacus", {{"abacus.offset", "9"}}, 3, &draws);
    const int o = training.digits[1];
    for (std::size_t t = 0; t < training.digits.size(); ++t)
      REQUIRE(training.digits[t] == (test.digits[t] < 0 ? -1 : test.digits[t] + o));
    offsets.insert(o);
  }
  CHECK(offsets.size() == 10);
}

TEST_CASE("abacus and coupled positions are independent of each other") {
  for (const std::string both : {"abacus+coupled", "coupled+abacus"}) {
    RandomStream draws(Random(1, "positions")), same(Random(1, "positions"));
    const Seen two = seen(both, {{"coupled.range", "50"}}, 3, &draws);
    CHECK(two.at == seen("coupled", {{"coupled.range", "50"}}, 3, &same).at);
    CHECK(two.digits[3] == two.digits[1] + 1);
    CHECK(two.digits[1] > 0);
  }
}

TEST_CASE("abacus adds the row of its place to each digit, and the first row to other tokens") {
  const auto task = prepared("passkey", {{"digits", "3"}}, 5);
  Transformer model = model_of("abacus", *task, {{"abacus.rows", "120"}});
  const Tensor table = model.parameters().find("encoding.abacus.table").value();
  REQUIRE(table.shape == Shape{120, 16});
  const std::vector<int> digits{-1, 2, 1, 0, -1}, tokens{0, 4, 5, 6, 1};
  const Placed at(model.encoding(), {.tokens = 5, .digits = digits});
  const Var x(Tensor({1, 5, 16}));
  const Tensor y = model.encoding().embed(x, tokens, at).value();
  const int row[] = {0, 3, 2, 1, 0};
  for (int t = 0; t < 5; ++t)
    for (int c = 0; c < 16; ++c) CHECK(y[t * 16 + c] == table[row[t] * 16 + c]);
  const Placed far(model.encoding(), {.tokens = 5, .digits = {-1, 119, -1, -1, -1}});
  CHECK_THROWS_WITH(model.encoding().embed(x, tokens, far),
                    "abacus: position 120 is beyond the table of 120; see --abacus.beyond");
  CHECK_THROWS_WITH(model_of("abacus", *task, {{"abacus.rows", "100"}}),
                    ContainsSubstring("abacus.rows: 100 are too few for an offset of 99"));
}

TEST_CASE("positions of digits compose with every encoding except those that draw their own") {
  const auto task = prepared("needle", {{"keys", "2"}}, 5);
  const Batch batch = task->test({.length = 5}, 0, 3);
  for (const Entry& e : registry())
    for (const std::string digits : {"coupled", "abacus"}) {
      if (e.serves == Serves::bidirectional_only || e.kind == Kind::none || e.name == "complex" ||
          e.make()->needs_digits())
        continue;
      INFO(e.name << "+" << digits);
      const std::set<std::string> draw{"random", "offset", "pose"};
      if (digits == "coupled" && draw.count(e.name)) {
        CHECK_THROWS_WITH(Composition(e.name + "+coupled"),
                          ContainsSubstring("both draw the positions"));
        continue;
      }
      Transformer model = model_of(e.name + "+" + digits, *task);
      RandomStream draws(Random(1, "positions"));
      const Placed at(model.encoding(), pass_of(batch, task->tokens(5), &draws));
      const Var logits = model.logits(batch.tokens, at);
      for (real y : logits.value().flat()) REQUIRE(std::isfinite(y));
    }
}

TEST_CASE("gradients are correct, and padding changes nothing, if an encoding needs digits") {
  const OneThread small;
  for (const Served& kind : served_in_all_ways()) {
    if (!Composition(kind.encoding).needs_digits()) continue;
    INFO(kind.name());
    Transformer model = kind.model();
    Sequences s(8, 5);
    s.pass.digits = {-1, 0, 1, 2, -1, 0, 1, -1, -1, 1, 0, -1, 3, -1, -1, -1};
    const Placed at(model.encoding(), s.pass);
    const auto loss = [&] { return cross_entropy(model.logits(s.tokens, at), s.targets); };
    const Worst worst = check_gradients(loss, model.parameters().all(), 3);
    INFO(worst.where);
    CHECK(worst.error < 1e-6);
    const Tensor both = model.logits(s.tokens, at).value();
    const std::vector<int> own(s.tokens.begin() + 8, s.tokens.begin() + 13);
    const Placed alone(model.encoding(), {.tokens = 5, .longest = 8, .digits = {-1, 1, 0, -1, 3}});
    const Tensor one = model.logits(own, alone).value();
    for (int t = 0; t < 5; ++t) CHECK(difference(row(both, 1, t), row(one, 0, t)) < 1e-12);
  }
}

TEST_CASE("an encoding that needs digits is refused for a task without numbers") {
  for (const std::string encoding : {"abacus", "rope+coupled"})
    CHECK_THROWS_WITH(prepare({.task = "copy", .encoding = encoding}),
                      "encoding: '" + encoding +
                          "' needs the digits of numbers, and copy has none; tasks with digits are "
                          "addition, needle, passkey");
}
