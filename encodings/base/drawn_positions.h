#pragma once
#include <string>

#include "encodings/base/encoding.h"

namespace yonder {

/// What the modifiers share that train at positions drawn from 0..range−1.
class DrawnPositions : public Encoding {
 public:
  void check() const override {
    if (range_ > 0 && range_ < dims_.trained)
      throw UsageError(name_ + ".range: " + std::to_string(range_) + " positions can't place the " +
                       std::to_string(dims_.trained) + " tokens of training; give more");
  }

  int positions(const Dims& dims) override { return range_ > 0 ? range_ : 8 * dims.trained; }

  std::optional<bool> by_layer() const override { return false; }

  void build(const Dims& dims, Parameters& p) override {
    Encoding::build(dims, p);
    range_ = positions(dims);
  }

 protected:
  int range_ = 0;  ///< the option; 0 stands for 8 N until build()

  explicit DrawnPositions(std::string name) : name_(std::move(name)) {}  ///< the encoding's name

  /// The option `range`, which means that.
  Option range_option(const std::string& meaning) {
    return Option{"range", &range_, meaning}.at_least(0).shown_as("8 N");
  }

  /// Refuses a sequence that is longer than the range.
  void require_room(int longest, const std::string& way_out) const {
    if (longest > range_)
      throw Undefined("range ends", name_ + ": " + std::to_string(longest) +
                                        " tokens don't fit into the " + std::to_string(range_) +
                                        " positions of training; " + way_out);
  }

 private:
  std::string name_;
};

}  // namespace yonder
