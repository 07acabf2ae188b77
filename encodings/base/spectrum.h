#pragma once
#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "encodings/base/encoding.h"

/// \file
/// The frequencies of rope and of the sinusoids, w_m = base^(−2m/d), m < d/2, and the ways to
/// change them at inference so that L tokens look like the N of training. k is the extension
/// factor. All in double.
namespace yonder {

/// How fast the pairs of columns rotate, and how much they are scaled.
struct Spectrum {
  std::vector<double> w;       ///< angular frequency of each pair of columns
  double amplitude = 1;        ///< factor of q and of k
  int kept = 0;                ///< positions below this use `kept_w` instead, with amplitude 1
  std::vector<double> kept_w;  ///< as w; empty: none are kept

  bool operator==(const Spectrum&) const = default;  ///< exactly
};

/// w_m = base^(−2m/d).
inline Spectrum spectrum(double base, int d) {
  Spectrum s;
  for (int m = 0; m < d / 2; ++m) s.w.push_back(std::pow(base, -2.0 * m / d));
  return s;
}

/// The option `scaling` and those that belong to it.
struct Scaling {
  std::string scaling = "direct";                                   ///< name of the method
  double factor = 0, mixed = 0.625, beta_fast = 32, beta_slow = 1;  ///< see options()
  double low_freq_factor = 1, high_freq_factor = 4;                 ///< see options()

  /// Adds the options to `o`, all inference-time. `more` are the encoding's own scalings.
  void options(Options& o, const std::vector<std::string>& more = {}) {
    std::vector<std::string> names{"direct",    "linear",  "ntk",  "ntk-old", "ntk-fixed",
                                   "ntk-mixed", "dynamic", "yarn", "llama3"};
    names.insert(names.end(), more.begin(), more.end());
    const double inf = std::numeric_limits<double>::infinity();
    auto add = [&o](Option option) { o.push_back(std::move(option).at_inference()); };
    add(Option{"scaling", &scaling,
               "scaling of the frequencies (ntk-old, ntk-fixed and ntk-mixed as in Su 2023)"}
            .one_of(names));
    add(Option{"factor", &factor, "k, at least 1; 0: evaluation over training length (dynamic: 1)"}
            .at_least(0));
    add(Option{"mixed", &mixed, "b of ntk-mixed: 0 is linear, 1 is ntk-fixed"}.at_least(0));
    add(Option{"beta_fast", &beta_fast,
               "yarn: rotations in the training length above which a pair stays"}
            .between(0, inf));
    add(Option{"beta_slow", &beta_slow, "yarn: rotations below which a pair is interpolated by k"}
            .between(0, inf));
    add(Option{"low_freq_factor", &low_freq_factor,
               "llama3: rotations in the training length below which a pair is interpolated by k"}
            .between(0, inf));
    add(Option{"high_freq_factor", &high_freq_factor, "llama3: rotations above which a pair stays"}
            .between(0, inf));
  }

  /// Throws UsageError for values that don't fit each other or a width of d columns.
  void check(const std::string& owner, int d) const {
    auto refuse = [&](const std::string& why) { throw UsageError(owner + "." + why); };
    if (factor > 0 && factor < 1)
      refuse("factor: below 1 the lengths would shrink; give 1 or more, or 0 for L/N");
    if ((scaling == "ntk" || scaling == "dynamic") && d < 4)
      refuse("scaling: " + scaling + " needs at least 4 columns and there are " +
             std::to_string(d) + "; choose linear or a larger width");
    if (scaling == "yarn" && beta_fast < beta_slow)
      refuse("beta_fast: it lies below beta_slow; give it the larger number of turns");
    if (scaling == "llama3" && high_freq_factor <= low_freq_factor)
      refuse("high_freq_factor: it has to lie above low_freq_factor");
  }

  /// Fixes the factor when training continues at L tokens; dynamic's still depends on the length.
  void freeze_for_length(int N, int L) {
    if (factor == 0 && scaling != "direct" && scaling != "dynamic") factor = k(N, L);
  }

  /// k at L tokens for a model trained on N.
  double k(int N, int L) const { return factor > 0 ? factor : std::max(1.0, double(L) / N); }

  /// The fraction of pair m's frequency that yarn keeps, for d columns: 1 for pairs that turn more
  /// than beta_fast times within N, 0 for pairs that turn less than beta_slow times.
  double yarn_mask(int m, double base, int d, int N) const {
    auto c = [&](double turns) {  // index of the pair with so many turns, as a real number
      return d * std::log(N / (2 * std::numbers::pi * turns)) / (2 * std::log(base));
    };
    const double low = std::clamp(std::floor(c(beta_fast)), 0.0, d - 1.0);
    double high = std::clamp(std::ceil(c(beta_slow)), 0.0, d - 1.0);
    if (low == high) high += 0.001;
    return 1 - std::clamp((m - low) / (high - low), 0.0, 1.0);
  }

