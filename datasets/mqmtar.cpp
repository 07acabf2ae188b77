#include <algorithm>
#include <cmath>

#include "datasets/base/symbols.h"

namespace yonder {
namespace {

/// Multi-query multi-token associative recall: n pairs of a key and a value, both words of several
/// letters of one alphabet, among blanks; then four keys as queries, and their values.
///   BOS _ k k : v v _ _ k k : v v _ … ? k k ? k k ? k k ? k k SEP ? v v ? v v ? v v ? v v EOS
/// Vasylenko et al. 2025, "Long-context generalization with sparse attention", arXiv:2506.16640,
/// and its code. Keys and values are from two fixed lists, drawn once, of `keys` words each; those
/// of a sequence differ. Pairs, with the : and a blank, fill the fraction `filled` of the context,
/// each at random within its own equal part. A key may be queried twice. Evaluation on more than
/// `keys` pairs has their length, but only `keys` pairs. The paper's lengths count the tokens
/// before the queries, 7.5 per pair; it trains on 32 to 64, evaluates up to 65536 and reports exact
/// match. The lag of a letter of a value is its distance from that letter in the pair.
class MultiTokenRecall final : public GeneratedTask {
 public:
  Options options() override {
    return {
        Option{"alphabet", &alphabet_, "different letters"}.within(2, 256),
        Option{"keys", &keys_, "different keys, and as many values"}.within(1, 65536),
        Option{"key_length", &key_length_, "letters of a key"}.within(1, 3),
        Option{"value_length", &value_length_, "letters of a value"}.within(1, 3),
        Option{"filled", &filled_, "fraction of the tokens that belong to pairs"}.within(0.01, 1),
        Option{"asked", &asked_, "number of queries"}.within(1, 1024)};
  }

  void check(int) const override {
    const double words = std::pow(alphabet_, std::min(key_length_, value_length_));
    if (words < keys_)
      throw UsageError(
          fmt::format("mqmtar: an alphabet of {0} makes {1} different words of {2} letters, not "
                      "{3}; set --mqmtar.keys {1} or less",
                      alphabet_, int(words), std::min(key_length_, value_length_), keys_));
  }

  void prepare(int length, const Corpora& texts) override {
    GeneratedTask::prepare(length, texts);
    RandomStream draws(Random(0, "mqmtar.words"));
    key_list_ = distinct(keys_, words_of(key_length_), draws);
    value_list_ = distinct(keys_, words_of(value_length_), draws);
  }

  int vocabulary() const override { return first_letter + alphabet_; }
  int tokens(int length) const override {
    return 2 + context(length) + asked_ * (2 + key_length_ + value_length_);
  }

  /// The most frequent letter at each position of the listed values; EOS is certain.
  double chance_accuracy(int) const override {
    double right = 0;
    for (int place = 0; place < value_length_; ++place) {
      std::vector<int> times(std::size_t(alphabet_), 0);
      for (int word : value_list_) ++times[std::size_t(letter(word, place))];
      right += *std::max_element(times.begin(), times.end()) / double(keys_);
    }
    return (asked_ * right + 1) / (asked_ * value_length_ + 1);
  }

  Example example(int length, RandomStream& draws) const override {
    const int pairs = std::min(length, keys_), part = context(length) / pairs;
    const std::vector<int> keys = distinct(pairs, keys_, draws);
    const std::vector<int> values = distinct(pairs, keys_, draws);
    std::vector<int> first(static_cast<std::size_t>(pairs));  // index of each value's first letter

    Example e;
    e.add_input(bos);
    for (int i = 0; i < pairs; ++i) {
      const int before = draws.between(0, part - unit());
      blanks(e, before);
      word(e, key_list_[keys[i]], key_length_);
      e.add_input(pair);
      first[i] = int(e.tokens.size());
      word(e, value_list_[values[i]], value_length_);
      blanks(e, part - unit() - before + 1);
    }
    blanks(e, context(length) - pairs * part);
    std::vector<int> asked(static_cast<std::size_t>(asked_));
    for (int& i : asked) {
      i = draws.below(pairs);
      e.add_input(ask);
      word(e, key_list_[keys[i]], key_length_);
    }
    e.add_input(sep);
    for (int i : asked) {
      e.add_input(ask);
      for (int place = 0; place < value_length_; ++place)
        e.add_target(first_letter + letter(value_list_[values[i]], place), first[i] + place);
    }
    e.add_target(eos);
    return e;
  }

 private:
  enum { blank = first_symbol, pair, ask, first_letter };
  int alphabet_ = 32, keys_ = 500, key_length_ = 2, value_length_ = 2, asked_ = 4;
  double filled_ = 0.8;
  std::vector<int> key_list_, value_list_;  // words as numbers, their letters in base `alphabet`

  int unit() const { return key_length_ + value_length_ + 2; }
  int context(int length) const { return int(std::ceil(length * unit() / filled_ - 1e-9)); }
  int words_of(int letters) const {
    int n = 1;
    for (int i = 0; i < letters; ++i) n *= alphabet_;
    return n;
  }
  int letter(int word, int place) const { return word / words_of(place) % alphabet_; }

  void word(Example& e, int which, int letters) const {
    for (int place = 0; place < letters; ++place) e.add_input(first_letter + letter(which, place));
  }
  static void blanks(Example& e, int n) {
    for (int i = 0; i < n; ++i) e.add_input(blank);
  }

  std::string symbol(int token) const override {
    if (token < first_letter) return std::string(1, "_:?"[token - first_symbol]);
    return symbol_name(token - first_letter, alphabet_, "w");
  }
};

const RegisterTask<MultiTokenRecall> multi_token_recall_entry{
    {.name = "mqmtar",
     .title = "Multi-query multi-token associative recall",
     .form = "n pairs of a key and its value, both words of several letters, among blanks; then "
             "some of the keys, and their values in the same order",
     .paper = "Vasylenko et al. 2025, arXiv:2506.16640"}};

}  // namespace
}  // namespace yonder
