// What holds for every encoding. Every registered encoding is tested.
#include <fstream>

#include "core/io/files.h"
#include "core/ops/ops.h"
#include "models/checkpoint.h"
#include "tests/support/catch.h"
#include "tests/support/gradcheck.h"
#include "tests/support/models.h"

using namespace yonder;
using Catch::Approx;

namespace {

const int trained = tiny_dims().trained;

// The parameters that training changes: fope's tables may stay as initialized, with gradient 0.
std::vector<Parameters::Named> learned(const Served& kind, const Transformer& model) {
  std::vector<Parameters::Named> all = model.parameters().all();
  const Override* fixed = find(kind.settings, "fope.learned");
  if (fixed && fixed->value == Value(false))
    std::erase_if(all, [](const auto& p) { return p.name.starts_with("encoding.fope."); });
  return all;
}

// Central differences agree with backward to 1e-6 in double (see gradcheck.h).
void check_model(const Served& kind, const Sequences& s) {
  Transformer model = kind.model();
  if (!logits_where_defined(model, s.tokens, s.pass)) {
    CHECK(s.pass.tokens > trained);
    return;
  }
  const Placed at(model.encoding(), s.pass);
  const auto loss = [&] { return cross_entropy(model.logits(s.tokens, at), s.targets); };
  const Worst worst = check_gradients(loss, learned(kind, model), 3);
  INFO(kind.name() << ", " << s.pass.tokens << " tokens: " << worst.where);
  // The second derivative of max(x, 0)² jumps, which affects differences where an x is near 0.
  CHECK(worst.error < (kind.dims.block.act == Activation::relu2 ? 1e-4 : 1e-6));
}

// Why a model refuses such positions, beginning with an encoding's name, or "".
std::string refusal_of(Transformer& model, std::span<const int> tokens, const Pass& pass) {
  try {
    const Placed at(model.encoding(), pass);
    model.logits(tokens, at);
    return "";
  } catch (const UsageError& e) {
    const std::string why = e.what();
    const auto& parts = model.encoding().components();
    REQUIRE(std::any_of(parts.begin(), parts.end(), [&](const Composition::Component& p) {
      return why.starts_with(p.entry->name + ": ");
    }));
    return why;
  }
}

}  // namespace

TEST_CASE("gradients are correct for every encoding, below, at and above the trained length",
          "[slow]") {
  const OneThread small;
  for (const Served& kind : served_in_all_ways()) {
    check_model(kind, {5, 3});
    if (kind.extension.empty()) check_model(kind, {trained, trained});
    check_model(kind, {11, 7});
  }
}

TEST_CASE("gradients are correct for every encoding, whatever its options", "[slow]") {
  const OneThread small;
  const std::vector<Served> forms = served_in_other_forms();
  CHECK(forms.size() > 60);
  for (const Served& kind : forms) check_model(kind, {5, 3});
}

TEST_CASE("gradients are correct for every encoding if a task gives the positions", "[slow]") {
  const OneThread small;
  for (const Served& kind : served())
    for (const std::vector<int>& at :
         {std::vector<int>{0, 1, 4, 7, 0, 2, 3, 3}, std::vector<int>{0, 5, 1, 1, 6, 2, 7, 0}}) {
      Sequences s(4, 3);
      s.pass.at = at;
      Transformer model = kind.model();
      if (refusal_of(model, s.tokens, s.pass).empty()) check_model(kind, s);
    }
}

namespace {

// The logits of the last of three tokens, which sees all.
std::optional<Tensor> last_of(Transformer& model, std::vector<int> at) {
  const auto all = logits_where_defined(model, some_tokens(3), {.tokens = 3, .at = std::move(at)});
  if (!all) return {};
  const auto last = row(*all, 0, 2);
  Tensor copy({int(last.size())});
  std::copy(last.begin(), last.end(), copy.data.get());
  return copy;
}

}  // namespace