  /// The frequencies of d columns at L tokens for a model trained on N.
  Spectrum of(double base, int d, int N, int L) const {
    const double k = this->k(N, L);
    Spectrum s = spectrum(base, d);
    // Position interpolation: w_m / k.  Chen et al. 2023, arXiv:2306.15595
    if (scaling == "linear")
      for (double& w : s.w) w /= k;
    // base → base k^(d/(d−2)): the fastest pair stays, the slowest is divided by k.
    // "NTK-aware", bloc97 2023; Peng et al. 2023, arXiv:2309.00071, sec. 3.1
    if (scaling == "ntk") s = spectrum(base * std::pow(k, d / (d - 2.0)), d);
    // base → base k, Su's first interpretation.  kexue.fm/archives/9675
    if (scaling == "ntk-old") s = spectrum(base * k, d);
    // ntk with k growing with the length.  emozilla 2023; arXiv:2309.00071, sec. 3.3
    if (scaling == "dynamic" && L > N) {
      const double fixed = factor > 0 ? factor : 1;
      s = spectrum(base * std::pow(fixed * L / N - (fixed - 1), d / (d - 2.0)), d);
    }
    if (scaling == "ntk-fixed") mix(s, d, k, 1);
    if (scaling == "ntk-mixed") mix(s, d, k, mixed);
    if (scaling == "yarn") yarn(s, base, d, N, k);
    if (scaling == "llama3") llama3(s, N, k);
    return s;
  }

 private:
  // w_m / exp(a (m+1)^b), a (d/2)^b = ln k; b = 1: w_m / λ^(m+1), λ = k^(2/d).
  // Su 2023, kexue.fm/archives/9706
  static void mix(Spectrum& s, int d, double k, double b) {
    const double a = std::log(k) / std::pow(d / 2.0, b);
    for (int m = 0; m < int(s.w.size()); ++m) s.w[m] /= std::exp(a * std::pow(m + 1.0, b));
  }

  // A pair that turns more than beta_fast times within N is kept, one below beta_slow is divided by
  // k, with a ramp in between.  Peng et al. 2023, arXiv:2309.00071, eqs. 17–23, as in its code.
  void yarn(Spectrum& s, double base, int d, int N, double k) const {
    for (int m = 0; m < int(s.w.size()); ++m) {
      const double mask = yarn_mask(m, base, d, N);
      s.w[m] = s.w[m] / k * (1 - mask) + s.w[m] * mask;
    }
    s.amplitude = 0.1 * std::log(k) + 1;
  }

  // As yarn, with a ramp over the turns N/λ themselves.  Grattafiori et al. 2024, arXiv:2407.21783,
  // as in its code.
  void llama3(Spectrum& s, int N, double k) const {
    for (double& w : s.w) {
      const double turns = N * w / (2 * std::numbers::pi);
      const double ramp = (turns - low_freq_factor) / (high_freq_factor - low_freq_factor);
      const double kept = std::clamp(ramp, 0.0, 1.0);
      w = (1 - kept) * w / k + kept * w;
    }
  }
};

/// Which pairs of a head's d columns rope rotates, and how fast: those of the first
/// d' = 2⌊fraction d/2⌋ by their own spectrum, or (`truncate`) the d'/2 fastest of the head's.
///
/// longrope, beyond N: w_m / λ_m, q and k both times √(1 + ln k/ln N); positions below `keep` use
/// w_m itself.  Ding et al., "LongRoPE", 2024, arXiv:2402.13753, sec. 3, as in its code.
/// resonance, applied last: w ← 2π/round(2π/w), so that a pair's wavelength is a whole number of
/// tokens.  Wang et al., "Resonance RoPE", 2024, arXiv:2403.00071, sec. 3.2.
struct RotaryFrequencies {
  double base = 10000, fraction = 1;         ///< see options()
  bool truncate = false, resonance = false;  ///< see options()
  std::string factors;                       ///< see options()
  int keep = 0;                              ///< see options()
  Scaling scaling;                           ///< of the frequencies at inference

