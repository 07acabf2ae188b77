#include "models/transformer.h"

#include <fmt/core.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

#include "core/ops/ops.h"

namespace yonder {
namespace {

bool consecutive(std::span<const int> at, int tokens) {
  for (std::size_t i = 0; i < at.size(); ++i)
    if (i % tokens && at[i] != at[i - 1] + 1) return false;
  return true;
}

void check_extents(const Dims& dims) {
  auto positive = [](const char* name, int extent) {
    if (extent < 1)
      throw UsageError(fmt::format("model: {} is {}; it has to be at least 1", name, extent));
  };
  positive("vocabulary", dims.vocabulary);
  positive("width", dims.width);
  positive("heads", dims.heads);
  positive("layers", dims.layers);
  positive("mlp", dims.mlp);
  positive("length", dims.trained);
  if (const int over = dims.width % dims.heads)
    throw UsageError(
        fmt::format("model: width {} is not a multiple of heads {}; the next that is one is {}",
                    dims.width, dims.heads, std::int64_t(dims.width) - over + dims.heads));
}

}  // namespace

Placed::Placed(Composition& encoding, Pass pass)
    : at_(std::move(pass.at)), lengths_(std::move(pass.lengths)), digits_(std::move(pass.digits)) {
  assert(pass.batch > 0 && pass.tokens > 0);
  const int longest = pass.longest ? pass.longest : pass.tokens;
  assert(digits_.empty() || int(digits_.size()) == pass.batch * pass.tokens);
  if (!digits_.empty()) {
    std::vector<int> coupled = encoding.positions_from_digits(digits_, pass.tokens, pass.draws);
    if (at_.empty()) at_ = std::move(coupled);
    const int shift = encoding.sample_digit_offset(pass.draws);
    for (int& k : digits_)
      if (k >= 0) k += shift;
  }
  Placing wanted{pass.batch, pass.tokens, longest, pass.draws};
  std::size_t next_layer = 0;
  if (at_.empty()) {
    at_ = encoding.sample_positions(wanted);
    const std::size_t each = at_.size();
    for (wanted.layer = 1; wanted.layer < encoding.placements(); ++wanted.layer) {
      const std::vector<int> more = encoding.sample_positions(wanted);
      at_.insert(at_.end(), more.begin(), more.end());
      next_layer = each;
    }
  } else if (pass.draws && !encoding.sample_positions(wanted).empty())
    throw UsageError(encoding.name() +
                     ": it draws positions, and the task gives its own; remove one of them");
  if (at_.empty()) {
    at_.resize(std::size_t(pass.tokens));
    std::iota(at_.begin(), at_.end(), 0);
  }
  assert(at_.size() % std::size_t(pass.tokens) == 0);
  const std::span<const int> all = at_;
  positions_ = {.at = next_layer > 0 ? all.first(next_layer) : all,
                .lengths = lengths_,
                .digits = digits_,
                .batch = pass.batch,
                .tokens = pass.tokens,
                .longest = longest,
                .next_layer = next_layer,
                .consecutive = consecutive(at_, pass.tokens)};
  assert(positions_.shared() || int(positions_.at.size()) == pass.batch * pass.tokens);
  assert(lengths_.empty() || int(lengths_.size()) == pass.batch);
}

Transformer::Transformer(Dims dims, std::unique_ptr<Composition> encoding, Parameters parameters,
                         Head head)
    : dims_(dims),
      encoding_(std::move(encoding)),
      parameters_(std::move(parameters)),
      numbers_(encoding_->complex() ? Numbers::complex : Numbers::plain),
      tied_(head == Head::tied) {
  check_extents(dims_);
  if (tied_ && numbers_ == Numbers::complex)
    throw UsageError(encoding_->name() +
                     ": the complex Transformer has a head of its own; remove --tie-embeddings");
  check_block();
  dims_.block.kv_heads = dims_.kv_heads();
  loops_ = dims_.block.loops;
  dims_.positions = dims_.trained;
  dims_.positions = encoding_->positions(dims_);
  make_parameters();
  encoding_->build(dims_, parameters_);
  check_loops(loops_);
}

void Transformer::check_block() const {
  if (const int K = dims_.kv_heads(); K < 1 || dims_.heads % K)
    throw UsageError(fmt::format(
        "model: kv_heads {} does not divide heads {}; choose a divisor of it", K, dims_.heads));
  const std::string other = dims_.block.text(dims_.heads);
  if (numbers_ == Numbers::complex && !other.empty())
    throw UsageError(fmt::format(
        "{}: the complex Transformer has the plain block only, and this one has {}; omit it",
        encoding_->name(), other));
}

void Transformer::check_loops(int loops) const {
  if (loops != 1 && numbers_ == Numbers::complex)
    throw UsageError(encoding_->name() +
                     ": the complex Transformer has the plain block only; omit --loops");
  if (loops != 1 && encoding_->replaces_last_layer())
    throw UsageError(encoding_->name() +
                     ": it runs the last layer in a way of its own, which can't be looped; set " +
                     "model.loops to 1, or deberta.decoder to 0");
}

void Transformer::set_at_inference(const OptionKey& key, const Value& value) {
  if (!(key == OptionKey("model.loops"))) return encoding_->set_at_inference(key, value);
  int loops = 0;
  assign(Option{"loops", &loops, ""}.within(0, 1024), "model", value);
  check_loops(loops);
  loops_ = loops;
}

void Transformer::freeze_loops(int longest) { dims_.block.loops = loops_ = loops_at(longest); }

std::int64_t Transformer::position_parameters() const {
  std::int64_t count = parameters_.count("encoding.");
  for (const Entry& e : registry())
    if (e.adds_content) count -= parameters_.count("encoding." + e.name + ".");
  return count;
}

Transformer Transformer::with_encoding(std::unique_ptr<Composition> encoding) const {
  if (encoding->complex() != encoding_->complex())
    throw UsageError("encoding: '" + encoding->name() + "' can't follow '" + encoding_->name() +
                     "': only one of them makes every vector of the model complex; choose another");
  Transformer other(dims_, std::move(encoding), parameters_.seed(), tied_ ? Head::tied : Head::own);
  for (const auto& [name, var] : other.parameters_.all()) {
    const Var before = parameters_.find(name);
    if (!before) continue;
    if (before.shape() != var.shape())
      throw UsageError("encoding: '" + other.encoding_->name() + "' can't follow '" +
                       encoding_->name() + "': " + name +
                       " has another shape in it; choose options that keep it");
    std::copy_n(&before.value()[0], before.size(), &var.value()[0]);
  }
  return other;
}

void Transformer::make_parameters() {
  const int V = dims_.vocabulary, D = dims_.width, F = dims_.mlp;
  // Weights that add to the residual stream start smaller, so its variance is similar at any depth.
  const double deep = 1 / std::sqrt(2.0 * dims_.layers);
  auto matrix = [&](const std::string& name, int out, int in, bool bias, double factor = 1) {
    const double deviation = factor / std::sqrt(double(in));
    return bias ? Linear::with_bias(parameters_, name, out, in, deviation)
                : Linear::make(parameters_, name, out, in, deviation, numbers_);
  };
  const BlockDesign& has = dims_.block;
  const bool all = has.bias == Biased::all, qkv = has.bias != Biased::none;
  auto norm = [&](const std::string& name) {
    return has.norm == NormKind::rms ? Norm::rms(parameters_, name, D)
                                     : Norm::make(parameters_, name, D, numbers_);
  };

  embed_ = parameters_.make("embed.weight", {V, D}, Init::std(1 / std::sqrt(double(D))));
  for (int l = 0; l < dims_.layers; ++l) {
    const std::string at = fmt::format("blocks.{}.", l);
    Layer& w = layers_.emplace_back();
    w.norm1 = norm(at + "norm1");
    w.q = matrix(at + "attn.q", D, D, qkv);
    w.k = matrix(at + "attn.k", has.kv_heads * dims_.head(), D, qkv);
    w.v = matrix(at + "attn.v", has.kv_heads * dims_.head(), D, qkv);
    w.o = matrix(at + "attn.o", D, D, all, deep);
    if (has.place == NormPlace::sandwich) w.attention_norm = norm(at + "attn.norm");
    w.norm2 = norm(at + "norm2");
    w.up = matrix(at + "mlp.up", F, D, all);
    if (has.act == Activation::swiglu) w.gate = matrix(at + "mlp.gate", F, D, all);
    w.down = matrix(at + "mlp.down", D, F, all, deep);
    if (has.place == NormPlace::sandwich) w.mlp_norm = norm(at + "mlp.norm");
  }
  if (has.place != NormPlace::post) norm_ = norm("norm");
  head_ = tied_ ? Linear{embed_, {}} : matrix("head", V, D, false);
}

Var Transformer::hidden(std::span<const int> tokens, const Positions& at, int first,
                        AttentionObserver* observer) {
  if (observer) observer->layers.assign(layers_.size() * std::size_t(loops_at(at.longest)), {});
  return through_loops(embedded(tokens, at),
                       {.queries = at, .memory = at, .keys = at, .observer = observer}, first);
}

Var Transformer::head(const Var& hidden) { return head_.real_part(hidden); }

Var Transformer::step(std::span<const int> tokens, int batch, int longest, Cache& cache) {
  if (!dims_.causal)
    throw UsageError("decoding: this model is bidirectional; only a causal model can generate");
  const int n = int(tokens.size()) / batch, all = cache.seen + n;
  std::vector<int> prefix;  // [B, all]
  for (int b = 0; b < batch; ++b) {
    const auto old = cache.tokens.begin() + b * cache.seen;
    prefix.insert(prefix.end(), old, old + cache.seen);
    prefix.insert(prefix.end(), tokens.begin() + b * n, tokens.begin() + (b + 1) * n);
  }
  const Placed placed(*encoding_, {.batch = batch, .tokens = all, .longest = longest});
  const Positions& keys = placed;
  const Positions added = keys.from(cache.seen);

  // The whole prefix is embedded because an encoding (rnn, conv) may read all of it.
  const Var x = slice(embedded(prefix, keys), 1, cache.seen, n);
  const std::size_t each = layers_.size() * std::size_t(loops_at(keys.longest));
  cache.keys.resize(each);
  cache.values.resize(each);
  cache.per_keys.resize(each);
  const Var h = through_loops(x, {added, added, keys, &cache}, n - 1);
  cache.tokens = std::move(prefix);
  cache.seen = all;
  return reshape(head(h), {batch, dims_.vocabulary});
}

void Transformer::check(std::span<const int> tokens, const Positions& at) const {
  assert(int(tokens.size()) == at.batch * at.tokens);
  for (int i = 0; i < int(tokens.size()); ++i) {
    if (tokens[i] < -1 || tokens[i] >= dims_.vocabulary)
      throw UsageError(fmt::format("tokens: {} is not in the model's vocabulary 0..{}", tokens[i],
                                   dims_.vocabulary - 1));
    if (tokens[i] == -1 && i % at.tokens < at.length(i / at.tokens))
      throw UsageError("tokens: -1 inside a sequence; padding may only be at its right end");
  }
}

// x = encoding.embed(√D · E[token]); padding is 0 before the encoding acts.
Var Transformer::embedded(std::span<const int> tokens, const Positions& at) {
  check(tokens, at);
  encoding_->begin(at);
  const Var words = real(std::sqrt(double(dims_.width))) * gather(embed_, tokens);
  return encoding_->embed(reshape(words, {at.batch, at.tokens, dims_.width}), tokens, at);
}

int Transformer::loops_at(int longest) const {
  const std::int64_t r = dims_.block.loops, L = longest, N = dims_.trained;
  return loops_ > 0 ? loops_ : int((r * L + N - 1) / N);
}

// With e, the embedded input: x = 0; then r times x = layers(x + e).  Fan et al. 2024,
// arXiv:2409.15647
Var Transformer::through_loops(const Var& embedded, Run run, int first) {
  Var x = embedded;
  for (const int last = loops_at(run.keys.longest) - 1; run.loop < last; ++run.loop)
    x = through_layers(x, run) + embedded;
  x = through_layers(x, run, first);
  return dims_.block.place == NormPlace::post ? x : norm_(x);
}

Var Transformer::through_layers(Var x, const Run& run, int first) {
  const int last = dims_.layers - 1;
  const auto rest = [first](const Var& h) {
    return first > 0 ? slice(h, 1, first, h.dim(1) - first) : h;
  };
  for (int l = 0; l < last; ++l) x = block(l, x, x, run);
  const Block run_last = [this, last, &run](const Var& query, const Var& memory) {
    return block(last, query, memory, run);
  };
  if (const Var replaced = encoding_->last_layer(x, run.queries, run_last)) return rest(replaced);
  if (first == 0 || !run.queries.shared()) return rest(run_last(x, x));
  Run asked = run;
  asked.queries = run.queries.from(first);
  return block(last, rest(x), x, asked);
}

// With A = O·attention(norm1 x), in post O·attention(x), and M the MLP:
//   pre       h = x + A                  h + M(norm2 h)
//   post      h = norm1(x + A)           norm2(h + M(h))
//   sandwich  h = x + attn.norm(A)       h + mlp.norm(M(norm2 h))
//   parallel                             x + A + M(norm2 x)
Var Transformer::block(int layer, const Var& query, const Var& memory, const Run& run) {
  const Layer& w = layers_[layer];
  const auto M = [&](const Var& n) { return feed_forward(layer, n); };
  const NormPlace place = dims_.block.place;
  const Var A = w.o(attend(layer, query, memory, run));
  if (place == NormPlace::parallel) return query + A + M(w.norm2(query));
  if (place == NormPlace::post) {
    const Var h = w.norm1(query + A);
    return w.norm2(h + M(h));
  }
  const bool sandwich = place == NormPlace::sandwich;
  const Var h = query + (sandwich ? w.attention_norm(A) : A);
  return h + (sandwich ? w.mlp_norm(M(w.norm2(h))) : M(w.norm2(h)));
}

//   gelu    Down·gelu(Up n)
//   relu2   Down·max(Up n, 0)²
//   swiglu  Down·(silu(Gate n) ∘ Up n)
Var Transformer::feed_forward(int layer, const Var& n) const {
  const Layer& w = layers_[layer];
  const Activation act = dims_.block.act;
  if (act == Activation::gelu && !w.up.bias) return mlp(n, w.up.matrix(), w.down.matrix());
  if (act == Activation::swiglu) return w.down(silu_gate(w.gate(n), w.up(n)));
  return w.down(act == Activation::relu2 ? relu2(w.up(n)) : gelu(w.up(n)));
}

// softmax(score(Q n, K m)) V m for all heads, with n and m the normed query and memory.
Var Transformer::attend(int layer, const Var& query, const Var& memory, const Run& run) {
  const Layer& w = layers_[layer];
  const bool post = dims_.block.place == NormPlace::post;
  auto input = [&](const Var& x, const Positions& at) {
    return encoding_->layer_input(post ? x : w.norm1(x), layer, at);
  };
  const bool same = query.value().data == memory.value().data;
  const Var n = input(query, run.queries), m = same ? n : input(memory, run.memory);
  const int H = dims_.heads, K = dims_.kv_heads(), turn = run.loop * dims_.layers + layer;
  const Var q = split_heads(w.q(n), H, numbers_);
  Var k = split_heads(w.k(m), K, numbers_), v = split_heads(w.v(m), K, numbers_);
  std::vector<Var> more = encoding_->per_keys(m, layer);
  if (run.cache) {
    assert(run.cache->seen == (run.cache->keys[turn] ? run.cache->keys[turn].dim(1) : 0));
    auto append = [&](Var& kept, Var& rows) {
      if (rows) kept = rows = kept ? concat({kept, rows}, 1) : rows;
    };
    append(run.cache->keys[turn], k);
    append(run.cache->values[turn], v);
    std::vector<Var>& kept = run.cache->per_keys[turn];
    kept.resize(more.size());
    for (std::size_t i = 0; i < more.size(); ++i) append(kept[i], more[i]);
  }
  k = repeat_heads(k, H), v = repeat_heads(v, H);

  const Mask mask = encoding_->mask_in(layer);
  const Positions queries = run.queries.in(layer), keys = run.keys.in(layer);
  Attention call{.layer = layer,
                 .queries = queries,
                 .keys = keys,
                 .query_weight = w.q.weight,
                 .key_weight = w.k.weight,
                 .mask = mask,
                 .input = n,
                 .per_keys = std::move(more)};
  ScoreTerms scores{.scale = real(1 / std::sqrt(double(dims_.head())))};
  Dots dots{.q = q, .k = k};
  encoding_->normed(dots, call);
  encoding_->scale_queries(dots, call);
  encoding_->dots(dots, call);
  call.products = &dots;
  encoding_->scores(scores, call);
  const Var z = attention(dots, v, scores, mask, queries, keys, run.observer,
                          run.observer ? &run.observer->layers[turn] : nullptr);
  return join_heads(encoding_->output(z, call), numbers_);
}

}  // namespace yonder
