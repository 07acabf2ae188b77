// Rotary position embedding. Su et al., "RoFormer", 2021, arXiv:2104.09864, eqs. 14–16.
//
//   score_ij = (R(i) q_i)·(R(j) k_j)/√d,   R(i) rotates pair m of the first d' columns by i w_m,
//   w_m = base^(−2m/d'), d' = 2⌊fraction d/2⌋, so that the score depends on i − j only
//
// With `truncate`, the r = d'/2 fastest pairs of the whole head rotate, w_m = base^(−2m/d), and the
// slower ones do not (p-RoPE): content independent of position.  Barbero et al., "Round
// and round we go!", 2025, arXiv:2410.06205, sec. 6.
//
// Defined at every position. For longer inputs, the frequencies can be changed (spectrum.h), or the
// distances from a window w on: q_i and k_j are rotated to distance f(i) − f(j) ± (w − f(w)), with
//   rerope       f(i) = 0           Su 2023, kexue.fm/archives/9708
//   leaky        f(i) = i/k         the same
//   self-extend  f(i) = ⌊i/⌈k⌉⌋     Jin et al. 2024, arXiv:2401.01325, with ⌊w/⌈k⌉⌋ as in the
//                                   paper; today's code shifts by w − w/⌈k⌉ unrounded
// or by chunks of c = s − w positions (dca, causal models only): k_j is rotated to j mod c, and q_i
//   to i mod c                for keys of its own chunk ⌊i/c⌋
//   to min(c + i mod c, s)    for those of the chunk before
//   to min(2c − 1, s)         for older ones
// An et al., "Training-free long-context scaling of large language models" (dual chunk attention),
// 2024, arXiv:2402.17463, sec. 3. Its code also multiplies q and k by 0.05 ln(L/N) + 1, which
// the paper's results do not use: not implemented.
#include <algorithm>
#include <cmath>

#include "encodings/base/encoding.h"
#include "encodings/base/rotation.h"

namespace yonder {
namespace {

// The inference-time overrides for longer inputs, one at a time.
Overrides longer_tests() {
  Overrides all =
      overrides("rope.scaling", {"linear", "ntk", "ntk-old", "ntk-fixed", "ntk-mixed", "dynamic",
                                 "yarn", "llama3", "rerope", "leaky", "self-extend", "dca"});
  all.push_back({"rope.resonance", true});
  return all;
}

class Rope final : public Encoding {
  int window_ = 0, chunk_ = 0;
  Layout layout_ = Layout::interleaved;
  RotaryFrequencies turning_;

  // The angles of a pass, shared by all layers.
  struct Turned {
    std::vector<int> at;
    Spectrum spectrum;
    Rotation rotation;
  };
  Turned of_queries_, of_keys_;

 public:
  Options options() override {
    Options o;
    turning_.options(o, {"rerope", "leaky", "self-extend", "dca"});
    o.insert(o.begin() + 1, layout_option(&layout_));
    o.push_back(
        Option{"window", &window_,
               "w of rerope, leaky, self-extend, dca; 0: half the training length, dca: an eighth"}
            .at_least(0)
            .at_inference());
    o.push_back(
        Option{"chunk", &chunk_, "s of dca, w more than a chunk; 0: 3/4 of the training length"}
            .at_least(0)
            .at_inference()
            .added_later());
    return o;
  }

  void check() const override {
    if (turning_.fraction == 1 && dims_.head() % 2)
      throw UsageError("rope: head width " + std::to_string(dims_.head()) +
                       " is odd, so columns cannot be paired; choose an even width per head");
    if (turning_.columns(dims_.head()) == 0)
      throw UsageError("rope.fraction: no pair of the head's " + std::to_string(dims_.head()) +
                       " columns would be rotated; give a larger fraction");
    const int N = dims_.trained;
    turning_.check("rope", dims_.head(), N);
    if (chunked() && !dims_.causal)
      throw UsageError(
          "rope.scaling: dca works with causal models only; choose rerope, leaky or self-extend");
    if (chunked() && !dims_.monotonic)
      throw UsageError(
          "rope.scaling: dca needs positions that increase from token to token, and another "
          "encoding of this model gives different ones; choose rerope, leaky or self-extend");
    if (chunk_ > N || (chunked() && chunk() <= window()))
      throw UsageError(
          fmt::format("rope.chunk: {} has to be above rope.window and at most the training length "
                      "{}; give such a number, or 0 for 3/4 of it",
                      chunked() ? chunk() : chunk_, N));
    if (window_ >= N || ((far() || chunked()) && window() < 1))
      throw UsageError(
          fmt::format("rope.window: {} has to be below the training length {}; give 1 or more, or "
                      "0 for {} of it",
                      window_, N, chunked() ? "an eighth" : "half"));
  }

