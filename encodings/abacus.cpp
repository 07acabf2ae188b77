// Abacus embeddings. McLeish et al., "Transformers can do arithmetic with the right embeddings",
// 2024, arXiv:2405.17399, sec. 3.1.
//
//   x + P[1 + k + o] for a digit with place value 10^k, x + P[0] for any other token;
//   training: o uniform in 0..offset, one draw per batch;  evaluation: o = 0
//
// It encodes only a digit's place within its number; other encodings can be added for the position
// in the sequence. The paper counts from a number's first digit and writes the units first, as its
// code requires; here the power of ten is used in either order. The task marks the digits
// (Positions::digits). Training uses rows up to offset + its longest number, and P has some more;
// table.h defines what digits beyond the table get.
#include "encodings/base/encoding.h"
#include "encodings/base/table.h"

namespace yonder {
namespace {

class Abacus final : public Encoding {
  int offset_ = 99, rows_ = 0;
  LearnedTable table_;

 public:
  Options options() override {
    Options o{
        Option{"offset", &offset_, "training shifts digit positions by up to this many places"}
            .within(0, 1 << 20),
        Option{"rows", &rows_, "rows of the table"}.within(0, 1 << 24).shown_as("offset + N + 1")};
    table_.options(o);
    return o;
  }

  void check() const override {
    table_.check("abacus");
    if (rows_ > 0 && rows_ < offset_ + 2)
      throw UsageError(
          fmt::format("abacus.rows: {} are too few for an offset of {}; give {} or more", rows_,
                      offset_, offset_ + 2));
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    if (rows_ == 0) rows_ = offset_ + dims.trained + 1;
    table_.build(p, "abacus", "table", {rows_, dims.width}, Init::std(0.5));
  }

  bool needs_digits() const override { return true; }

  int sample_digit_offset(RandomStream* draws) override {
    return draws ? draws->between(0, offset_) : 0;
  }

  Var embed(const Var& x, std::span<const int>, const Positions& p) override {
    std::vector<int> which;
    for (int b = 0; b < p.batch; ++b)
      for (int t = 0; t < p.tokens; ++t) which.push_back(1 + p.digit(b, t));
    return x + table_(which).view(x.shape());
  }
};

const Register<Abacus> abacus_entry{
    {.name = "abacus",
     .title = "Abacus embeddings of digit positions",
     .printed = "Abacus",
     .paper = "arXiv:2405.17399",
     .kind = Kind::absolute,
     .formula = "x + P[1 + k + o] for a digit of 10^k, o random in training",
     .extensions = overrides("abacus.beyond", {"clamp", "wrap", "random", "hierarchical"})}};

}  // namespace
}  // namespace yonder
