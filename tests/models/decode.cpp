#include "models/decode.h"

#include "tests/support/catch.h"
#include "tests/support/models.h"

using namespace yonder;

namespace {

Transformer plain() { return Served{"none", tiny_dims(), {}}.model(); }

// The likeliest next token, without a cache.
int next_of(Transformer& model, const std::vector<int>& tokens) {
  const int T = int(tokens.size());
  const Tensor logits = *logits_where_defined(model, tokens, {.tokens = T});
  const auto last = row(logits, 0, T - 1);
  return int(std::max_element(last.begin(), last.end()) - last.begin());
}

}  // namespace

TEST_CASE("greedy decoding writes the likeliest token each time") {
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

TEST_CASE("a bidirectional model does not decode") {
  Dims dims = tiny_dims();
  dims.causal = false;
  Transformer model = Served{"none", dims, {}}.model();
  CHECK_THROWS_AS(decode(model, std::vector{1, 2}, 1, {.most = 1}), UsageError);
}