TEST_CASE("an encoding that distinguishes distances to the left does so to the right, or refuses") {
  const OneThread small;
  for (const Served& kind : served_in_all_ways()) {
    Transformer model = kind.model();
    const auto one = last_of(model, {0, 1, 3}), other = last_of(model, {0, 2, 3});
    REQUIRE(one);
    REQUIRE(other);
    INFO(kind.name());
    if (difference(one->flat(), other->flat()) == 0) continue;  // ignores positions
    const auto behind = last_of(model, {2, 3, 0}), nearer = last_of(model, {2, 1, 0});
    if (behind) CHECK(difference(behind->flat(), nearer->flat()) > 0);
    else CHECK(refusal_of(model, some_tokens(3), {.tokens = 3, .at = {2, 3, 0}}) != "");
  }
}

TEST_CASE("a query that sees all keys gets the same from causal and bidirectional models") {
  const OneThread small;
  int compared = 0;
  for (const Served& kind : served_in_all_ways()) {
    const Composition composition(kind.encoding);
    const auto& parts = composition.components();
    const auto compares = [](const Composition::Component& p) {
      return p.entry->serves == Serves::both && p.entry->kind != Kind::absolute;
    };
    // With loops, a query depends on what other queries see, which differs between the two.
    if (!kind.dims.causal || kind.dims.block.loops > 1 ||
        !std::all_of(parts.begin(), parts.end(), compares))
      continue;
    Served one = kind, two = kind;
    one.dims.layers = two.dims.layers = 1, two.dims.causal = false;
    if (!two.takes_extension()) continue;
    Transformer causal = one.model(), both = two.model();
    const auto shapes = [](const Transformer& m) {
      std::vector<std::pair<std::string, Shape>> all;
      for (const auto& [name, var] : m.parameters().all()) all.emplace_back(name, var.shape());
      return all;
    };
    if (shapes(causal) != shapes(both)) continue;
    INFO(kind.name());
    for (const auto& at : std::vector<std::vector<int>>{{0, 3, 5}, {6, 7, 0}, {7, 1, 4}}) {
      const auto a = last_of(causal, at), b = last_of(both, at);
      if (!a) continue;
      CHECK(difference(a->flat(), b->flat()) < 1e-12);
      ++compared;
    }
  }
  CHECK(compared > 100);
}

TEST_CASE("no later token changes an earlier logit") {
  const OneThread small;
  for (const Served& kind : served_in_all_ways())
    for (const int T : {trained, trained + 4}) {
      if (!kind.dims.causal) continue;
      INFO(kind.name() << ", " << T << " tokens");
      Transformer model = kind.model();
      std::vector<int> tokens = some_tokens(T);
      const auto before = logits_where_defined(model, tokens, {.tokens = T});
      REQUIRE((before || T > trained));
      if (!before) continue;
      const int changed = T - 3;
      for (int t = changed; t < T; ++t) tokens[t] = (tokens[t] + 1) % kind.dims.vocabulary;
      const auto after = logits_where_defined(model, tokens, {.tokens = T});
      REQUIRE(after);
      for (int t = 0; t < changed; ++t)
        CHECK(difference(row(*before, 0, t), row(*after, 0, t)) == 0);
      CHECK(difference(row(*before, 0, changed), row(*after, 0, changed)) > 0);
    }
}

namespace {

// `batch` are the logits of sequences of these lengths, padded to T.
void compare_alone(Transformer& model, const std::vector<int>& tokens,
                   const std::vector<int>& lengths, const Tensor& batch) {
  const int T = batch.dim(1);
  for (int b = 0; b < batch.dim(0); ++b) {
    const std::span<const int> own(&tokens[std::size_t(b * T)], std::size_t(lengths[b]));
    const auto alone = logits_where_defined(model, own, {.tokens = lengths[b], .longest = T});
    REQUIRE(alone);
    // 1e-12: sums over keys may be grouped differently where tiles are cut at another length.
    for (int t = 0; t < lengths[b]; ++t)
      CHECK(difference(row(batch, b, t), row(*alone, 0, t)) < 1e-12);
  }
}

}  // namespace

TEST_CASE("a sequence in a padded batch has the logits that it has alone at the same L") {
  const OneThread small;
  for (const Served& kind : served_in_all_ways())
    for (const int T : {trained, trained + 4}) {
      INFO(kind.name() << ", " << T << " tokens");
      const std::vector<int> lengths{7, T, 1, T - 2};
      const int B = int(lengths.size());
      Transformer model = kind.model();
      std::vector<int> tokens = some_tokens(B * T);
      for (int b = 0; b < B; ++b)
        std::fill(tokens.begin() + b * T + lengths[b], tokens.begin() + (b + 1) * T, -1);
      const auto batch =
          logits_where_defined(model, tokens, {.batch = B, .tokens = T, .lengths = lengths});
      REQUIRE((batch || T > trained));
      if (!batch) continue;
      CHECK(difference(batch->flat(), batch->flat()) == 0);  // finite, in padding too
      compare_alone(model, tokens, lengths, *batch);
    }
}

