// Shifted positions. Kiyono, Kobayashi, Suzuki & Inui, "SHAPE", 2021, arXiv:2109.05644, sec. 3.
//
//   training: positions s..s+T−1, s uniform in 0..range−N;  evaluation: 0..L−1
//
// One draw per batch, or (per = sequence) per sequence, as in the paper's code.
#include <algorithm>
#include <numeric>

#include "encodings/base/drawn_positions.h"

namespace yonder {
namespace {

class Offset final : public DrawnPositions {
 public:
  Offset() : DrawnPositions("offset") {}

  std::vector<int> drawn(int tokens, int longest, RandomStream& draws) const override {
    std::vector<int> at(tokens);
    std::iota(at.begin(), at.end(), draws.between(0, range_ - std::max(longest, dims_.trained)));
    return at;
  }
};

const Register<Offset> offset_entry{{.name = "offset",
                                     .title = "Randomly shifted positions (SHAPE)",
                                     .printed = "SHAPE",
                                     .paper = "arXiv:2109.05644",
                                     .kind = Kind::modifier,
                                     .formula = "training starts at a random position s",
                                     .draws_positions = true}};

}  // namespace
}  // namespace yonder
