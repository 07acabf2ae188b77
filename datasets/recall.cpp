#include <algorithm>

#include "datasets/base/symbols.h"

namespace yonder {
namespace {

/// Associative recall: n pairs of a key and its value, then some of the keys again, each to be
/// followed by its value. Arora et al. 2023, "Zoology", arXiv:2312.04927.
///   BOS k_1 v_1 … k_n v_n SEP k_a v_a k_b v_b … EOS
/// The keys of a sequence differ; values may be equal. Keys and values have tokens of their own.
/// After the separator, keys belong to the question, values and EOS to the answer. The lag of a
/// value is its distance from the key that queries it.
class Recall final : public GeneratedTask {
 public:
  Options options() override {
    return {
        Option{"keys", &keys_, "different keys, and as many values"}.within(1, 65536),
        Option{"asked", &asked_, "number of queries, all keys if there are fewer pairs"}.at_least(
            1)};
  }

  void check(int length) const override {
    if (length <= keys_) return;
    throw UsageError(fmt::format(
        "recall: {0} pairs need as many different keys, not {1}; set --recall.keys {0} or more",
        length, keys_));
  }

  int vocabulary() const override { return first_symbol + 2 * keys_; }
  int tokens(int length) const override { return 2 + 2 * length + 2 * questions(length); }
  /// Each value is equally likely; EOS is certain.
  double chance_accuracy(int length) const override {
    const int m = questions(length);
    return (m / double(keys_) + 1) / (m + 1);
  }

  Example example(int length, RandomStream& draws) const override {
    const std::vector<int> keys = distinct(length, keys_, draws);
    std::vector<int> values(length);
    for (int& v : values) v = draws.below(keys_);

    Example e;
    e.add_input(bos);
    for (int i = 0; i < length; ++i) e.add_input(key(keys[i])), e.add_input(value(values[i]));
    e.add_input(sep);
    for (int i : distinct(questions(length), length, draws))
      e.add_input(key(keys[i])), e.add_target(value(values[i]), 2 + 2 * i);
    e.add_target(eos);
    return e;
  }

 private:
  int keys_ = 128;
  int asked_ = 8;

  int questions(int length) const { return std::min(length, asked_); }
  int key(int i) const { return first_symbol + i; }
  int value(int i) const { return first_symbol + keys_ + i; }

  std::string symbol(int token) const override {
    const int i = token - first_symbol;
    return i < keys_ ? "k" + std::to_string(i) : "v" + std::to_string(i - keys_);
  }
};

const RegisterTask<Recall> recall_entry{
    {.name = "recall",
     .title = "Associative recall of key-value pairs",
     .form = "n pairs of a key and its value, then some of the keys, each followed by its value",
     .paper = "Arora et al. 2023, arXiv:2312.04927"}};

}  // namespace
}  // namespace yonder
