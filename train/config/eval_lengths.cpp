#include "train/config/eval_lengths.h"

#include <charconv>

#include "core/error.h"

namespace yonder {
namespace {

// The integer in `text`; 0 if it is not one or above 2^24.
int length_in(const std::string& text) {
  int n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  return error == std::errc() && end == text.data() + text.size() && n <= 1 << 24 ? n : 0;
}

}  // namespace

void add_eval_length(const std::string& option, const std::string& text, std::vector<int>& lengths,
                     LengthBins& bins) {
  const std::size_t dash = text.find('-', 1);
  const bool bin = dash != text.npos;
  const int most = length_in(bin ? text.substr(dash + 1) : text);
  const int least = bin ? length_in(text.substr(0, dash)) : most;
  if (least < 1 || most < least)
    throw UsageError(option + ": '" + text +
                     "' is not allowed; it takes whole numbers from 1 to 16777216 and bins of "
                     "them, like 32,64 or 1-25,26-50");
  for (const int other : lengths)
    if ((bin || bins.count(other)) && least <= other && shortest(other, bins) <= most)
      throw UsageError(option + ": '" + text + "' and '" + text_of(other, bins) +
                       "' share a length; give bins that don't overlap");
  lengths.push_back(most);
  if (least < most) bins[most] = least;
}

int least_of_bin(int length, const LengthBins& bins) {
  const auto at = bins.find(length);
  return at == bins.end() ? 0 : at->second;
}

int shortest(int length, const LengthBins& bins) {
  return bins.count(length) ? bins.at(length) : length;
}

std::string text_of_range(int least, int most) {
  return (least < most ? std::to_string(least) + "-" : "") + std::to_string(most);
}

std::string text_of(int length, const LengthBins& bins) {
  return text_of_range(shortest(length, bins), length);
}

}  // namespace yonder
