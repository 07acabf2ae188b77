// Randomized positions. Ruoss et al., "Randomized positional encodings boost length generalization
// of Transformers", 2023, arXiv:2305.16843, sec. 3.
//
//   training:   T of the positions 0..range−1, drawn without replacement and sorted
//   evaluation: even     token t is at ⌊t range/L⌋
//               first    0..L−1
//               sampled  L positions, drawn as in training
//
// One draw per batch serves all layers, or (layers) each layer's attention has its own, as in the
// paper's code for rotary and relative encodings; what is added to the embedded tokens uses the
// first. That code draws L − 1 distances, not positions, for relative encodings and ALiBi.
#include <cstdint>

#include "encodings/base/drawn_positions.h"

namespace yonder {
namespace {

class RandomPositions final : public DrawnPositions {
  std::string test_ = "even";
  bool layers_ = false;
  std::uint64_t seed_ = 0;

 public:
  RandomPositions() : DrawnPositions("random") {}

  Options options() override {
    Options o = DrawnPositions::options();
    o.push_back(Option{"test", &test_, "positions at evaluation"}
                    .one_of({"even", "first", "sampled"})
                    .at_inference());
    o.push_back(Option{"layers", &layers_, "sample positions separately for each layer's attention"}
                    .added_later());
    return o;
  }

  void build(const Dims& dims, Parameters& p) override {
    DrawnPositions::build(dims, p);
    seed_ = p.seed();
  }

  int placements() const override { return layers_ ? dims_.layers : 1; }

  std::vector<int> sample_positions(const Placing& wanted) override {
    const auto [batch, tokens, longest, draws, layer] = wanted;
    if (draws) return DrawnPositions::sample_positions(wanted);
    if (test_ == "first") return {};
    require_room(longest, "see --random.test first");
    std::vector<int> at(tokens);
    if (test_ == "even")
      for (int t = 0; t < tokens; ++t) at[t] = int(std::int64_t(t) * range_ / longest);
    if (test_ == "sampled") {  // depends only on seed and length, so it is reproducible
      const std::string stream = layer ? fmt::format("random.test.{}", layer) : "random.test";
      RandomStream own(Random(seed_, stream, std::uint32_t(longest)));
      const std::vector<int> all = drawn(longest, longest, own);
      at.assign(all.begin(), all.begin() + tokens);
    }
    return at;
  }

 protected:
  // Selection sampling: v is selected with probability (still needed)/(still to come).
  // Knuth, The Art of Computer Programming, vol. 2, sec. 3.4.2, algorithm S.
  std::vector<int> drawn(int count, int, RandomStream& draws) const override {
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