  void freeze_for_length(int longest) override {
    if (chunked()) return;  // its lengths are fractions of N
    const int w = far() ? window() : 0;
    turning_.scaling.freeze_for_length(dims_.trained - w, longest - w);
  }

  std::vector<double> frequencies(int longest) const override {
    return turning_.of(dims_.head(), dims_.trained, longest).w;
  }

  void begin(const Positions&) override { of_queries_ = {}, of_keys_ = {}; }

  void dots(Dots& x, const Attention& a) override {
    const Spectrum s = turning_.of(dims_.head(), dims_.trained, a.queries.longest);
    if (chunked()) return chunk_dots(x, a, s);
    if (far()) far_dots(x, a, s);
    const std::vector<int> keys = token_positions(a.keys);
    x.q = rotate(x.q, turned(of_queries_, a.queries, token_positions(a.queries), s));
    if (keys == of_queries_.at) of_keys_ = of_queries_;
    x.k = rotate(x.k, turned(of_keys_, a.keys, keys, s));
  }

 private:
  const Rotation& turned(Turned& last, const Positions& p, const std::vector<int>& at,
                         const Spectrum& s) const {
    if (last.at != at || !(last.spectrum == s))
      last = {at, s, rotation(p, s, layout_, [](int i) { return double(i); })};
    return last.rotation;
  }

  bool far() const {
    const std::string& name = turning_.scaling.scaling;
    return name == "rerope" || name == "leaky" || name == "self-extend";
  }
  bool chunked() const { return turning_.scaling.scaling == "dca"; }
  int window() const { return window_ > 0 ? window_ : dims_.trained / (chunked() ? 8 : 2); }  // w
  int chunk() const { return chunk_ > 0 ? chunk_ : 3 * dims_.trained / 4; }                   // s

  void chunk_dots(Dots& x, const Attention& a, const Spectrum& s) const {
    a.require_monotonic("rope");
    const int most = chunk(), c = most - window();
    auto turned = [&](const Var& y, const Positions& p, auto f) {
      return rotate(y, rotation(p, s, layout_, f));
    };
    const Var q = x.q;
    x.q = turned(q, a.queries, [c](int i) { return i % c; });
    x.k = turned(x.k, a.keys, [c](int j) { return j % c; });
    x.previous_q = turned(q, a.queries, [c, most](int i) { return std::min(c + i % c, most); });
    x.older_q = turned(q, a.queries, [c, most](int) { return std::min(2 * c - 1, most); });
    x.chunk = c;
  }

  void far_dots(Dots& x, const Attention& a, const Spectrum& s) const {
    const int w = window(), N = dims_.trained, L = a.queries.longest;
    // Unless k is given, the smallest that keeps every distance within the trained range.
    const double least = std::max(1.0, double(L - w) / (N - w));
    const double k = turning_.scaling.factor > 0 ? turning_.scaling.factor : least;
    auto f = [&](int i) {
      if (turning_.scaling.scaling == "rerope") return 0.0;
      return turning_.scaling.scaling == "leaky" ? i / k : std::floor(i / std::ceil(k));
    };
    auto turned = [&](const Var& y, const Positions& p, double shift) {
      return rotate(y, rotation(p, s, layout_, [&](int i) { return f(i) + shift; }));
    };
    x.far_window = w;
    x.far_q = turned(x.q, a.queries, w - f(w));
    if (a.least_seen() <= -w) x.far_q_right = turned(x.q, a.queries, f(w) - w);
    x.far_k = turned(x.k, a.keys, 0);
  }
};

const Register<Rope> rope_entry{
    {.name = "rope",
     .title = "Rotary position embedding (RoPE)",
     .printed = "RoPE",
     .printed_values = {{"yarn", "YaRN"},
                        {"ntk", "NTK"},
                        {"linear", "PI"},
                        {"rerope", "ReRoPE"},
                        {"leaky", "Leaky ReRoPE"},
                        {"llama3", "Llama 3"},
                        {"self-extend", "SelfExtend"},
                        {"longrope", "LongRoPE"},
                        {"dca", "DCA"}},
     .paper = "arXiv:2104.09864",
     .aliases = {"rotary", "roformer"},
     .extension_aliases = {{"pi", {"rope.scaling", "linear"}},
                           {"ntk", {"rope.scaling", "ntk"}},
                           {"yarn", {"rope.scaling", "yarn"}},
                           {"dca", {"rope.scaling", "dca"}},
                           {"resonance", {"rope.resonance", true}}},
     .usual = Usual::trained,
     .kind = Kind::rotary,
     .formula = "(R(i) q_i)·(R(j) k_j)/√d, R(i) turns pair m by i w_m, w_m = base^(-2m/d)",
     .extensions = longer_tests()}};

}  // namespace
}  // namespace yonder
