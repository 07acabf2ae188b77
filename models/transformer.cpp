#include "models/transformer.h"

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
      throw UsageError(std::string("model: ") + name + " is " + std::to_string(extent) +
                       "; it has to be at least 1");
  };
  positive("vocabulary", dims.vocabulary);
  positive("width", dims.width);
  positive("heads", dims.heads);
  positive("layers", dims.layers);
  positive("mlp", dims.mlp);
  positive("length", dims.trained);
  if (const int over = dims.width % dims.heads)
    throw UsageError("model: width " + std::to_string(dims.width) + " is not a multiple of heads " +
                     std::to_string(dims.heads) + "; the next that is one is " +
                     std::to_string(std::int64_t(dims.width) - over + dims.heads));
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
  dims_.positions = dims_.trained;
  dims_.positions = encoding_->positions(dims_);
  make_parameters();
  encoding_->build(dims_, parameters_);
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
  // Weights that add to the stream start smaller, so that its variance is alike at any depth.
  const double deep = 1 / std::sqrt(2.0 * dims_.layers);
  auto matrix = [&](const std::string& name, int out, int in, double factor = 1) {
    return Linear::make(parameters_, name + ".weight", out, in, factor / std::sqrt(double(in)),
                        numbers_);
  };
  auto norm = [&](const std::string& name) { return Norm::make(parameters_, name, D, numbers_); };

  embed_ = parameters_.make("embed.weight", {V, D}, Init::std(1 / std::sqrt(double(D))));
  for (int l = 0; l < dims_.layers; ++l) {
    const std::string at = "blocks." + std::to_string(l) + ".";
    Layer& w = layers_.emplace_back();
    w.norm1 = norm(at + "norm1");
    w.q = matrix(at + "attn.q", D, D);
    w.k = matrix(at + "attn.k", D, D);
    w.v = matrix(at + "attn.v", D, D);
    w.o = matrix(at + "attn.o", D, D, deep);
    w.norm2 = norm(at + "norm2");
    w.up = matrix(at + "mlp.up", F, D);
    w.down = matrix(at + "mlp.down", D, F, deep);
  }
  norm_ = norm("norm");
  head_ = tied_ ? Linear{embed_, {}} : matrix("head", V, D);
}

Var Transformer::hidden(std::span<const int> tokens, const Positions& at, int first,
                        AttentionObserver* observer) {
  if (observer) observer->layers.assign(layers_.size(), {});
  return through_layers(embedded(tokens, at),
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

  // An encoding may read the whole prefix (rnn, conv) before the new rows are known.
  const Var x = slice(embedded(prefix, keys), 1, cache.seen, n);
  cache.keys.resize(layers_.size());
  cache.values.resize(layers_.size());
  cache.per_keys.resize(layers_.size());
  const Var h = through_layers(x, {added, added, keys, &cache}, n - 1);
  cache.tokens = std::move(prefix);
  cache.seen = all;
  return reshape(head(h), {batch, dims_.vocabulary});
}

void Transformer::check(std::span<const int> tokens, const Positions& at) const {
  assert(int(tokens.size()) == at.batch * at.tokens);
  for (int i = 0; i < int(tokens.size()); ++i) {
    if (tokens[i] < -1 || tokens[i] >= dims_.vocabulary)
      throw UsageError("tokens: " + std::to_string(tokens[i]) +
                       " is not in the model's vocabulary 0.." +
                       std::to_string(dims_.vocabulary - 1));
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

Var Transformer::through_layers(Var x, const Run& run, int first) {
  const int last = dims_.layers - 1;
  const auto rest = [first](const Var& h) {
    return first > 0 ? slice(h, 1, first, h.dim(1) - first) : h;
  };
  for (int l = 0; l < last; ++l) x = block(l, x, x, run);
  const Block run_last = [this, last, &run](const Var& query, const Var& memory) {
    return block(last, query, memory, run);
  };
  if (const Var replaced = encoding_->last_layer(x, run.queries, run_last))
    return norm_(rest(replaced));
  if (first == 0 || !run.queries.shared()) return norm_(rest(run_last(x, x)));
  Run asked = run;
  asked.queries = run.queries.from(first);
  return norm_(block(last, rest(x), x, asked));
}

// h = query + O·attention;  result = h + Down·gelu(Up·norm2(h))
Var Transformer::block(int layer, const Var& query, const Var& memory, const Run& run) {
  const Layer& w = layers_[layer];
  const Var h = query + w.o(attend(layer, query, memory, run));
  return h + mlp(w.norm2(h), w.up.matrix(), w.down.matrix());
}

// softmax(score(Q n, K m)) V m for all heads, n and m the normed query and memory.
Var Transformer::attend(int layer, const Var& query, const Var& memory, const Run& run) {
  const Layer& w = layers_[layer];
  auto input = [&](const Var& x, const Positions& at) {
    return encoding_->layer_input(w.norm1(x), layer, at);
  };
  const bool same = query.value().data == memory.value().data;
  const Var n = input(query, run.queries), m = same ? n : input(memory, run.memory);
  auto heads = [&](const Var& x) { return split_heads(x, dims_.heads, numbers_); };
  const Var q = heads(w.q(n));
  Var k = heads(w.k(m)), v = heads(w.v(m));
  std::vector<Var> more = encoding_->per_keys(m, layer);
  if (run.cache) {
    assert(run.cache->seen == (run.cache->keys[layer] ? run.cache->keys[layer].dim(1) : 0));
    auto append = [&](Var& kept, Var& rows) {
      if (rows) kept = rows = kept ? concat({kept, rows}, 1) : rows;
    };
    append(run.cache->keys[layer], k);
    append(run.cache->values[layer], v);
    std::vector<Var>& kept = run.cache->per_keys[layer];
    kept.resize(more.size());
    for (std::size_t i = 0; i < more.size(); ++i) append(kept[i], more[i]);
  }

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
                          run.observer ? &run.observer->layers[layer] : nullptr);
  return join_heads(encoding_->output(z, call), numbers_);
}

}  // namespace yonder
