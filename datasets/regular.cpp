#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "datasets/base/symbols.h"

namespace yonder {
namespace {

/// The target at each position t of a word s_1 … s_n.
enum class Asked {
  may,    ///< which symbols may follow and whether the word may end, as one class
  in,     ///< whether s_1 … s_t is in the language
  state,  ///< the state that the automaton is in
};

struct Edge {
  int from, symbol, to;
  double weight = 1;
};

/// A deterministic automaton with start state 0; from every state a word can be completed. Words of
/// length n are drawn in proportion to the product of the weights of their edges.
struct Automaton {
  int states = 1, symbols = 2;
  std::vector<Edge> edges;
  std::vector<int> accepting;
  Asked asked = Asked::may;
  /// If words are drawn by other weights than those of `edges`: edges and accepting states of a
  /// second automaton, which accepts each word of the language on one or more paths.
  std::vector<Edge> drawn = {};
  std::vector<int> drawn_accepting = {};
};

Automaton star(int states, Asked asked) {  // (a…a)*; abab() gives it a second letter
  Automaton a{.states = states, .symbols = 1, .accepting = {0}, .asked = asked};
  for (int q = 0; q < states; ++q) a.edges.push_back({q, 0, (q + 1) % states});
  return a;
}

Automaton abab() {
  Automaton a = star(4, Asked::in);
  a.symbols = 2;
  for (Edge& e : a.edges) e.symbol = e.from % 2;
  return a;
}

/// Balanced brackets of depth ≤ k: weight 0.8 to continue in the same direction, 0.2 to turn. A
/// state is a depth and the last step's direction: 2 depth + (down).
Automaton dyck(int k) {
  Automaton a{.states = 2 * (k + 1), .accepting = {0, 1}};
  for (int depth = 0; depth <= k; ++depth)
    for (int down : {0, 1}) {
      const int q = 2 * depth + down;
      if (depth < k) a.edges.push_back({q, 0, 2 * (depth + 1), down ? 0.2 : 0.8});
      if (depth > 0) a.edges.push_back({q, 1, 2 * (depth - 1) + 1, down ? 0.8 : 0.2});
    }
  return a;
}

Automaton blocks(int letters) {  // aa*bb*cc*…
  Automaton a{.states = letters + 1, .symbols = letters, .accepting = {letters}};
  for (int q = 0; q < letters; ++q)
    a.edges.push_back({q, q, q + 1}), a.edges.push_back({q + 1, q, q + 1});
  return a;
}

Automaton counts(std::array<int, 2> moduli) {  // counts of zeros and ones, modulo a number each
  Automaton a{.states = moduli[0] * moduli[1], .accepting = {0}, .asked = Asked::in};
  for (int i = 0; i < moduli[0]; ++i)
    for (int j = 0; j < moduli[1]; ++j) {
      const int q = i * moduli[1] + j;
      a.edges.push_back({q, 0, (i + 1) % moduli[0] * moduli[1] + j});
      a.edges.push_back({q, 1, i * moduli[1] + (j + 1) % moduli[1]});
    }
  return a;
}

/// The product of group elements, from the left; symbols and states are elements, 0 is the
/// identity.
template <class Product>
Automaton group(int order, Product product) {
  Automaton a{.states = order, .symbols = order, .asked = Asked::state};
  for (int q = 0; q < order; ++q) {
    a.accepting.push_back(q);
    for (int s = 0; s < order; ++s) a.edges.push_back({q, s, product(q, s)});
  }
  return a;
}

/// Permutations of five, all or the even ones, in lexicographic order.
Automaton permutations(bool even_only) {
  using Five = std::array<int, 5>;
  std::vector<Five> all;
  std::map<Five, int> number;
  Five p{0, 1, 2, 3, 4};
  do {
    int inversions = 0;
    for (int i = 0; i < 5; ++i)
      for (int j = 0; j < i; ++j) inversions += p[j] > p[i];
    if (even_only && inversions % 2) continue;
    number[p] = int(all.size()), all.push_back(p);
  } while (std::next_permutation(p.begin(), p.end()));
  return group(int(all.size()), [&](int a, int b) {
    Five c{};
    for (int i = 0; i < 5; ++i) c[i] = all[b][all[a][i]];
    return number.at(c);
  });
}

struct Language {
  const char* name;
  Automaton (*make)();
};

const Language languages[]{
    {"tomita-1",
     [] {
       return Automaton{.edges = {{0, 1, 0}}, .accepting = {0}};
     }},          // 1*
    {"tomita-2",  // (10)*
     [] {
       return Automaton{.states = 2, .edges = {{0, 1, 1}, {1, 0, 0}}, .accepting = {0}};
     }},
    // No odd run of ones directly before an odd run of zeros. States: free; an odd or an even run
    // of ones; an odd or an even run of zeros after an odd run of ones.
    {"tomita-3",
     [] {
       return Automaton{.states = 5,
                        .edges = {{0, 0, 0},
                                  {0, 1, 1},
                                  {1, 0, 3},
                                  {1, 1, 2},
                                  {2, 0, 0},
                                  {2, 1, 1},
                                  {3, 0, 4},
                                  {4, 0, 3},
                                  {4, 1, 1}},
                        .accepting = {0, 1, 2, 4}};
     }},
    {"tomita-4",  // no 000
     [] {
       return Automaton{.states = 3,
                        .edges = {{0, 0, 1}, {0, 1, 0}, {1, 0, 2}, {1, 1, 0}, {2, 1, 0}},
                        .accepting = {0, 1, 2}};
     }},
    {"tomita-5",
     [] {
       return counts({2, 2});
     }},          // even zeros and even ones
    {"tomita-6",  // (zeros − ones) mod 3 = 0
     [] {
       Automaton a{.states = 3, .accepting = {0}, .asked = Asked::in};
       for (int q = 0; q < 3; ++q)
         a.edges.push_back({q, 0, (q + 1) % 3}), a.edges.push_back({q, 1, (q + 2) % 3});
       return a;
     }},
    {"tomita-7",  // 0*1*0*1*
     [] {
       return Automaton{
           .states = 4,
           .edges = {{0, 0, 0}, {0, 1, 1}, {1, 1, 1}, {1, 0, 2}, {2, 0, 2}, {2, 1, 3}, {3, 1, 3}},
           .accepting = {0, 1, 2, 3}};
     }},
    {"d-2", [] { return dyck(2); }},
    {"d-3", [] { return dyck(3); }},
    {"d-4", [] { return dyck(4); }},
    {"d-12", [] { return dyck(12); }},
    {"blocks", [] { return blocks(5); }},
    {"one-d",  // {a,b}* d {b,c}*
     [] {
       return Automaton{.states = 2,
                        .symbols = 4,
                        .edges = {{0, 0, 0}, {0, 1, 0}, {0, 3, 1}, {1, 1, 1}, {1, 2, 1}},
                        .accepting = {1}};
     }},
    {"last-02",  // {0,1,2}* 0 2*; the last 0 is at a uniform position
     [] {
       return Automaton{
           .states = 2,
           .symbols = 3,
           .edges = {{0, 0, 1}, {0, 1, 0}, {0, 2, 0}, {1, 0, 1}, {1, 1, 0}, {1, 2, 1}},
           .accepting = {1},
           .drawn = {{0, 0, 0, 1 / 3.}, {0, 1, 0, 1 / 3.}, {0, 2, 0, 1 / 3.}, {0, 0, 1}, {1, 2, 1}},
           .drawn_accepting = {1}};
     }},
    {"aa", [] { return star(2, Asked::in); }},
    {"aaaa", [] { return star(4, Asked::in); }},
    {"abab", abab},
    {"z60", [] { return group(60, [](int a, int b) { return (a + b) % 60; }); }},
    {"a5", [] { return permutations(true); }},
    {"s5", [] { return permutations(false); }},
};

std::vector<std::string> language_names() {
  std::vector<std::string> names;
  for (const Language& l : languages) names.push_back(l.name);
  return names;
}

/// A regular language: a word of n symbols; the target at each position is a property of the
/// prefix, depending on the language.
///   BOS s_1 … s_n,  target of s_t: may, in or state of s_1 … s_t
/// Words are drawn among those of length n, or of the next length that the language has; for the
/// targets `in` and `state`, among prefixes of words. Tomita 1982; Huang et al. 2025,
/// arXiv:2410.02140; groups: Merrill et al. 2024, "The illusion of state in state-space models",
/// arXiv:2404.08819.
class Regular final : public GeneratedTask {
 public:
  Options options() override {
    return {Option{"language", &language_, "the language"}.one_of(language_names())};
  }

