#include <algorithm>

#include "datasets/base/symbols.h"

namespace yonder {
namespace {

/// A walk on a cycle of places 0, 1, …, c − 1 from place 0: n random moves, each to stay ("="), one
/// place forward ("+") or one back ("-"); the answer is the place where the walk ends.
///   BOS m_1 … m_n SEP place EOS
/// Ruoss et al. 2023, arXiv:2305.16843, with c = 5.
class CycleNavigation final : public StringTask {
 public:
  Options options() override {
    return {Option{"places", &places_, "places on the cycle"}.within(3, 1000)};
  }

  int vocabulary() const override { return first_place + places_; }
  int tokens(int length) const override { return length + 3; }

  /// The likeliest end of the walk, from the distribution after each move.
  double chance_accuracy(int length) const override {
    std::vector<double> now(places_, 0);
    now[0] = 1;
    for (int i = 0; i < length; ++i) {
      const std::vector<double> before = now;
      for (int p = 0; p < places_; ++p)
        now[p] = (before[p] + before[(p + 1) % places_] + before[(p + places_ - 1) % places_]) / 3;
    }
    return (*std::max_element(now.begin(), now.end()) + 1) / 2;
  }

 private:
  enum { stay = first_symbol, on, back, first_place };
  int places_ = 5;

  std::vector<int> question(int length, RandomStream& draws) const override {
    std::vector<int> moves(length);
    for (int& m : moves) m = stay + draws.below(3);
    return moves;
  }
  std::vector<int> answer(std::vector<int> question) const override {
    int place = 0;
    for (int m : question) place += m == on ? 1 : m == back ? places_ - 1 : 0, place %= places_;
    return {first_place + place};
  }
  std::string symbol(int token) const override {
    return token < first_place ? std::string(1, "=+-"[token - stay])
                               : std::to_string(token - first_place);
  }
};

const RegisterTask<CycleNavigation> cycle_navigation_entry{
    {.name = "cycle-navigation",
     .title = "Track a walk on a cycle",
     .form = "n moves on a cycle from place 0: = stays, + one place forward, - one back; then the "
             "final place",
     .paper = "Ruoss et al. 2023, arXiv:2305.16843"}};

}  // namespace
}  // namespace yonder
