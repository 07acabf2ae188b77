#include <algorithm>

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

const Entry& entry(const std::string& name) {
  std::vector<std::string> names;
  for (const Entry& e : registry()) {
    if (e.name == name) return e;
    names.push_back(e.name);
  }
  const std::string hint = did_you_mean(name, names);
  throw UsageError("encoding: no encoding is called '" + name + "'" +
                   (hint.empty() ? "; see yonder list encodings" : hint));
}

}  // namespace yonder