  /// Adds the options to `o`. `more` are the encoding's own scalings.
  void options(Options& o, std::vector<std::string> more = {}) {
    const double inf = std::numeric_limits<double>::infinity();
    o.push_back(Option{"base", &base, "w_m = base^(−2m/d), before any scaling; 500000: ABF"}
                    .between(1, inf)
                    .at_inference());
    o.push_back(
        Option{"fraction", &fraction, "fraction of a head's dimensions that are rotated"}.within(
            0, 1));
    o.push_back(Option{"truncate", &truncate,
                       "rotate only the fastest pairs of the full spectrum (p-RoPE)"});
    more.insert(more.begin(), "longrope");
    scaling.options(o, more);
    o.push_back(Option{"resonance", &resonance,
                       "round each pair's wavelength to whole tokens, after any scaling"}
                    .at_inference()
                    .added_later());
    o.push_back(
        Option{"factors", &factors, "longrope: comma-separated divisors of each pair's frequency"}
            .takes("λ,λ,...")
            .at_inference()
            .added_later());
    o.push_back(Option{"keep", &keep, "longrope: positions below this are not scaled"}
                    .at_least(0)
                    .at_inference()
                    .added_later());
  }

  /// Throws UsageError for values that don't fit each other, a head of d columns or length N.
  void check(const std::string& owner, int d, int N) const {
    scaling.check(owner, width(d));
    const bool longrope = scaling.scaling == "longrope";
    const std::string name = owner + ".factors: ";
    if (longrope && N < 2)
      throw UsageError(owner + ".scaling: longrope needs a training length above 1; choose linear");
    if (factors.empty() && !longrope) return;
    const int pairs = width(d) / 2;
    const std::vector<double> each = parsed_factors(name);
    if (int(each.size()) != pairs)
      throw UsageError(fmt::format(
          "{}there are {} for {} pairs of columns; give one for each, as yonder search prints them",
          name, each.size(), pairs));
    for (int m = 0; m < pairs && resonance; ++m)
      if (spectrum(base, width(d)).w[m] / each[m] > 2 * std::numbers::pi)
        throw UsageError(name + "pair " + std::to_string(m) +
                         " would turn more than once a token, which resonance can't round; give a "
                         "larger factor");
  }

  int columns(int d) const { return 2 * int(fraction * d / 2); }  ///< rotated columns, d'
  int width(int d) const { return truncate ? d : columns(d); }    ///< columns of the spectrum
  /// The frequencies at L tokens for a model trained on N; 0 for pairs that are not rotated.
  Spectrum of(int d, int N, int L) const {
    Spectrum s = scaling.of(base, width(d), N, L);
    if (scaling.scaling == "longrope" && L > N) {
      s.kept = keep, s.kept_w = s.w;
      const std::vector<double> each = parsed_factors("");
      for (std::size_t m = 0; m < s.w.size(); ++m) s.w[m] /= each[m];
      s.amplitude = std::sqrt(1 + std::log(scaling.k(N, L)) / std::log(N));
    }
    for (std::vector<double>* w : {&s.w, &s.kept_w}) {
      if (w->empty()) continue;
      std::fill(w->begin() + columns(d) / 2, w->end(), 0);
      if (resonance) round_wavelengths(*w);
    }
    return s;
  }

 private:
  std::vector<double> parsed_factors(const std::string& name) const {
    std::vector<double> each;
    for (const std::string& text : split(factors, ',')) {
      double x = 0;
      const Option number{"", &x, ""};
      if (const Value value = typed(number, text); !std::holds_alternative<std::string>(value))
        assign(number, "", value);
      if (!(x > 0))
        throw UsageError(name + "'" + text + "' is not a number above 0; give one for each pair " +
                         "of columns with commas between, as yonder search prints them");
      each.push_back(x);
    }
    return each;
  }

  // Rounds halves to even, as in the paper's code.
  static void round_wavelengths(std::vector<double>& all) {
    for (double& w : all)
      if (w > 0) w = 2 * std::numbers::pi / std::nearbyint(2 * std::numbers::pi / w);
  }
};

/// s_W(i) = [sin(i w_0), cos(i w_0), sin(i w_1), …] of each position of a pass: [T, W] if all
/// sequences share their positions, else [B, T, W].  Vaswani et al. 2017, arXiv:1706.03762,
/// sec. 3.5
inline Var sinusoid(const Positions& p, const Spectrum& s) {
  const int W = 2 * int(s.w.size());
  Tensor y = Tensor::uninitialized(p.shared() ? Shape{p.tokens, W} : Shape{p.batch, p.tokens, W});
  real* out = y.data.get();
  for (int i : token_positions(p))
    for (double w : s.w) {
      *out++ = real(std::sin(i * w));
      *out++ = real(std::cos(i * w));
    }
  return Var(y);
}

}  // namespace yonder
