#include <algorithm>
#include <cmath>

#include "datasets/base/bytes.h"

namespace yonder {
namespace {

/// Repeated text: its first c bytes over and over, so that a model that can copy from c bytes ago
/// can predict every byte but the first c. It separates models that use distant context from those
/// that merely do not degrade. Su 2023, kexue.fm/archives/9708.
///
/// In training, a share of each batch is tiled, c uniform in least·N … most·N, the rest is plain:
/// text that never repeats teaches no copying. Validation is mixed in the same way. A test tiles
/// stretches of c = tile·N bytes and scores the last bytes of the longest length, in a later copy;
/// shorter lengths see the end of the same text. With tile 0 the test is that of `text`.
class Tiled final : public ByteTask {
 public:
  Options options() override {
    Options all = ByteTask::options();
    all.push_back(
        Option{"share", &share_, "fraction of each training batch that is repeated text"}.within(
            0, 1));
    all.push_back(
        Option{"least", &least_, "shortest period in training, as a multiple of N"}.within(0, 1));
    all.push_back(
        Option{"most", &most_, "longest period in training, as a multiple of N"}.within(0, 1));
    all.push_back(Option{"tile", &tile_, "period at evaluation, as a multiple of N; 0: plain text"}
                      .within(0, 65536)
                      .at_inference());
    return all;
  }

  void prepare(int length, const Corpora& texts) override {
    if (least_ > most_)
      throw UsageError(
          "tiled.least: the shortest tile of training is longer than the longest; "
          "give no more than tiled.most");
    ByteTask::prepare(length, texts);
  }

 private:
  double share_ = 0.5, least_ = 0.125, most_ = 0.5, tile_ = 1;

  std::string name() const override { return "tiled"; }

  int bytes(double over_trained) const {
    return int(std::clamp(std::round(over_trained * trained_), 1.0, 0x1p24));
  }

  int training_tile(const Random& random, int number) const override {
    // Spread evenly over the batch, so that a larger one begins with a smaller one.
    if (std::floor((number + 1) * share_) == std::floor(number * share_)) return 0;
    const int least = bytes(least_), most = bytes(most_);
    return least + int(random.below(std::uint64_t(most - least + 1), std::uint64_t(number)));
  }

  int test_tile() const override { return tile_ > 0 ? bytes(tile_) : 0; }
};

const RegisterTask<Tiled> tiled_entry{
    {.name = "tiled",
     .title = "Byte-level language modelling of repeated text",
     .form = "n bytes of a document; in half of the sequences, repetitions of its first c bytes",
     .paper = "Su 2023, kexue.fm/archives/9708"}};

}  // namespace
}  // namespace yonder
