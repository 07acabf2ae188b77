#include "train/results/format.h"

#include <fmt/core.h>
#include <algorithm>
#include <span>

namespace yonder {

std::string counted(const Results& results, const Spread& s) {
  if (s.empty() || s.count >= results.seeds) return "";
  return fmt::format(" ({} of {})", s.count, results.seeds);
}

std::string shown(double value, const Measure& measure) {
  return measure.percent ? fmt::format("{:.1f}", 100 * value) : fmt::format("{:.2f}", value);
}

std::string lengths_of(const Results& r, const std::string& between) {
  return joined(r.lengths, between, [&r](int length) { return text_of(length, r.bins); });
}

std::string listed(const std::vector<std::string>& names) {
  if (names.size() < 2) return joined(names, "");
  return joined(std::span(names).first(names.size() - 1), ", ") + " and " + names.back();
}

std::string with_settings(const std::string& name, const std::string& settings) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < settings.size();) {
    const std::size_t end =
        std::min({settings.find(", ", at), settings.find(':', at), settings.size()});
    std::string one = settings.substr(at, end - at);
    if (const std::size_t value = one.find('='); value != one.npos) {
      const std::size_t owner = one.rfind('.', value) + 1, layers = one.rfind('@', owner);
      std::replace(&one[owner], &one[value], '_', ' ');
      one = one.substr(owner, value - owner) +
            (layers < owner ? one.substr(layers, owner - 1 - layers) : "") + " " +
            one.substr(value + 1);
    }
    all.push_back(one);
    at = end + (settings[end] == ',' ? 2 : 1);
  }
  return all.empty() ? name : name + " (" + joined(all, ", ") + ")";
}

std::string printable(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&text, &i](std::size_t n) {
      return i + n < text.size() ? static_cast<unsigned char>(text[i + n]) : 0u;
    };
    const unsigned first = byte(0);
    const std::size_t size = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : 4;
    bool good = first < 0x80 ? first >= ' ' && first != 0x7f : first >= 0xc2 && first < 0xf5;
    for (std::size_t n = 1; n < size; ++n) good = good && byte(n) >> 6 == 2;
    // C1 controls, overlong encodings, surrogates and code points beyond Unicode.
    if (first == 0xc2) good = good && byte(1) >= 0xa0;
    if (first == 0xe0) good = good && byte(1) >= 0xa0;
    if (first == 0xed) good = good && byte(1) < 0xa0;
    if (first == 0xf0) good = good && byte(1) >= 0x90;
    if (first == 0xf4) good = good && byte(1) < 0x90;
    out += good ? text.substr(i, size) : "?";
    i += good ? size : 1;
  }
  return out;
}

std::string grouped(std::int64_t n) {
  std::string text = std::to_string(n);
  for (int at = int(text.size()) - 3; at > 0; at -= 3) text.insert(std::size_t(at), ",");
  return text;
}

}  // namespace yonder
