#include "core/autodiff.h"

#include <cmath>
#include <string_view>

namespace yonder {
namespace {

// "core/elementwise.cpp" of whatever path the compiler was given.
std::string file_of(const Operation& op) {
  const std::string_view path = op.file_name();
  const std::size_t name = path.rfind('/');
  if (name == path.npos || name == 0) return std::string(path);
  const std::size_t room = path.rfind('/', name - 1);
  return std::string(room == path.npos ? path : path.substr(room + 1));
}

}  // namespace

// "gelu" of "yonder::Var yonder::gelu(const yonder::Var&)".
std::string name_of(const Operation& op) {
  std::string_view text = op.function_name();
  text = text.substr(0, text.find('('));
  text = text.substr(text.find_last_of(" :") + 1);
  return std::string(text);
}

void Tape::require_finite(const Tensor& x, const std::string& what, const Operation& op) {
  for (real value : x.flat())
    if (!std::isfinite(value))
      throw NotFinite(what + " of " + name_of(op) + " (" + file_of(op) + ")");
}

}  // namespace yonder