TEST_CASE("evaluating a long sequence first does not change the logits of a short one") {
  const OneThread small;
  for (const Served& kind : served_in_all_ways()) {
    INFO(kind.name());
    const std::vector<int> tokens = some_tokens(4 * trained);
    const std::span<const int> few(tokens.data(), 5);
    Transformer fresh = kind.model(), used = kind.model();
    logits_where_defined(used, tokens, {.tokens = 4 * trained});
    const auto alone = logits_where_defined(fresh, few, {.tokens = 5});
    const auto after = logits_where_defined(used, few, {.tokens = 5});
    REQUIRE(alone);
    REQUIRE(after);
    CHECK(difference(alone->flat(), after->flat()) == 0);
  }
}

namespace {

// Feeds the tokens [B, T] to the cache, 3, then 1, then 2 at a time.
void compare_cached(Transformer& model, const std::vector<int>& tokens, const Tensor& whole) {
  const int B = whole.dim(0), T = whole.dim(1);
  Transformer::Cache cache;
  for (int t = 0, n = 3; t < T; t += n, n = n == 3 ? 1 : 2) {
    n = std::min(n, T - t);
    std::vector<int> next;
    for (int b = 0; b < B; ++b)
      next.insert(next.end(), tokens.begin() + b * T + t, tokens.begin() + b * T + t + n);
    const Tensor last = model.step(next, B, T, cache).value().view({B, 1, whole.dim(2)});
    // 1e-12: products of few rows may be summed in another order than those of many.
    for (int b = 0; b < B; ++b)
      CHECK(difference(row(whole, b, t + n - 1), row(last, b, 0)) < 1e-12);
  }
}

}  // namespace

TEST_CASE("decoding with a cache gives the logits of the whole sequence for every encoding") {
  const OneThread small;
  const int B = 3;
  for (const Served& kind : served_in_all_ways())
    for (const int T : {trained, trained + 4}) {
      if (!kind.dims.causal) continue;
      INFO(kind.name() << ", " << T << " tokens");
      Transformer model = kind.model();
      const std::vector<int> tokens = some_tokens(B * T);
      const auto whole = logits_where_defined(model, tokens, {.batch = B, .tokens = T});
      REQUIRE((whole || T > trained));
      if (whole) compare_cached(model, tokens, *whole);
    }
}

namespace {

// Every parameter's gradient of the loss over the targets from `first` on, where the last layer
// computes these rows alone, or all of them.
std::vector<Tensor> gradients_from(int first, const Served& kind, const Sequences& s, bool alone) {
  Transformer model = kind.model();
  const Placed at(model.encoding(), s.pass);
  const int T = s.pass.tokens;
  std::vector<int> targets = s.targets, rest;
  for (int i = 0; i < int(targets.size()); ++i)
    if (i % T < first) targets[i] = -1;
    else rest.push_back(targets[i]);
  Tape tape;
  tape.backward(alone ? cross_entropy(model.logits(s.tokens, at, first), rest)
                      : cross_entropy(model.logits(s.tokens, at), targets));
  std::vector<Tensor> all;
  for (const auto& [name, var] : model.parameters().all()) all.push_back(var.grad());
  return all;
}

}  // namespace