  void prepare(int length, const Corpora& texts) override {
    GeneratedTask::prepare(length, texts);
    for (const Language& l : languages)
      if (language_ == l.name) automaton_ = l.make();
    join();
    classify();
  }

  bool labels() const override { return true; }
  int vocabulary() const override { return first_symbol + automaton_.symbols + classes_; }
  int tokens(int length) const override { return 1 + possible(length); }

  /// The likeliest class at each position, over the distribution of words.
  double chance_accuracy(int length) const override {
    const int n = possible(length);
    const auto after = backward(n);
    std::vector<double> now(paths_.size(), 0), of_class(classes_);
    now[0] = 1;
    double right = 0;
    for (int t = 1; t <= n; ++t) {
      std::vector<double> next(paths_.size(), 0);
      for (std::size_t q = 0; q < paths_.size(); ++q) {
        if (now[q] == 0) continue;
        const std::vector<double> odds = weigh(int(q), after[n - t]);
        const double all = std::accumulate(odds.begin(), odds.end(), 0.0);
        for (std::size_t i = 0; i < odds.size(); ++i)
          next[paths_[q].edges[i].to] += now[q] * odds[i] / all;
      }
      now = std::move(next);
      std::fill(of_class.begin(), of_class.end(), 0);
      for (std::size_t q = 0; q < paths_.size(); ++q)
        of_class[class_of_[paths_[q].state]] += now[q];
      right += *std::max_element(of_class.begin(), of_class.end());
    }
    return right / n;
  }

