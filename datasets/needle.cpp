#include <algorithm>

#include "datasets/base/symbols.h"

namespace yonder {
namespace {

/// Needles in n symbols of noise: numbers that belong to keys. One key is queried; the answer is
/// its numbers in the order in which they occurred.
///   BOS a c <key> k3 7 1 b … <key> k8 0 4 c a SEP k3 7 1 EOS
/// Hsieh et al. 2024, "RULER", arXiv:2404.06654, sec. 3.1: single (1 key of 1 value), many keys
/// (`keys` 4, the others are distractors), many values (`values` 4). The keys of a sequence differ.
/// Needles are placed uniformly in the noise. Evaluation may fix the lag of the queried one, the
/// distance from each scored digit to its occurrence; how many of the others come after it is then
/// drawn first, among the numbers for which there is enough noise.
class Needle final : public GeneratedTask {
 public:
  Options options() override {
    return {Option{"keys", &keys_, "keys in the noise, one of which is queried"}.within(1, 1024),
            Option{"values", &values_, "numbers of each key"}.within(1, 1024),
            Option{"digits", &digits_, "digits of each number"}.within(1, 100),
            Option{"names", &names_, "different keys"}.within(1, 65536),
            Option{"noise", &noise_, "different symbols of the noise"}.within(1, 65536),
            Option{"lag", &lag_, "distance of the number at evaluation, in tokens; 0: uniform"}
                .at_least(0)
                .at_inference()};
  }

  void check(int) const override {
    if (keys_ > names_)
      throw UsageError(fmt::format(
          "needle: {0} different keys need as many names, not {1}; set --needle.names {0} or more",
          keys_, names_));
  }

  bool numbers() const override { return true; }
  int vocabulary() const override { return first_noise() + noise_; }
  int tokens(int length) const override {
    return length + keys_ * values_ * (2 + digits_) + values_ * digits_ + 3;
  }
  /// Each digit is equally likely; EOS is certain.
  double chance_accuracy(int) const override {
    const int all = values_ * digits_;
    return (all / 10.0 + 1) / (all + 1);
  }

  int sequences(const EvalSpec& spec) const override {
    if (lag_ && values_ > 1)
      throw UsageError(
          "needle.lag: with several numbers per key there is no single distance; set "
          "--needle.values 1, or the lag to 0");
    for (int n = spec.shortest(); lag_ && n <= spec.length; ++n) {
      const int nearest = digits_ + 1, farthest = nearest + n + others() * (2 + digits_);
      if (lag_ < nearest || lag_ > farthest || !behind(n).count)
        throw UsageError(
            fmt::format("needle.lag: {} is impossible with {} symbols; lags are {} to {}{}; change "
                        "it or the length, or give 0 for any lag",
                        lag_, n, nearest, farthest,
                        keys_ > 1 ? ", where there is enough noise between needles" : ""));
    }
    return GeneratedTask::sequences(spec);
  }

  Example example(int length, RandomStream& draws) const override {
    return hidden(length, slots(length, draws), draws);
  }
  Example test_example(int length, RandomStream& draws) const override {
    return lag_ ? hidden(length, slots_at_lag(length, draws), draws) : example(length, draws);
  }

 private:
  enum { mark = first_symbol, first_digit, first_name = first_digit + 10 };
  int keys_ = 1, values_ = 1, digits_ = 2, names_ = 32, noise_ = 16, lag_ = 0;

  int first_noise() const { return first_name + names_; }
  int others() const { return keys_ * values_ - 1; }

  /// A needle: how many symbols of noise precede it, and its key; the queried key is 0.
  struct Slot {
    int before, key;
  };

  std::vector<Slot> slots(int length, RandomStream& draws) const {
    std::vector<Slot> all;
    for (int key = 0; key < keys_; ++key)
      for (int v = 0; v < values_; ++v) all.push_back({draws.between(0, length), key});
    return in_order(all, draws);
  }

  /// Sorted by the noise before them; those at the same position in random order.
  static std::vector<Slot> in_order(std::vector<Slot> all, RandomStream& draws) {
    std::vector<Slot> mixed;
    for (int i : distinct(int(all.size()), int(all.size()), draws)) mixed.push_back(all[i]);
    std::stable_sort(mixed.begin(), mixed.end(),
                     [](const Slot& a, const Slot& b) { return a.before < b.before; });
    return mixed;
  }

  /// How many needles may follow the queried one at this lag: the least number; how many choices.
  struct Behind {
    int least, count;
  };
  Behind behind(int length) const {
    const int between = lag_ - digits_ - 1, needle = 2 + digits_;
    const int least = std::max(0, (between - length + needle - 1) / needle);
    return {least, std::max(0, std::min(others(), between / needle) - least + 1)};
  }

  std::vector<Slot> slots_at_lag(int length, RandomStream& draws) const {
    const Behind b = behind(length);
    const int after = b.least + draws.below(b.count);
    const int place = length - (lag_ - digits_ - 1 - after * (2 + digits_));
    std::vector<Slot> before, behind;
    for (int i = 0; i < others(); ++i) {
      if (i < after) behind.push_back({draws.between(place, length), 0});
      else before.push_back({draws.between(0, place), 0});
    }
    std::vector<Slot> all = in_order(before, draws);
    all.push_back({place, 0});
    for (const Slot& s : in_order(behind, draws)) all.push_back(s);
    const std::vector<int> keys = distinct(others(), others(), draws);
    for (int i = 0, other = 0; i < int(all.size()); ++i)
      if (i != int(before.size())) all[i].key = 1 + keys[other++];
    return all;
  }

  Example hidden(int length, const std::vector<Slot>& slots, RandomStream& draws) const {
    const std::vector<int> names = distinct(keys_, names_, draws);
    const auto power = [this](int i) { return digits_ - 1 - i; };
    std::vector<int> told;  // where the queried numbers begin
    Example e;
    e.add_input(bos);
    int noise = 0;
    const auto noise_until = [&](int n) {
      for (; noise < n; ++noise) e.add_input(first_noise() + draws.below(noise_));
    };
    for (const Slot& slot : slots) {
      noise_until(slot.before);
      e.add_input(mark), e.add_input(first_name + names[slot.key]);
      if (slot.key == 0) told.push_back(int(e.tokens.size()));
      for (int i = 0; i < digits_; ++i) e.add_input(first_digit + draws.below(10), power(i));
    }
    noise_until(length);
    e.add_input(sep), e.add_input(first_name + names[0]);
    for (int number : told)
      for (int i = 0; i < digits_; ++i) e.add_target(e.tokens[number + i], number + i, power(i));
    e.add_target(eos);
    return e;
  }

  std::string symbol(int token) const override {
    if (token == mark) return "<key>";
    if (token < first_name) return std::to_string(token - first_digit);
    if (token < first_noise()) return "k" + std::to_string(token - first_name);
    return symbol_name(token - first_noise(), noise_, "n");
  }
};

const RegisterTask<Needle> needle_entry{
    {.name = "needle",
     .title = "Needle in a haystack, with distractors",
     .form = "n symbols of noise, among them needles: <key>, a key and the digits of a number; "
             "then one of the keys, and its numbers in order of appearance",
     .paper = "Hsieh et al. 2024, arXiv:2404.06654"}};

}  // namespace
}  // namespace yonder
