// Learned absolute positions. Gehring et al., "Convolutional sequence to sequence learning", 2017,
// arXiv:1705.03122, sec. 3.1.
//
//   x_i + P_i,   P a table with one row per position that training can show
//
// table.h defines what positions beyond the table get.
#include "encodings/base/encoding.h"
#include "encodings/base/table.h"

namespace yonder {
namespace {

class Learned final : public Encoding {
  LearnedTable table_;

 public:
  Options options() override {
    Options o;
    table_.options(o);
    return o;
  }

  void check() const override { table_.check("learned"); }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    table_.build(p, "learned", "table", {dims.positions, dims.width}, Init::std(0.5));
  }

  Var embed(const Var& x, std::span<const int>, const Positions& p) override {
    return x + table_(p);
  }
};

const Register<Learned> learned_entry{
    {.name = "learned",
     .title = "Learned absolute positions",
     .paper = "arXiv:1705.03122",
     .aliases = {"ape", "absolute", "lape"},
     .usual = Usual::compared,
     .kind = Kind::absolute,
     .formula = "x_i + P_i",
     .extensions = overrides("learned.beyond", {"clamp", "wrap", "random", "hierarchical"}),
     .probe = Probe::table}};

}  // namespace
}  // namespace yonder
