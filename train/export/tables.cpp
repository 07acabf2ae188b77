#include "train/export/tables.h"

#include <algorithm>
#include <cmath>

#include "core/ops/ops.h"
#include "train/export/turns.h"

namespace yonder {
namespace {

using Json = nlohmann::ordered_json;
using Component = Composition::Component;

// Encodings that are more than tables. modeling_yonder.py has a piece of code for each, which gets
// its parameters and options.
constexpr const char* on_embeddings[] = {"conv", "rnn"};
constexpr const char* in_layers[] = {"dape", "fire",   "fox",       "gate",  "path",
                                     "pope", "qknorm", "selective", "ssmax", "wall"};

Json options_of(const Component& p) {
  Json said = Json::object();
  for (const Option& o : p.encoding->options())
    std::visit([&](const auto& x) { said[o.name] = x; }, value_of(o));
  return said;
}

bool is_among(const Component& p, std::span<const char* const> names) {
  return std::find(names.begin(), names.end(), p.entry->name) != names.end();
}

bool has_piece(const Component& p) {
  if (p.entry->name == "ssmax") {  // only if adaptive, and scaling q alone
    const Json said = options_of(p);
    return said["kind"] == "adaptive" && !said["bias"];
  }
  return is_among(p, on_embeddings) || is_among(p, in_layers);
}

bool equal(const NamedTensors& a, const NamedTensors& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first && equal(x.second, y.second);
  });
}

bool is_all(real value, const Tensor& x) {
  return std::all_of(x.flat().begin(), x.flat().end(), [value](real y) { return y == value; });
}

class Reading {
 public:
  Reading(Transformer& model, int M, int longest)
      : encoding_(model.encoding()),
        model_(model),
        d_(model.dims()),
        M_(M),
        placed_(encoding_, {.tokens = M, .longest = longest}) {}

  Tables operator()() {
    if (encoding_.complex()) refuse("makes the model complex", "complex numbers");
    if (encoding_.needs_digits()) refuse("reads which tokens are digits", "digits");
    const Positions& p = placed_;
    for (int t = 0; t < M_; ++t)
      if (p(0, t) != t || p.next_layer > 0)
        refuse("places tokens at other positions than 0, 1, 2, ...", "them");
    encoding_.begin(p);
    tables_.most = M_;
    embedded();
    refuse_last_layer();
    for (int l = 0; l < d_.layers; ++l) layer(l);
    return std::move(tables_);
  }

 private:
  Composition& encoding_;
  Transformer& model_;
  const Dims& d_;
  int M_;
  Placed placed_;
  Tables tables_;

  [[noreturn]] void refuse(const std::string& what, const std::string& need) const {
    throw UsageError("export: " + encoding_.name() + " " + what +
                     ", and what is exported would need a place for " + need +
                     "; export another encoding, or see yonder logits");
  }

  // Calls f(encoding) for components without a piece of their own, in a layer or on the embeddings
  // (-1), modifiers last.
  template <class F>
  void each(int layer, F&& f) const {
    for (const bool modifier : {false, true})
      for (const Component& p : encoding_.components())
        if ((layer < 0 || p.in(layer)) && !has_piece(p) &&
            (p.entry->kind == Kind::modifier) == modifier)
          f(*p.encoding);
  }

  void add(const std::string& piece, const std::string& name, const Tensor& t) {
    tables_.pieces.insert(piece);
    tables_.all.emplace_back("tables." + name, t);
  }

  // Adds the parameters of an encoding with a piece: shared ones, and those of the layer.
  void add_piece(const Component& p, const std::string& at, int layer) {
    const std::string own = "encoding." + p.entry->name + ".";
    const std::string of_layer = own + "blocks." + std::to_string(layer) + ".";
    tables_.pieces.insert(p.entry->name);
    for (const auto& [name, var] : model_.parameters().all())
      if (name.starts_with(of_layer) ||
          (name.starts_with(own) && !name.starts_with(own + "blocks.")))
        add(p.entry->name,
            at + p.entry->name + "." +
                name.substr((name.starts_with(of_layer) ? of_layer : own).size()),
            var.value());
  }