TEST_CASE("leaving out rows that are not needed changes no result, for every encoding") {
  const OneThread small;
  const int first = 3;
  for (const Served& kind : served_in_all_ways())
    for (const bool scattered : {false, true}) {
      Sequences s(trained, trained - 2);
      if (scattered && !kind.extension.empty()) continue;
      if (scattered) s.pass.at = {0, 0, 1, 2, 4, 5, 7, 7};  // of both sequences
      INFO(kind.name() << (scattered ? ", scattered" : ""));
      Transformer model = kind.model();
      const auto whole = logits_where_defined(model, s.tokens, s.pass);
      if (!whole) continue;
      const Placed at(model.encoding(), s.pass);
      const Tensor rest = model.logits(s.tokens, at, first).value();
      REQUIRE(rest.shape == Shape{2, trained - first, kind.dims.vocabulary});
      // 1e-12: products of few rows may be summed in another order than those of many.
      for (int b = 0; b < 2; ++b)
        for (int t = first; t < s.pass.lengths[b]; ++t)
          CHECK(difference(row(*whole, b, t), row(rest, b, t - first)) < 1e-12);
      const auto alone = gradients_from(first, kind, s, true);
      const auto among = gradients_from(first, kind, s, false);
      for (std::size_t i = 0; i < alone.size(); ++i)
        CHECK(difference(alone[i].flat(), among[i].flat()) < 1e-12);
    }
}

TEST_CASE("the content weights of a seed are the same for every encoding") {
  const OneThread small;
  const Transformer plain(tiny_dims(), std::make_unique<Composition>("none"), 5);
  for (const Served& kind : served()) {
    INFO(kind.name());
    const Transformer other(kind.dims, std::make_unique<Composition>(kind.encoding), 5);
    const bool complex = other.encoding().complex();
    for (const auto& [name, var] : plain.parameters().all()) {
      const Var same = other.parameters().find(name);
      REQUIRE(same);
      // A complex weight's parts share the variance: the real one is the draw over √2.
      const bool halved = complex && var.shape().size() == 2 && name != "embed.weight";
      const double factor = halved ? std::sqrt(2.0) : 1;
      for (std::int64_t i = 0; i < var.size(); ++i)
        REQUIRE(var.value()[i] == Approx(factor * same.value()[i]).epsilon(halved ? 1e-15 : 0));
    }
    for (const auto& [name, var] : other.parameters().all())
      CHECK((plain.parameters().find(name) || name.starts_with("encoding.") ||
             (complex && name.starts_with("imaginary."))));
  }
}

TEST_CASE("a checkpoint restores every encoding bit for bit, with all its options") {
  const OneThread small;
  const TemporaryFolder folder;
  const std::string first = folder / "a", second = folder / "b";
  const std::vector<int> tokens = some_tokens(6);
  for (const Served& kind : served_in_all_ways()) {
    INFO(kind.name());
    Transformer model = kind.model();
    for (const auto& [name, var] : model.parameters().all())
      for (real& x : var.value().flat()) x = real(float(x));  // as the file stores it
    save_model(first, model, {.task = {{"name", "copy"}}, .step = 3, .seed = 1});
    const Checkpoint back = load_model(first);
    CHECK(back.model->encoding().name() == model.encoding().name());
    const auto here = logits_where_defined(model, tokens, {.tokens = 6});
    const auto there = logits_where_defined(*back.model, tokens, {.tokens = 6});
    REQUIRE(here);
    REQUIRE(there);
    CHECK(difference(here->flat(), there->flat()) == 0);
    save_model(second, *back.model, back.origin);
    CHECK(read_file(first) == read_file(second));
  }
}

TEST_CASE("a checkpoint with a flipped bit in its header is refused by name or read") {
  const OneThread small;
  const TemporaryFolder folder;
  const std::string path = folder / "a";
  int read = 0, unreadable = 0;
  for (const Served& kind : served()) {
    INFO(kind.name());
    save_model(path, kind.model(), {.task = {{"name", "copy"}}, .step = 3, .seed = 1});
    const std::string whole = read_file(path);
    const std::size_t header = whole.find(R"("embed.weight")");
    REQUIRE(header < whole.size());
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    auto put = [&file](std::size_t at, char c) { file.seekp(std::streamoff(at)).put(c).flush(); };
    for (std::size_t bit = 0; bit < 8 * header; bit += 5) {
      put(bit / 8, char(whole[bit / 8] ^ (1 << bit % 8)));
      try {
        load_model(path);
        ++read;
      } catch (const FileError& e) {  // nothing else, such as bad_alloc
        ++unreadable;
        if (!std::string(e.what()).starts_with(path + ": ")) FAIL(e.what());
      }
      put(bit / 8, whole[bit / 8]);
    }
  }
  CHECK(read > 0);
  CHECK(unreadable > read);
}
