#include "models/served.h"

namespace yonder {

std::string Served::name() const {
  std::string text = encoding + (dims.causal ? ", causal" : ", bidirectional");
  if (const std::string block = dims.block.text(dims.heads); !block.empty()) text += ", " + block;
  for (const Override& o : settings) text += ", " + text_of(o);
  for (const Override& o : extension) text += ", " + text_of(o);
  return text;
}

Transformer Served::model() const {
  auto composition = std::make_unique<Composition>(encoding);
  for (const auto& [key, value] : settings) composition->set(key, value);
  Transformer m(dims, std::move(composition), 1);
  for (const auto& [name, var] : m.parameters().all()) {
    RandomStream noise(Random(2, name));
    for (real& x : var.value().flat()) x += real(0.1 * noise.normal());
    m.parameters().bounds(name).hold(var.value().flat());
  }
  for (const auto& [key, value] : extension) m.set_at_inference(key, value);
  return m;
}

bool Served::takes_extension() const {
  return dims.causal || !why_refused([this] { model().encoding().check(); });
}

}  // namespace yonder
