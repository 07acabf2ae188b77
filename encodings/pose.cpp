// Positional skip-wise training. Zhu et al., "PoSE: efficient context window extension of LLMs via
// positional skip-wise training", 2024, arXiv:2309.10400, sec. 3.2, in two pieces as in its code.
//
//   training:   positions 0..v−1, s+v..s+T−1;  v uniform in 1..⌊(T + 1)/2⌋, s in 0..range−T
//   evaluation: 0..L−1
//
// One draw per batch, or (per = sequence) per sequence, as in the paper's code.
//
// Distances up to range−1 occur in training, though a sequence has only T tokens. The paper also
// cuts the text and takes its second part from further on; here the tokens are unchanged and only
// positions are drawn.
#include <numeric>

#include "encodings/base/drawn_positions.h"

namespace yonder {
namespace {

class Pose final : public DrawnPositions {
 public:
  Pose() : DrawnPositions("pose") {}

  std::vector<int> drawn(int tokens, int, RandomStream& draws) const override {
    std::vector<int> at(tokens);
    std::iota(at.begin(), at.end(), 0);
    const int cut = draws.between(1, (tokens + 1) / 2), skipped = draws.between(0, range_ - tokens);
    for (int t = cut; t < tokens; ++t) at[t] += skipped;
    return at;
  }
};

const Register<Pose> pose_entry{{.name = "pose",
                                 .title = "Positions with a skip (PoSE)",
                                 .printed = "PoSE",
                                 .paper = "arXiv:2309.10400",
                                 .kind = Kind::modifier,
                                 .formula = "training skips from position v to a random one",
                                 .draws_positions = true}};

}  // namespace
}  // namespace yonder
