#pragma once
#include <string>

#include "encodings/base/encoding.h"

namespace yonder {

/// Base class of modifiers that draw training positions from 0..range−1; evaluation uses 0..L−1
/// unless overridden. One draw per batch, or (`per` = sequence) per sequence.
class DrawnPositions : public Encoding {
 public:
  Options options() override {
    return {Option{"range", &range_, "range of positions that training samples from"}
                .at_least(0)
                .shown_as("8 N"),
            Option{"per", &per_, "what positions are sampled for: each batch, or each sequence"}
                .one_of({"batch", "sequence"})
                .added_later()};
  }

  void check() const override {
    if (range_ > 0 && range_ < dims_.trained)
      throw UsageError(
          fmt::format("{}.range: {} positions can't place the {} tokens of training; give more",
                      name_, range_, dims_.trained));
  }

  int positions(const Dims& dims) override { return range_ > 0 ? range_ : 8 * dims.trained; }

  std::optional<bool> by_layer() const override { return false; }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    range_ = positions(dims);
  }

  std::vector<int> sample_positions(const Placing& wanted) override {
    if (!wanted.draws) return {};
    require_room(wanted.longest, "train shorter");
    std::vector<int> all;
    for (int b = 0; b < draws_of(wanted.batch); ++b) {
      const std::vector<int> at = drawn(wanted.tokens, wanted.longest, *wanted.draws);
      all.insert(all.end(), at.begin(), at.end());
    }
    return all;
  }

 protected:
  int range_ = 0;              ///< the option; 0 means 8 N until build()
  std::string per_ = "batch";  ///< the option: draws per batch or per sequence

  explicit DrawnPositions(std::string name) : name_(std::move(name)) {}  ///< the encoding's name

  /// Draws the positions of one sequence, [T].
  virtual std::vector<int> drawn(int tokens, int longest, RandomStream&) const = 0;

  /// Number of draws for a batch.
  int draws_of(int batch) const { return per_ == "sequence" ? batch : 1; }

  /// Throws Undefined if a sequence is longer than the range.
  void require_room(int longest, const std::string& way_out) const {
    if (longest > range_)
      throw Undefined("range ends",
                      fmt::format("{}: {} tokens don't fit into the {} positions of training; {}",
                                  name_, longest, range_, way_out));
  }

 private:
  std::string name_;
};

}  // namespace yonder
