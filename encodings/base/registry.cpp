#include <algorithm>
#include <stdexcept>

#include "encodings/base/encoding.h"

namespace yonder {
namespace {

// Filled before main() runs, by the static Register of each encoding's file.
std::vector<Entry>& entries() {
  static std::vector<Entry> all;
  return all;
}

}  // namespace

void add_entry(Entry e) {
  auto later = [](const Entry& a, const Entry& b) { return a.name < b.name; };
  auto& all = entries();
  all.insert(std::upper_bound(all.begin(), all.end(), e, later), std::move(e));
}

const std::vector<Entry>& registry() { return entries(); }

const Entry* find_entry(const std::string& name) {
  for (const Entry& e : registry())
    if (e.name == name) return &e;
  return nullptr;
}

const Entry& entry(const std::string& name) {
  if (const Entry* found = find_entry(name)) return *found;
  std::vector<std::string> names;
  for (const Entry& e : registry()) names.push_back(e.name);
  const std::string hint = did_you_mean(name, names);
  throw UsageError("encoding: no encoding is called '" + name + "'" +
                   (hint.empty() ? "; see yonder list encodings" : hint));
}

const Override& override_of(Baseline wanted) {
  for (const Entry& e : registry())
    if (e.baseline == wanted) return e.extensions.at(0);
  throw std::logic_error("no encoding is registered as this baseline");
}

}  // namespace yonder
