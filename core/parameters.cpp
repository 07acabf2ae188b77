#include "core/parameters.h"

#include <cassert>

#include "core/random.h"

namespace yonder {

Var Parameters::make(const std::string& name, Shape shape, Init init) {
  Tensor start(std::move(shape));
  const Random random(seed_, name);
  for (std::int64_t i = 0; i < start.size(); ++i) switch (init.kind) {
      case Init::constant:
        start[i] = real(init.a);
        break;
      case Init::normal:
        start[i] = real(init.a * random.normal(i));
        break;
      case Init::uniform:
        start[i] = real(init.a + (init.b - init.a) * random.uniform(i));
        break;
    }
  return make(name, std::move(start));
}

Var Parameters::make(const std::string& name, Tensor start) {
  assert(!find(name) && "a parameter's name is used once");
  all_.push_back({name, Var::parameter(std::move(start))});
  return all_.back().var;
}

Var Parameters::find(const std::string& name) const {
  for (const Named& p : all_)
    if (p.name == name) return p.var;
  return {};
}

std::int64_t Parameters::count() const {
  std::int64_t n = 0;
  for (const Named& p : all_) n += p.var.size();
  return n;
}

void Parameters::clear_gradients() const {
  for (const Named& p : all_) p.var.gradient().clear();
}

}  // namespace yonder