  Example example(int length, RandomStream& draws) const override {
    const int n = possible(length);
    const auto after = backward(n);
    Example e;
    e.add_input(bos);
    int q = 0;
    for (int t = 1; t <= n; ++t) {
      const std::vector<double> odds = weigh(q, after[n - t]);
      double left = draws.uniform() * std::accumulate(odds.begin(), odds.end(), 0.0);
      std::size_t chosen = 0;
      for (std::size_t i = 0; i < odds.size() && left >= 0; ++i)
        if (odds[i] > 0) left -= odds[i], chosen = i;
      const Edge& edge = paths_[q].edges[chosen];
      q = edge.to;
      e.label(first_symbol + edge.symbol,
              first_symbol + automaton_.symbols + class_of_[paths_[q].state]);
    }
    e.end(eos);
    return e;
  }

 private:
  /// A state of the automaton that draws words, paired with a state of the language's automaton.
  struct Path {
    int drawn, state;
    bool ends = false;
    std::vector<Edge> edges;  ///< to other paths
  };

  std::string language_ = "tomita-5";
  Automaton automaton_;
  std::vector<Path> paths_;    ///< the first is the start
  std::vector<int> class_of_;  ///< [states]
  int classes_ = 0;

  int step(int state, int symbol) const {
    for (const Edge& e : automaton_.edges)
      if (e.from == state && e.symbol == symbol) return e.to;
    return -1;
  }

  void join() {
    const bool own = automaton_.drawn.empty();
    const auto& edges = own ? automaton_.edges : automaton_.drawn;
    const auto& accepting = own ? automaton_.accepting : automaton_.drawn_accepting;
    std::map<std::pair<int, int>, int> number{{{0, 0}, 0}};
    paths_ = {{0, 0}};
    for (std::size_t p = 0; p < paths_.size(); ++p) {
      paths_[p].ends = automaton_.asked != Asked::may || has(accepting, paths_[p].drawn);
      for (const Edge& e : edges) {
        if (e.from != paths_[p].drawn) continue;
        const int state = step(paths_[p].state, e.symbol);
        const auto [at, fresh] = number.try_emplace({e.to, state}, int(paths_.size()));
        if (fresh) paths_.push_back({e.to, state});
        paths_[p].edges.push_back({int(p), e.symbol, at->second, e.weight});
      }
    }
  }

  void classify() {
    std::map<std::vector<int>, int> number;
    class_of_.clear();
    for (int q = 0; q < automaton_.states; ++q) {
      std::vector<int> seen;
      if (automaton_.asked == Asked::state) seen = {q};
      else seen = {has(automaton_.accepting, q)};
      if (automaton_.asked == Asked::may)
        for (int s = 0; s < automaton_.symbols; ++s) seen.push_back(step(q, s) >= 0);
      class_of_.push_back(number.try_emplace(seen, int(number.size())).first->second);
    }
    classes_ = int(number.size());
  }

  std::vector<double> weigh(int path, const std::vector<double>& after) const {
    std::vector<double> odds;
    for (const Edge& e : paths_[path].edges) odds.push_back(e.weight * after[e.to]);
    return odds;
  }

  /// [k][path]: total weight of completing a word in k more symbols, up to a factor per k.
  std::vector<std::vector<double>> backward(int n) const {
    std::vector<std::vector<double>> after(n + 1, std::vector<double>(paths_.size(), 0));
    for (std::size_t p = 0; p < paths_.size(); ++p) after[0][p] = paths_[p].ends;
    for (int k = 1; k <= n; ++k) {
      for (std::size_t p = 0; p < paths_.size(); ++p) {
        const std::vector<double> odds = weigh(int(p), after[k - 1]);
        after[k][p] = std::accumulate(odds.begin(), odds.end(), 0.0);
      }
      const double most = *std::max_element(after[k].begin(), after[k].end());
      if (most > 0)
        for (double& w : after[k]) w /= most;
    }
    return after;
  }

  /// `length`, or the next longer length for which the language has a word.
  int possible(int length) const {
    int n = length;
    if (automaton_.asked != Asked::may) return n;
    while (backward(n)[n][0] == 0) ++n;
    return n;
  }

  std::string symbol(int token) const override {
    const int s = token - first_symbol, c = s - automaton_.symbols;
    if (c >= 0) return "#" + std::to_string(c);
    const bool bits = language_.starts_with("tomita") || language_ == "last-02";
    if (bits) return std::to_string(s);
    return symbol_name(s, automaton_.symbols, "g");
  }
};

const RegisterTask<Regular> regular_entry{
    {.name = "regular",
     .title = "Follow a regular language",
     .form = "a word of n symbols; the target of each is, depending on the language, the set of "
             "symbols that may follow, whether the word so far is in the language, or the "
             "automaton's state",
     .paper = "Huang et al. 2025, arXiv:2410.02140"}};

}  // namespace
}  // namespace yonder
