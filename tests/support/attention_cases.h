#pragma once
#include <ostream>
#include <string>
#include <vector>

#include "core/random.h"
#include "tests/support/attention_reference.h"

/// \file
/// Calls of the attention op with random operands, compared with the oracle.
namespace yonder::cases {

/// Parts of a score besides q·k. strip and own_strip: a bias hook shared by all sequences, and one
/// that computes a strip per sequence. one: tables shared by the heads. gates: forget gates. f: a
/// factor by distance. sink: in softmax's denominator. stick_breaking, remainder_to_own, entmax:
/// weights other than softmax. clipped: distances beyond a limit share one row. flat: a B with one
/// row for all distances. chunks: other queries for keys in earlier chunks of positions. decay,
/// path: products that depend on the tokens in between.
enum Term : unsigned {
  row = 1,
  c = 2,
  A = 4,
  B = 8,
  V = 16,
  far = 32,
  strip = 64,
  contextual = 128,
  own_strip = 256,
  one = 512,
  gates = 1024,
  f = 2048,
  sink = 4096,
  stick_breaking = 8192,
  remainder_to_own = 16384,
  clipped = 32768,
  flat = 65536,
  decay = 131072,
  path = 262144,
  entmax = 524288,
  chunks = 1048576
};
inline constexpr unsigned relative = c | A | B | V;

enum class Places { consecutive, moved, scattered, per_sequence };

struct Case {
  unsigned terms = 0;
  int B = 2, Tq = 70, Tk = 70, H = 2, dk = 5, dv = 3;
  bool causal = true, padding = false;
  int window = 0, first = 0;  ///< first: index of the first query
  int sinks = 0;
  double alpha = 1.5;              ///< of entmax
  std::vector<int> of_heads = {};  ///< window of each head
  std::vector<int> sides = {};     ///< side that each head sees; 0: both
  Places places = Places::consecutive;
};

inline std::ostream& operator<<(std::ostream& out, const Case& x) {
  return out << "terms " << x.terms << " B " << x.B << " Tq " << x.Tq << " Tk " << x.Tk << " H "
             << x.H << " dk " << x.dk << " dv " << x.dv << (x.causal ? " causal" : " bidirectional")
             << (x.padding ? " padded" : "") << " window " << x.window << " sinks " << x.sinks
             << (x.of_heads.empty() ? "" : " windows of heads") << (x.sides.empty() ? "" : " sides")
             << " first " << x.first << " places " << int(x.places);
}

/// A case with its operands.
class Operands {
 public:
  explicit Operands(const Case& x);
  Operands(const Operands&) = delete;

  naive::Call call;
  Tensor weight;  // [B, Tq, H, dv]: the loss is Σ weight∘z

  struct Computed {
    Tensor z;
    std::vector<std::pair<std::string, Var>> operands;  // with their gradients
  };
  Computed compute();
  /// Returns the largest difference from the oracle over z and all gradients, each relative to the
  /// largest value of its tensor (at least 1); `where` names the worst tensor.
  double difference(std::string& where);

 private:
  Case case_;
  std::uint32_t drawn_ = 0;
  std::vector<int> query_at_, key_at_, lengths_;

