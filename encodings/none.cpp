// No position encoding. Kazemnejad et al., "The impact of positional encoding on length
// generalization", 2023, arXiv:2305.19466; Haviv et al. 2022, arXiv:2203.16634.
//
//   x_i = √D E[token_i]        order is visible only through the causal mask
#include "encodings/base/encoding.h"

namespace yonder {
namespace {

class None final : public Encoding {};

const Register<None> none_entry{{.name = "none",
                                 .title = "No positional encoding (NoPE)",
                                 .printed = "NoPE",
                                 .paper = "arXiv:2305.19466",
                                 .aliases = {"nope"},
                                 .usual = Usual::compared,
                                 .kind = Kind::none,
                                 .formula = "x_i = √D E[token_i]"}};

}  // namespace
}  // namespace yonder
