// Randomized positions. Ruoss et al., "Randomized positional encodings boost length generalization
// of Transformers", 2023, arXiv:2305.16843, sec. 3.
//
//   training: T of the positions 0..range−1, drawn without replacement and sorted; one draw a
//   batch, the same in all layers
//   test:     even     token t stands at ⌊t range/L⌋
//             first    0..L−1
//             sampled  as in training, of L positions
#include <cstdint>

#include "encodings/base/drawn_positions.h"

namespace yonder {
namespace {

class RandomPositions final : public DrawnPositions {
  std::string test_ = "even";
  std::uint64_t seed_ = 0;

 public:
  RandomPositions() : DrawnPositions("random") {}

  Options options() override {
    return {range_option("range from which positions are drawn"),
            Option{"test", &test_, "positions at evaluation"}
                .one_of({"even", "first", "sampled"})
                .at_test()};
  }

  void build(const Dims& dims, Parameters& p) override {
    DrawnPositions::build(dims, p);
    seed_ = p.seed();
  }

  std::vector<int> place(int tokens, int longest, Draws* draws) override {
    if (test_ == "first" && !draws) return {};
    require_room(longest, draws ? "train shorter" : "see --random.test first");
    if (draws) return sorted_draw(tokens, *draws);
    std::vector<int> at(tokens);
    if (test_ == "even")
      for (int t = 0; t < tokens; ++t) at[t] = int(std::int64_t(t) * range_ / longest);
    if (test_ == "sampled") {  // a function of seed and length, so that a test can be repeated
      Draws own(Random(seed_, "random.test", std::uint32_t(longest)));
      const std::vector<int> all = sorted_draw(longest, own);
      at.assign(all.begin(), all.begin() + tokens);
    }
    return at;
  }

 private:
  // Selection sampling: v is taken with probability (still wanted)/(still to come).
  // Knuth, The Art of Computer Programming, vol. 2, sec. 3.4.2, algorithm S.
  std::vector<int> sorted_draw(int count, Draws& draws) const {
    std::vector<int> at;
    for (int v = 0; v < range_ && int(at.size()) < count; ++v)
      if (draws.below(range_ - v) < count - int(at.size())) at.push_back(v);
    return at;
  }
};

const Register<RandomPositions> random_positions_entry{
    {.name = "random",
     .title = "Randomized positions",
     .paper = "arXiv:2305.16843",
     .kind = Kind::modifier,
     .formula = "training draws T of the positions 0..range-1, sorted",
     .extensions = {{"random.test", "first"}, {"random.test", "sampled"}},
     .draws_positions = true}};

}  // namespace
}  // namespace yonder
