#include <algorithm>
#include <vector>

#include "datasets/base/symbols.h"

namespace yonder {
namespace {

/// Common words: three words occur six times each, others once or twice, in random order; the
/// answer is the three, in order of first occurrence.
///   BOS w w' w'' … SEP c_1 c_2 c_3 EOS
/// n counts the others. Hsieh et al. 2024, "RULER", arXiv:2404.06654, sec. 3.3 (10 words 30 times
/// each, others 3 times).
class Common final : public GeneratedTask {
 public:
  Options options() override {
    return {Option{"words", &words_, "different words"}.within(4, 65536),
            Option{"common", &common_, "number of common words in a sequence"}.within(1, 64),
            Option{"times", &times_, "how often each common word occurs"}.within(3, 1024)};
  }

  void check(int length) const override {
    const int least = common_ + (length + 1) / 2;
    if (words_ >= least) return;
    throw UsageError(
        fmt::format("common: {0} other words, none more than twice, need {1} different words, not "
                    "{2}; set --common.words {1} or more",
                    length, least, words_));
  }

  int vocabulary() const override { return first_symbol + words_; }
  int tokens(int length) const override { return 2 + length + common_ * (times_ + 1); }
  /// Every word is equally likely to be common; EOS is certain.
  double chance_accuracy(int) const override {
    return (common_ / double(words_) + 1) / (common_ + 1);
  }

  Example example(int length, RandomStream& draws) const override {
    const int others = draws.between((length + 1) / 2, std::min(length, words_ - common_));
    const std::vector<int> words = distinct(common_ + others, words_, draws);
    std::vector<int> bag;  // of indices into `words`: the common ones first
    for (int i = 0; i < int(words.size()); ++i) bag.insert(bag.end(), i < common_ ? times_ : 1, i);
    for (int i = 0; i < length - others; ++i) bag.push_back(common_ + i);

    Example e;
    std::vector<int> answer;
    e.add_input(bos);
    for (int at : distinct(int(bag.size()), int(bag.size()), draws)) {
      const int token = first_symbol + words[bag[at]];
      e.add_input(token);
      if (bag[at] < common_ && std::count(answer.begin(), answer.end(), token) == 0)
        answer.push_back(token);
    }
    e.add_input(sep);
    for (int token : answer) e.add_target(token);
    e.add_target(eos);
    return e;
  }

 private:
  int words_ = 512, common_ = 3, times_ = 6;

  std::string symbol(int token) const override {
    return "w" + std::to_string(token - first_symbol);
  }
};

const RegisterTask<Common> common_entry{
    {.name = "common",
     .title = "Find the most frequent words (common words)",
     .form = "n words that occur once or twice, among them three that occur six times each; then "
             "these three in the order in which they first occurred",
     .paper = "Hsieh et al. 2024, arXiv:2404.06654"}};

}  // namespace
}  // namespace yonder