  // Adds what the encoding does to the embeddings, whatever the tokens.
  void embedded() {
    std::vector<int> tokens(std::size_t(M_), 0);
    const auto placed = [&](const Var& words) {
      Var y = words;
      each(-1, [&](Encoding& e) { y = e.embed(y, tokens, placed_); });
      return y;
    };
    const Shape shape{1, M_, d_.width};
    const Var some = noise(shape), added = placed(filled(0, shape));
    const Var factors = placed(filled(1, shape)) - added;
    for (int t = 0; t < M_; ++t) tokens[std::size_t(t)] = t % d_.vocabulary;
    const Tensor found = placed(some).value();
    if (!alike(found, (some * factors + added).value()))
      refuse("reads the tokens where positions are added", "what it makes of them");
    if (!alike(found, (some + added).value(), 1e-6))
      add("factors", "factors", factors.value().view({M_, d_.width}));
    if (!is_all(0, added.value())) {
      tables_.pieces.insert("positions");
      tables_.positions = added.value().view({M_, d_.width});
    }
    for (const Component& p : encoding_.components())
      if (is_among(p, on_embeddings)) {
        if (!tables_.pieces.empty()) refuse("changes the embedded tokens twice", "their order");
        tables_.embedding[p.entry->name] = options_of(p);
        add_piece(p, "", -1);
      }
  }

  void refuse_last_layer() {
    const Block same = [](const Var& query, const Var&) { return query; };
    if (encoding_.last_layer(noise({1, M_, d_.width}), placed_, same))
      refuse("runs the last layer in its own way", "that");
  }

  Var input(const Var& x, int l, const Positions& p) {
    Var y = x;
    each(l, [&](Encoding& e) { y = e.layer_input(y, l, p); });
    return y;
  }

  // Adds the table that is added to the input of a block.
  void layer_input(const Var& x, int l, const Positions& p, const std::string& at) {
    const Var added = input(filled(0, x.shape()), l, p);
    if (!alike(input(x, l, p).value(), (x + added).value()))
      refuse("changes the input of every layer", "that");
    if (!is_all(0, added.value())) add("input", at + "input", added.value().view({M_, d_.width}));
  }

  void layer(int l) {
    const std::string at = std::to_string(l) + ".";
    const Positions p = placed_.positions().in(l);
    const Var x = noise({1, M_, d_.width});
    layer_input(x, l, p, at);
    each(l, [&](Encoding& e) {
      if (e.per_key(x, l)) refuse("makes more than k and v of a key", "that");
    });
    const std::string name = "blocks." + std::to_string(l) + ".attn.";
    const Mask mask = encoding_.mask_in(l);
    Attention call{.layer = l,
                   .queries = p,
                   .keys = p,
                   .query_weight = model_.parameters().find(name + "q.weight"),
                   .key_weight = model_.parameters().find(name + "k.weight"),
                   .mask = mask,
                   .input = x};
    Json said{{"scale", 1 / std::sqrt(double(d_.head()))},
              {"window", mask.window},
              {"sinks", mask.sinks},
              {"of_heads", mask.of_heads}};
    if (mask.window > 0 || !mask.of_heads.empty()) tables_.pieces.insert("mask");
    row(call, at);
    turns(call, at, said);
    const Var z = noise({1, M_, d_.heads, d_.head()});
    const Dots dots{.q = z, .k = z};
    call.products = &dots;
    scores(call, at, said);
    each(l, [&](Encoding& e) {
      if (!equal(e.output(z, call).value(), z.value()))
        refuse("gates what attention gives", "the gate");
    });
    for (const Component& piece : encoding_.components())
      if (piece.in(l) && has_piece(piece) && is_among(piece, in_layers)) {
        Json& options = said[piece.entry->name] = options_of(piece);
        if (piece.entry->name == "fire" && options["threshold"] == 0)
          options["threshold"] = d_.positions;
        add_piece(piece, at, l);
      }
    tables_.layers.push_back(said);
  }

  // Adds the factors of queries, [M, H].
  void row(const Attention& call, const std::string& at) {
    Attention other = call;
    other.input = real(-1) * call.input;
    const Tensor row = factors(call);
    if (!equal(row, factors(other))) refuse("scales queries by content", "the program of it");
    if (!is_all(1, row)) add("row", at + "row", row);
  }

  Tensor factors(const Attention& call) {
    const Var one = filled(1, {1, M_, d_.heads, d_.head()});
    Dots dots{.q = one, .k = one};
    each(call.layer, [&](Encoding& e) { e.scale_queries(dots, call); });
    Tensor row({M_, d_.heads});
    for (std::int64_t i = 0; i < row.size(); ++i)
      row[i] = dots.q.value()[i * d_.head()] * (dots.row ? dots.row[i / d_.heads] : real(1));
    return row;
  }

