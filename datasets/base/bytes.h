#pragma once
#include "datasets/base/dataset.h"
#include "datasets/base/documents.h"

namespace yonder {

/// A byte as text: itself if it can be printed, else "\n" or "\xe4".
std::string spelled_byte(int byte);

/// A window of a document as the model sees it: BOS and length − 1 bytes as inputs, these bytes and
/// the next one as targets, of which the last `scored` count.
struct ByteWindow {
  const std::string* document;  ///< the text that it is cut from
  std::int64_t first;           ///< offset of its first byte in the document
  int length, scored;           ///< number of bytes; number of targets that count
  int tile = 0;                 ///< bytes from `first` on that repeat without end; 0: no repetition
  int skip = 0;                 ///< bytes of the repeated text before the window

  /// Byte i of the window, 0..255.
  int byte(std::int64_t i) const {
    return static_cast<unsigned char>((*document)[first + (tile ? (skip + i) % tile : i)]);
  }
};

/// Text as bytes, one token each: the base of `text` and `tiled`. No window leaves its document.
class ByteTask : public Task {
 public:
  Options options() override {
    return {
        Option{"path", &path_, "text: a file or folder; its last tenth is held out for testing"}
            .at_inference(),
        Option{"mask", &mask_, "fraction of the bytes that are masked for a bidirectional model"}
            .between(0, 1)};
  }

  void prepare(int length, const Corpora&) override;

  std::string checksum() const override { return text_->checksum; }
  int vocabulary() const override { return 257; }
  int tokens(int length) const override { return length; }
  bool is_text() const override { return true; }
  double mask_rate() const override { return mask_; }
  double chance_accuracy(int) const override;
  double unigram_loss() const override;

  Batch train(std::uint64_t seed, int step, int size) const override;
  int sequences(const EvalSpec&) const override;
  Batch test(const EvalSpec&, int first, int size) const override;
  std::string spelled(int token) const override;

 protected:
  /// Name of the task in errors and flags: "text".
  virtual std::string name() const = 0;
  /// Tile of training window `number` of a batch, in bytes; 0: plain text.
  virtual int training_tile(const Random&, int /*number*/) const { return 0; }
  /// Tile of test windows, in bytes; 0: plain text.
  virtual int test_tile() const { return 0; }

 private:
  std::string path_;
  double mask_ = 0.15;
  std::shared_ptr<const Documents> text_;

  struct Layout;
  Layout layout(const EvalSpec&) const;
  ByteWindow window(const EvalSpec&, const Layout&, std::int64_t number) const;
  int tile(const EvalSpec& spec) const { return spec.split == Split::test ? test_tile() : 0; }
  void check(const EvalSpec&) const;
  static Batch batch(const std::vector<ByteWindow>&);

  [[noreturn]] void refuse_short(const char* use, int length,
                                 const std::vector<std::string>& documents) const;
};

}  // namespace yonder
