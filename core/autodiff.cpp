#include "core/autodiff.h"

#include <fmt/core.h>

#include <cmath>
#include <string_view>

namespace yonder {
// "gelu" of "yonder::Var yonder::gelu(const yonder::Var&)".
std::string name_of(const Operation& op) {
  std::string_view text = op.function_name();
  text = text.substr(0, text.find('('));
  text = text.substr(text.find_last_of(" :") + 1);
  return std::string(text);
}

void Tape::require_finite(const Tensor& x, const std::string& what, const Operation& op) {
  for (real value : x.flat()) {
    if (std::isfinite(value)) continue;
    std::string_view file = op.file_name();  // relative to the project's root or the build folder
    file.remove_prefix(file.find_first_not_of("./"));
    throw NotFinite(fmt::format("{} of {} ({})", what, name_of(op), file));
  }
}

}  // namespace yonder