  void turns(const Attention& call, const std::string& at, Json& said) {
    const auto turned = [&](const Var& x) {
      Attention first = call;
      first.queries.tokens = x.dim(1);
      first.queries.at =
          call.queries.at.first(std::min(call.queries.at.size(), std::size_t(x.dim(1))));
      first.keys = first.queries;
      Dots dots{.q = x, .k = x};
      each(call.layer, [&](Encoding& e) { e.normed(dots, first), e.dots(dots, first); });
      return dots;
    };
    const TurnTables found = turn_tables_of(turned, {1, M_, d_.heads, d_.head()});
    if (!found.known) refuse("makes something else of queries and keys", "the program of it");
    if (found.q_columns) {
      add("columns", at + "columns.q", found.q_columns);
      add("columns", at + "columns.k", found.k_columns);
    }
    said["turns"] = Json::array();
    if (!found.partner.empty()) said["partner"] = found.partner;
    for (const TurnTables::Product& p : found.products)
      said["turns"].push_back(
          {{"q", kept(p.q)}, {"k", kept(p.k)}, {"chunk", p.chunk}, {"from", p.from}});
  }

  // Adds a table of turns unless another layer has the same. Returns its name.
  std::string kept(const Tensor& turn) {
    int count = 0;
    for (const auto& [name, t] : tables_.all)
      if (name.starts_with("tables.turns.")) {
        if (equal(t, turn)) return name;
        ++count;
      }
    add("turns", "turns." + std::to_string(count), turn);
    return tables_.all.back().first;
  }

  void scores(const Attention& call, const std::string& at, Json& said) {
    ScoreTerms s{.scale = real(said["scale"])};
    const real usual = s.scale;
    each(call.layer, [&](Encoding& e) { e.scores(s, call); });
    if (!s.strips.empty()) refuse("has a bias of more than the distance", "the program of it");
    if (s.contextual.size() > 1 || s.log_gate) refuse("counts by content", "the program of it");
    said["scale"] = s.scale;
    if (s.scale != usual) tables_.pieces.insert("scale");
    if (s.sink) add("sink", at + "sink", s.sink.value());
    if (!s.contextual.empty()) add("contextual", at + "contextual", s.contextual[0].table.value());
    said["terms"] = s.relative.size();
    for (std::size_t t = 0; t < s.relative.size(); ++t)
      term(at + std::to_string(t) + ".", s.relative[t]);
    said["weights"] = "softmax";
    if (s.weights == Weights::softmax) return;
    said["weights"] = s.weights == Weights::entmax           ? "entmax"
                      : s.weights == Weights::stick_breaking ? "sticks"
                                                             : "sticks, rest to own";
    said["alpha"] = s.alpha;
    tables_.pieces.insert(s.weights == Weights::entmax ? "entmax" : "sticks");
  }

  void term(const std::string& at, const RelativeTerm& r) {
    Tensor bucket({M_});
    for (int distance = 0; distance < M_; ++distance) bucket[distance] = real(r.bucket(distance));
    add("terms", at + "bucket", bucket);
    const std::pair<const char*, const Var*> vars[] = {
        {"A", &r.A}, {"B", &r.B}, {"V", &r.V}, {"c", &r.c}};
    for (const auto& [table, var] : vars)
      if (*var) add("terms", at + table, var->value());
    if (r.f) add("terms", at + "f", r.f);
  }
};

Tables read(Transformer& model, int M) {
  const int N = model.dims().trained;
  const auto same = [](const Tables& a, const Tables& b) {
    return equal(a.all, b.all) && a.layers == b.layers && equal(a.positions, b.positions);
  };
  Tables tables = Reading(model, M, M)();
  const Tables shorter = Reading(model, M, N)();
  if (same(tables, shorter)) return tables;
  if (!same(tables, Reading(model, M, N + 1)()) || tables.layers != shorter.layers ||
      !equal(tables.positions, shorter.positions))
    throw UsageError(
        "export: " + model.encoding().name() +
        " depends on the evaluation length, and an exported model does not know it; give the "
        "option that fixes it, such as --rope.factor 4 or --rope-id.temperature none");
  tables.pieces.insert("short");
  for (const auto& [name, t] : Reading(model, std::min(M, N), N)().all)
    tables.all.emplace_back("short." + name, t);
  return tables;
}

}  // namespace

Tables tables_of(Transformer& model, int asked) {
  if (asked > 0) return read(model, asked);
  const int usual = 4096;
  try {
    return read(model, usual);
  } catch (const Undefined&) { return read(model, std::min(usual, model.dims().positions)); }
}

}  // namespace yonder
