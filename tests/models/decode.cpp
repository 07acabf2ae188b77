#include "models/decode.h"

#include <cmath>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/models.h"

using namespace yonder;

namespace {

Transformer plain() { return Served{"none", tiny_dims(), {}}.model(); }

// The most likely next token, without a cache.
int next_of(Transformer& model, const std::vector<int>& tokens) {
  const int T = int(tokens.size());
  const Tensor logits = *logits_where_defined(model, tokens, {.tokens = T});
  const auto last = row(logits, 0, T - 1);
  return int(std::max_element(last.begin(), last.end()) - last.begin());
}

}  // namespace

TEST_CASE("greedy decoding writes the most likely token each time") {
  const OneThread small;
  Transformer model = plain();
  const int B = 3, T = 4, most = 6;
  const std::vector<int> prompts = some_tokens(B * T);
  const auto written = decode(model, prompts, B, {.most = most});
  REQUIRE(written.size() == B);
  for (int b = 0; b < B; ++b) {
    std::vector<int> tokens(prompts.begin() + b * T, prompts.begin() + (b + 1) * T);
    REQUIRE(int(written[b].size()) == most);
    for (const int token : written[b]) {
      CHECK(token == next_of(model, tokens));
      tokens.push_back(token);
    }
  }
}

TEST_CASE("greedy decoding ends each sequence at its own end token") {
  const OneThread small;
  Transformer model = plain();
  const int B = 8, most = 8;
  const std::vector<int> prompts = some_tokens(B * 2);
  const auto endless = decode(model, prompts, B, {.most = most});
  bool early = false, late = false;
  for (int end = 0; end < 7; ++end) {
    const auto ended = decode(model, prompts, B, {.most = most, .end = end});
    for (int b = 0; b < B; ++b) {
      const auto at = std::find(endless[b].begin(), endless[b].end(), end);
      const bool met = at != endless[b].end();
      CHECK(ended[b] == std::vector<int>(endless[b].begin(), met ? at + 1 : at));
      (met ? early : late) = true;
    }
  }
  CHECK(early);
  CHECK(late);
}

TEST_CASE("sampling draws from the softmax of the logits, or of the top k alone") {
  const OneThread small;
  Transformer model = plain();
  const std::vector<int> prompt = some_tokens(4);
  const int draws = 3000;
  const Tensor logits = *logits_where_defined(model, prompt, {.tokens = 4});
  const auto last = row(logits, 0, 3);
  std::vector<double> weights;
  double sum = 0;
  for (const real x : last) sum += weights.emplace_back(std::exp(double(x) / 0.7));
  std::vector<int> times(last.size());
  std::vector<int> prompts;
  for (int b = 0; b < draws; ++b) prompts.insert(prompts.end(), prompt.begin(), prompt.end());
  for (const auto& one : decode(model, prompts, draws, {.most = 1, .temperature = 0.7}))
    ++times[std::size_t(one.at(0))];
  for (std::size_t v = 0; v < weights.size(); ++v)
    CHECK(times[v] / double(draws) == Catch::Approx(weights[v] / sum).margin(0.03));

  const auto greedy = decode(model, prompt, 1, {.most = 5});
  CHECK(decode(model, prompt, 1, {.most = 5, .temperature = 2, .top_k = 1}) == greedy);
  const auto two = decode(model, prompts, draws, {.most = 1, .temperature = 5, .top_k = 2});
  std::set<int> seen;
  for (const auto& one : two) seen.insert(one.at(0));
  CHECK(seen.size() == 2);
}

TEST_CASE("samples depend on the seed but not on threads, and are reported as they are drawn") {
  Transformer model = plain();
  const std::vector<int> prompt = some_tokens(8);
  std::vector<std::pair<int, int>> heard;
  Decoding how{.most = 6, .temperature = 1, .seed = 3};
  how.on_token = [&](int b, int token) { heard.emplace_back(b, token); };
  const auto first = decode(model, prompt, 2, how);
  REQUIRE(heard.size() == 12);
  CHECK(heard[0] == std::pair{0, first[0][0]});
  CHECK(heard[3] == std::pair{1, first[1][1]});
  {
    const OneThread small;
    CHECK(decode(model, prompt, 2, how) == first);
  }
  how.seed = 4;
  CHECK(decode(model, prompt, 2, how) != first);
}

TEST_CASE("a bidirectional model cannot decode") {
  Dims dims = tiny_dims();
  dims.causal = false;
  Transformer model = Served{"none", dims, {}}.model();
  CHECK_THROWS_AS(decode(model, std::vector{1, 2}, 1, {.most = 1}), UsageError);
}
