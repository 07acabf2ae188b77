#include "datasets/base/masked.h"

namespace yonder {
namespace {

enum class Use { training, testing };

class Masked final : public Task {
 public:
  explicit Masked(std::unique_ptr<Task> task) : task_(std::move(task)) {}

  Options options() override { return task_->options(); }
  void prepare(int length, const Corpora& texts) override { task_->prepare(length, texts); }
  std::string checksum() const override { return task_->checksum(); }
  int vocabulary() const override { return mask() + 1; }
  // One more for EOS, which becomes an input of a sequence with an answer.
  int tokens(int length) const override { return task_->tokens(length) + (answers() ? 1 : 0); }
  double chance_accuracy(int length) const override { return task_->chance_accuracy(length); }
  bool is_text() const override { return task_->is_text(); }
  double bytes_per_token() const override { return task_->bytes_per_token(); }
  bool labels() const override { return task_->labels(); }
  bool numbers() const override { return task_->numbers(); }
  double mask_rate() const override { return task_->mask_rate(); }
  double unigram_loss() const override { return task_->unigram_loss(); }
  int sequences(const EvalSpec& spec) const override { return task_->sequences(spec); }
  std::string spelled(int token) const override {
    return token == mask() ? "<mask>" : task_->spelled(token);
  }

  Batch train(std::uint64_t seed, int step, int size) const override {
    const Random random(seed, "data.mask", std::uint32_t(step));
    return hidden(task_->train(seed, step, size), random, 0, Use::training);
  }
  Batch test(const EvalSpec& spec, int first, int size) const override {
    return hidden(task_->test(spec, first, size), Random(0, "data.mask.test"), first, Use::testing);
  }

 private:
  std::unique_ptr<Task> task_;

  int mask() const { return task_->vocabulary(); }
  bool answers() const { return !is_text() && !labels(); }

  // The target at position t of `from` is masked at position t + 1, its own.
  Batch hidden(const Batch& from, const Random& random, int first, Use use) const {
    if (labels()) return from;
    Batch y{.size = from.size, .extent = from.extent + (is_text() ? 0 : 1)};
    y.tokens.assign(std::size_t(y.size) * y.extent, -1);
    y.targets = y.targets_by_position = y.tokens;
    if (!from.digits.empty()) y.digits = y.tokens;
    if (!from.lag.empty()) y.lag = y.tokens;
    for (int b = 0; b < y.size; ++b) {
      const int n = from.lengths[b] + (is_text() ? 0 : 1);
      y.lengths.push_back(n);
      const int *tokens = &from.tokens[b * from.extent], *targets = &from.targets[b * from.extent];
      for (int p = 0; p < n; ++p) {
        const int at = b * y.extent + p;
        const bool asked = p > 0 && targets[p - 1] >= 0;
        const int token = p < from.lengths[b] ? tokens[p] : targets[p - 1];
        y.tokens[at] = token;
        if (!from.digits.empty() && p < from.lengths[b])  // EOS is not a digit
          y.digits[at] = from.digits[b * from.extent + p];
        // Indexed from the end: windows with the same end mask the same bytes at any length.
        const std::uint64_t draw = (std::uint64_t(first + b) << 32) + std::uint64_t(n - p);
        if (p == 0 || !(asked || is_text()) || random.uniform(2 * draw) >= mask_rate()) continue;
        y.tokens[at] = shown(token, random, 2 * draw + 1, use);
        y.targets_by_position[at] = token;
        if (asked) y.targets[at] = token;
        if (!from.lag.empty() && asked && from.lag[b * from.extent + p - 1] >= 0)
          y.lag[at] = from.lag[b * from.extent + p - 1] + 1;
      }
    }
    return y;
  }

  // What replaces a masked token.
  int shown(int token, const Random& random, std::uint64_t draw, Use use) const {
    if (!is_text() || use == Use::testing) return mask();
    const std::uint64_t tenth = random.below(10 * 256, draw);  // and a random byte
    if (tenth < 8 * 256) return mask();
    return tenth < 9 * 256 ? int(tenth % 256) : token;
  }
};

}  // namespace

std::unique_ptr<Task> masked(std::unique_ptr<Task> task) {
  return std::make_unique<Masked>(std::move(task));
}

}  // namespace yonder