  Var normal(Shape shape, double deviation = 1) {
    Tensor x = Tensor::uninitialized(std::move(shape));
    const Random random(7, "operand", drawn_++);
    for (std::int64_t i = 0; i < x.size(); ++i) x[i] = real(deviation * random.normal(i));
    return Var::parameter(x);
  }
  void place();
  RelativeTerm term(int spread);
  StripBias hook(bool own, const Var& table);
  // index of a pair's bias in its table [H, 7]
  static int entry(int b, int h, int i, int j) { return h * 7 + (3 * i + 5 * j + b) % 7; }
  std::vector<std::pair<bool, Var>> hooks_;  // whether it is computed per sequence, its table
};

inline void Operands::place() {
  const Case& x = case_;
  Positions& queries = call.queries = {.batch = x.B, .tokens = x.Tq, .first = x.first};
  Positions& keys = call.keys = {.batch = x.B, .tokens = x.Tk};
  const int rows = x.places == Places::per_sequence ? x.B : 1;
  const bool even = x.places == Places::consecutive || x.places == Places::moved;
  // Unless even, gaps of 1 or 2 positions that differ between sequences. Queries have the positions
  // of the keys of the same index.
  for (int b = 0; b < rows; ++b) {
    std::vector<int> at(1, x.places == Places::moved ? 11 : b);
    while (int(at.size()) < std::max(x.Tk, x.first + x.Tq))
      at.push_back(at.back() + (even ? 1 : 1 + int(at.size() * 7 / 3 + b) % 2));
    key_at_.insert(key_at_.end(), at.begin(), at.begin() + x.Tk);
    query_at_.insert(query_at_.end(), at.begin() + x.first, at.begin() + x.first + x.Tq);
  }
  queries.at = query_at_, keys.at = key_at_;
  queries.consecutive = keys.consecutive = even;
  for (int b = 0; b < x.B; ++b) lengths_.push_back(b % 2 == 0 ? x.Tk - x.Tk / 3 : x.Tk);
  if (x.padding) queries.lengths = keys.lengths = lengths_;
}

// A term whose buckets cover exactly the distances that can be visible.
inline RelativeTerm Operands::term(int spread) {
  int least = 1 << 20, most = -least;
  const Case& x = case_;
  for (int b = 0; b < x.B; ++b)
    for (int i = 0; i < x.Tq; ++i)
      for (int j = 0; j < x.Tk; ++j) {
        if (x.causal && j > x.first + i) continue;
        const int d = call.queries(b, i) - call.keys(b, j);
        least = std::min(least, d), most = std::max(most, d);
      }
  if (least > most) least = most = 0;
  const int R = std::min(9, most - least + 1), H = x.terms & one ? 1 : x.H;
  const bool clip = x.terms & clipped;
  RelativeTerm term{.bucket = Buckets(R, least, most, [=](int d) {
                      return clip ? std::clamp(d / spread + R / 2, 0, R - 1)
                                  : (d - least) / spread % R;
                    })};
  if (x.terms & c) term.c = normal({R, x.H});
  if (x.terms & A) term.A = normal({R, H, x.dk}, 0.5);
  if (x.terms & B) term.B = normal({R, H, x.dk}, 0.5);
  if (x.terms & V) term.V = normal({R, H, x.dv});
  if (x.terms & f) term.f = normal({R}, 0.5).value();
  return term;
}

inline StripBias Operands::hook(bool own, const Var& table) {
  const int H = case_.H, Tk = case_.Tk;
  return {.forward =
              [=](int b, int first, int rows, real* bias) {
                for (int h = 0; h < H; ++h)
                  for (int i = 0; i < rows; ++i)
                    for (int j = 0; j < Tk; ++j) *bias++ = table.value()[entry(b, h, first + i, j)];
              },
          .backward =
              [=](int b, int first, int rows, const real* dbias) {
                for (int h = 0; h < H; ++h)
                  for (int i = 0; i < rows; ++i)
                    for (int j = 0; j < Tk; ++j)
                      table.grad()[entry(b, h, first + i, j)] += *dbias++;
              },
          .shared = !own,
          .inputs = {table}};
}

inline Operands::Operands(const Case& x) : case_(x) {
  place();
  Dots& dots = call.dots;
  dots.q = normal({x.B, x.Tq, x.H, x.dk}, 0.7);
  dots.k = normal({x.B, x.Tk, x.H, x.dk}, 0.7);
  call.v = normal({x.B, x.Tk, x.H, x.dv});
  call.mask = {.causal = x.causal,
               .window = x.window,
               .sinks = x.sinks,
               .of_heads = x.of_heads,
               .sides = x.sides};
  ScoreTerms& scores = call.scores;
  scores.scale = real(0.7);
  if (x.terms & row) dots.row = normal({x.padding ? x.B : 1, x.Tq}).value();
  if (x.terms & (relative | f)) scores.relative = {term(1), term(5)};
  if (x.terms & flat) {
    RelativeTerm one_row{.bucket = term(1).bucket};
    one_row.bucket.rows = 1;
    for (int& row : one_row.bucket.row) row = 0;
    one_row.B = normal({1, x.terms & one ? 1 : x.H, x.dk}, 0.5);
    scores.relative.push_back(one_row);
  }
  if (x.terms & far) {
    dots.far_window = 9;
    dots.far_q = normal({x.B, x.Tq, x.H, x.dk}, 0.7);
    dots.far_k = normal({x.B, x.Tk, x.H, x.dk}, 0.7);
    if (!x.causal) dots.far_q_right = normal({x.B, x.Tq, x.H, x.dk}, 0.7);
  }
  if (x.terms & chunks) {
    dots.chunk = 17;
    dots.previous_q = normal({x.B, x.Tq, x.H, x.dk}, 0.7);
    dots.older_q = normal({x.B, x.Tq, x.H, x.dk}, 0.7);
  }
  if (x.terms & strip) hooks_.push_back({false, normal({x.H, 7})});
  if (x.terms & own_strip) hooks_.push_back({true, normal({x.H, 7})});
  for (const auto& [own, table] : hooks_) scores.strips.push_back(hook(own, table));
  if (x.terms & contextual) scores.contextual = {{normal({6, x.dk})}, {normal({40, x.dk})}};
  if (x.terms & sink) scores.sink = normal({x.H});
  if (x.terms & stick_breaking) scores.weights = Weights::stick_breaking;
  if (x.terms & remainder_to_own) scores.weights = Weights::stick_breaking_remainder_to_own;
  if (x.terms & entmax) scores.weights = Weights::entmax, scores.alpha = x.alpha;
  if (x.terms & decay) {
    dots.log_decay = normal({x.B, x.Tk, x.H, x.dk}, 0.3);
    for (real& y : dots.log_decay.value().flat()) y = -std::abs(y);
  }
  if (x.terms & path) {
    dots.path = {normal({x.B, x.Tk, x.H, x.dk}, 0.4), normal({x.B, x.Tk, x.H}, 0.5)};
    for (real& y : dots.path.beta.value().flat()) y = std::abs(y);
  }
  if (x.terms & gates) scores.log_gate = normal({x.B, x.Tk, x.H}, 0.3);
  weight = normal({x.B, x.Tq, x.H, x.dv}).value();
  if (hooks_.empty()) return;
  for (int b = 0; b < x.B; ++b)
    for (int h = 0; h < x.H; ++h)
      for (int i = 0; i < x.Tq; ++i)
        for (int j = 0; j < x.Tk; ++j) {
          double bias = 0;
          for (const auto& [own, table] : hooks_)
            bias += double(table.value()[entry(own ? b : 0, h, i, j)]);
          call.bias.push_back(bias);
        }
}

inline Operands::Computed Operands::compute() {
  Computed computed;
  auto& operands = computed.operands;
  const Dots& dots = call.dots;
  operands = {{"q", dots.q},
              {"k", dots.k},
              {"far q", dots.far_q},
              {"far k", dots.far_k},
              {"v", call.v},
              {"far q to the right", dots.far_q_right},
              {"previous q", dots.previous_q},
              {"older q", dots.older_q},
              {"gates", call.scores.log_gate},
              {"sink", call.scores.sink},
              {"decays", dots.log_decay},
              {"w", dots.path.w},
              {"beta", dots.path.beta}};
  for (const RelativeTerm& x : call.scores.relative)
    operands.insert(operands.end(), {{"A", x.A}, {"B", x.B}, {"V", x.V}, {"c", x.c}});
  for (const ContextualTerm& x : call.scores.contextual)
    operands.push_back({"contextual table", x.table});
  for (const auto& [own, table] : hooks_)
    operands.push_back({own ? "own strip" : "shared strip", table});
  for (const auto& [name, x] : operands)
    if (x) x.gradient().clear();

  Tape tape;
  const Var z = yonder::attention(dots, call.v, call.scores, call.mask, call.queries, call.keys);
  computed.z = z.value();
  const Var loss = Tape::record(Tensor(Shape{1}), {z}, [z, w = weight](const Tensor&) {
    for (std::int64_t i = 0; i < w.size(); ++i) z.grad()[i] += w[i];
  });
  tape.backward(loss);
  return computed;
}

inline double Operands::difference(std::string& where) {
  const Computed ours = compute();
  const naive::Result oracle =
      naive::attention(call, naive::Numbers(weight.flat().begin(), weight.flat().end()));
  double worst = 0;
  const auto compare = [&](const std::string& name, const Tensor& x, const naive::Numbers& y) {
    double most = 1, off = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
      most = std::max(most, std::abs(y[i]));
      const double d = std::abs(x[i] - y[i]);
      off = d <= off ? off : d;  // keeps a NaN
    }
    if (!(off / most <= worst) && !std::isnan(worst)) worst = off / most, where = name;
  };
  compare("z", ours.z, oracle.z);
  const naive::Gradients& g = oracle.gradients;
  std::vector<naive::Numbers> theirs{g.q,           g.k,          g.far_q,   g.far_k,    g.v,
                                     g.far_q_right, g.previous_q, g.older_q, g.log_gate, g.sink,
                                     g.log_decay,   g.w,          g.beta};
  for (const auto& x : g.relative) theirs.insert(theirs.end(), {x.A, x.B, x.V, x.c});
  for (const auto& x : g.contextual) theirs.push_back(x);
  for (const auto& [own, table] : hooks_) {
    theirs.push_back(naive::zeros(table));
    const Case& x = case_;
    const double* bias = g.bias.data();
    for (int b = 0; b < x.B; ++b)
      for (int h = 0; h < x.H; ++h)
        for (int i = 0; i < x.Tq; ++i)
          for (int j = 0; j < x.Tk; ++j)
            theirs.back()[std::size_t(entry(own ? b : 0, h, i, j))] += *bias++;
  }
  for (std::size_t n = 0; n < theirs.size(); ++n)
    if (const auto& [name, x] = ours.operands[n]; x)
      compare("gradient of " + name, x.grad(), theirs[n]);
  return worst;
}

}  // namespace yonder::cases
