#include "train/evaluation/factor_search.h"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <set>

#include "encodings/base/spectrum.h"

namespace yonder {
namespace {

constexpr int unit = 100;        // hundredths
constexpr int attempts = 1000;   // to find a new candidate, as there may be none left
constexpr double redrawn = 0.3;  // probability per pair in a mutation

bool rises(const Factors& f) { return std::ranges::is_sorted(f); }

class Search {
 public:
  Search(int most, const Evolution& how, const std::function<double(const Factors&)>& loss)
      : most_(most), how_(how), loss_(loss), draws_(Random(std::uint64_t(how.seed), "search")) {}

  std::vector<Candidate> run(const std::vector<Factors>& initial) {
    for (const Factors& f : initial) try_out(f);
    const std::vector<Factors> parents = initial;
    fill(how_.population, [&] { return mutation(any_of(parents)); });
    for (int round = 0; round < how_.rounds; ++round) {
      sort();
      std::vector<Factors> kept;
      for (const Candidate& c : all_)
        if (int(kept.size()) < how_.population / 2) kept.push_back(c.factors);
      const int more = how_.population / 4, before = int(all_.size());
      fill(before + more, [&] { return mutation(any_of(kept)); });
      fill(before + 2 * more, [&] { return crossover(any_of(kept), any_of(kept)); });
    }
    sort();
    return all_;
  }

 private:
  int most_;
  Evolution how_;
  std::function<double(const Factors&)> loss_;
  RandomStream draws_;
  std::vector<Candidate> all_;
  std::set<Factors> known_;

  void try_out(const Factors& f) {
    if (known_.insert(f).second) all_.push_back({f, loss_(f)});
  }
  const Factors& any_of(const std::vector<Factors>& all) {
    return all[std::size_t(draws_.below(int(all.size())))];
  }
  void sort() {
    std::ranges::stable_sort(
        all_, [](const Candidate& a, const Candidate& b) { return a.loss < b.loss; });
  }
  // Tries new candidates until there are `count`.
  template <class F>
  void fill(int count, const F& made) {
    for (int n = 0; n < attempts && int(all_.size()) < count; ++n) try_out(made());
  }

  Factors mutation(Factors f) {
    for (std::size_t m = 0; m < f.size(); ++m)
      if (draws_.uniform() < redrawn)
        f[m] = draws_.between(m == 0 ? unit : f[m - 1], m + 1 == f.size() ? most_ : f[m + 1]);
    return f;
  }

  Factors crossover(const Factors& one, const Factors& two) {
    for (int n = 0; n < attempts; ++n) {
      Factors f = one;
      for (std::size_t m = 0; m < f.size(); ++m)
        if (draws_.below(2)) f[m] = two[m];
      if (rises(f)) return f;
    }
    return one;
  }
};

// The value of a numeric option of the model's rope.
double option_of(const Composition& encoding, const std::string& name) {
  const Overrides all = encoding.values();
  const Override* o = find(all, {"rope", {}, name});
  if (!o)
    throw UsageError("search: '" + encoding.name() +
                     "' has no rope, or differs between layers, and the factors belong to a single "
                     "rope; choose another model");
  if (const auto* whole = std::get_if<std::int64_t>(&o->value)) return double(*whole);
  return std::get<double>(o->value);
}

// Starting points of the search: yarn's factors and linear interpolation's, rounded down.
std::vector<Factors> initial_factors(const Composition& encoding, int N, double k) {
  const int pairs = int(encoding.frequencies(N).size());
  const Scaling yarn{.beta_fast = option_of(encoding, "beta_fast"),
                     .beta_slow = option_of(encoding, "beta_slow")};
  const double base = option_of(encoding, "base");
  Factors by_parts, linear;
  for (int m = 0; m < pairs; ++m) {
    const double mask = yarn.yarn_mask(m, base, 2 * pairs, N);
    by_parts.push_back(int(std::floor(unit * (k * (1 - mask) + mask) + 1e-9)));
    linear.push_back(int(std::floor(unit * k + 1e-9)));
  }
  return {by_parts, linear};
}

}  // namespace

std::string text_of_factors(const Factors& factors) {
  return joined(factors, ",", [](int f) { return text_of(Value(f / double(unit))); });
}

std::vector<Candidate> evolve(const std::vector<Factors>& initial, int most, const Evolution& how,
                              const std::function<double(const Factors&)>& loss) {
  return Search(most, how, loss).run(initial);
}

FoundFactors search_factors(Trained& run, const FactorSearch& asked,
                            const std::function<void(int, double)>& progress) {
  Composition& encoding = run.model->encoding();
  const int N = run.model->dims().trained, L = run.task->tokens(asked.length);
  const double given = option_of(encoding, "factor"), k = given > 0 ? given : double(L) / N;
  if (L <= N || k <= 1)
    throw UsageError(
        fmt::format("search: {} tokens by a factor of {} are not beyond the training length {}; "
                    "give a larger --length",
                    L, text_of(Value(k)), N));
  const EvalSettings settings{
      .lengths = {asked.length}, .examples = asked.examples, .split = Split::validation};
  FoundFactors found;
  double least = std::numeric_limits<double>::infinity();
  const auto use = [&encoding](const Factors& f) {
    encoding.set_at_inference({"rope", {}, "factors"}, text_of_factors(f));
    encoding.set_at_inference({"rope", {}, "scaling"}, "longrope");
  };
  const auto loss = [&](const Factors& f) {
    use(f);
    const EvalRow row = evaluate(run, settings)[0];
    const double now =
        row.status == Status::ok ? row.loss : std::numeric_limits<double>::infinity();
    if (progress) progress(++found.tried, least = std::min(least, now));
    else ++found.tried;
    return now;
  };
  const std::vector<Factors> initial = initial_factors(encoding, N, k);
  const std::vector<Candidate> all = evolve(initial, initial.back().back(), asked.evolution, loss);
  const auto of = [&all](const Factors& f) {
    return *std::ranges::find_if(all, [&f](const Candidate& c) { return c.factors == f; });
  };
  found.best = all.front(), found.yarn = of(initial[0]), found.linear = of(initial[1]);
  if (!std::isfinite(found.best.loss))
    throw UsageError("search: the model has no loss at " + std::to_string(asked.length) +
                     ", whatever the factors; see yonder eval for why");
  use(found.best.factors);
  return found;
}

}  // namespace yonder
