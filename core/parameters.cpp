#include "core/parameters.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/error.h"
#include "core/io/available_memory.h"
#include "core/random.h"
#include "core/text.h"

namespace yonder {
namespace {

std::string text_of(const Shape& shape) {
  return "[" + joined(shape, ", ", [](int n) { return std::to_string(n); }) + "]";
}

// Checks only large parameters: asking the system takes longer than creating a small one.
void require_memory_of(const std::string& name, const Shape& shape) {
  const double bytes = sizeof(real) * double(count(shape));
  if (bytes > 1 << 26)
    require_memory(bytes, "parameter '" + name + "' is " + text_of(shape) + ", make it smaller");
}

double drawn(const Init& init, const Random& random, std::int64_t i) {
  if (init.kind == Init::normal) return init.a * random.normal(i);
  if (init.kind == Init::uniform) return init.a + (init.b - init.a) * random.uniform(i);
  return init.a;
}

}  // namespace

void Bounds::hold(std::span<real> x) const {
  if (std::isinf(least) && std::isinf(most)) return;
  for (real& y : x) y = std::clamp(y, real(least), real(most));
}

Tensor Parameters::saved(const std::string& name, const Shape& shape) const {
  const auto at = saved_->find(name);
  if (at == saved_->end())
    throw UsageError("parameter '" + name + "' is missing; it should be " + text_of(shape));
  if (at->second.shape != shape)
    throw UsageError(fmt::format("parameter '{}' is {}; it should be {}", name,
                                 text_of(at->second.shape), text_of(shape)));
  return at->second;
}

Var Parameters::make(const std::string& name, Shape shape, Init init, Bounds bounds) {
  if (absent_ && absent_(name)) return Var(Tensor(std::move(shape)));
  Tensor start;
  if (saved_) {
    start = saved(name, shape);
  } else {
    require_memory_of(name, shape);
    start = Tensor(std::move(shape));
    const Random random(seed_, name);
    for (std::int64_t i = 0; i < start.size(); ++i) start[i] = real(drawn(init, random, i));
  }
  bounds.hold(start.flat());
  bounds_[name] = bounds;
  return add(name, std::move(start));
}

Var Parameters::make(const std::string& name, Tensor start) {
  if (absent_ && absent_(name)) return Var(std::move(start));
  return add(name, saved_ ? saved(name, start.shape) : std::move(start));
}

Var Parameters::add(const std::string& name, Tensor start) {
  if (find(name)) throw std::logic_error("two parameters are called '" + name + "'");
  all_.push_back({name, Var::parameter(std::move(start))});
  return all_.back().var;
}

Var Parameters::find(const std::string& name) const {
  for (const Named& p : all_)
    if (p.name == name) return p.var;
  return {};
}

Bounds Parameters::bounds(const std::string& name) const {
  const auto at = bounds_.find(name);
  return at == bounds_.end() ? Bounds{} : at->second;
}

std::vector<std::string> Parameters::unused() const {
  std::vector<std::string> names;
  if (saved_)
    for (const auto& [name, tensor] : *saved_)
      if (!find(name)) names.push_back(name);
  return names;
}

std::int64_t Parameters::count(const std::string& prefix) const {
  std::int64_t n = 0;
  for (const Named& p : all_)
    if (p.name.starts_with(prefix)) n += p.var.size();
  return n;
}

void Parameters::clear_gradients() const {
  for (const Named& p : all_) p.var.gradient().clear();
}

}  // namespace yonder
