// Shifted positions. Kiyono, Kobayashi, Suzuki & Inui, "SHAPE", 2021, arXiv:2109.05644, sec. 3.
//
//   training: positions s..s+T−1, s uniform in 0..range−N, one draw a batch;  test: 0..L−1
#include <algorithm>
#include <numeric>

#include "encodings/base/encoding.h"

namespace yonder {
namespace {

class Offset final : public Encoding {
  int range_ = 0;

 public:
  Options options() override {
    return {Option{"range", &range_, "range of the random shift"}.at_least(0).shown_as("8 N")};
  }

  void check() const override {
    if (range_ > 0 && range_ < dims_.trained)
      throw UsageError("offset.range: " + std::to_string(range_) + " positions can't place the " +
                       std::to_string(dims_.trained) + " tokens of training; give more");
  }

  int positions(const Dims& dims) override { return range_ > 0 ? range_ : 8 * dims.trained; }

  std::optional<bool> by_layer() const override { return false; }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    range_ = positions(dims);
  }

  std::vector<int> place(int tokens, int longest, Draws* draws) override {
    if (!draws) return {};
    if (longest > range_)
      throw UsageError("offset: " + std::to_string(longest) + " tokens don't fit into the " +
                       std::to_string(range_) + " positions of training; train shorter");
    std::vector<int> at(tokens);
    std::iota(at.begin(), at.end(), draws->between(0, range_ - std::max(longest, dims_.trained)));
    return at;
  }
};

const Register<Offset> registered{{.name = "offset",
                                   .title = "Randomly shifted positions (SHAPE)",
                                   .paper = "arXiv:2109.05644",
                                   .kind = Kind::modifier,
                                   .formula = "training starts at a random position s",
                                   .draws_positions = true}};

}  // namespace
}  // namespace yonder
