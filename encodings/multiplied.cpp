// Positions that multiply. Discussed by Su 2021, kexue.fm/archives/8130.
//
//   x_i ∘ (1 + p_i),   p a learned table that starts at zero, or the sinusoid s_D(i)
//
// Plain x ∘ p would initially erase the signal; the published code multiplies by 1 + p.
#include "encodings/base/encoding.h"
#include "encodings/base/spectrum.h"
#include "encodings/base/table.h"

namespace yonder {
namespace {

class Multiplied final : public Encoding {
  std::string kind_ = "learned";
  LearnedTable table_;

 public:
  Options options() override {
    Options o{Option{"table", &kind_, "p learned, or sinusoids"}.one_of({"learned", "sinusoidal"})};
    table_.options(o);
    return o;
  }

  void check() const override {
    table_.check("multiplied");
    if (kind_ == "sinusoidal" && dims_.width % 2)
      throw UsageError("multiplied: width " + std::to_string(dims_.width) +
                       " has no pairs of columns for sinusoids; choose an even width");
  }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    if (kind_ == "learned")
      table_.build(p, "multiplied", "table", {dims.positions, dims.width}, Init::zeros());
  }

  Var embed(const Var& x, std::span<const int>, const Positions& at) override {
    return x + x * (kind_ == "learned" ? table_(at) : sinusoid(at, spectrum(10000, dims_.width)));
  }
};

const Register<Multiplied> multiplied_entry{
    {.name = "multiplied",
     .title = "Multiplicative absolute positions",
     .paper = "kexue.fm/archives/8130",
     .kind = Kind::absolute,
     .formula = "x_i ∘ (1 + p_i)",
     .extensions = overrides("multiplied.beyond", {"clamp", "wrap", "random", "hierarchical"})}};

}  // namespace
}  // namespace yonder
