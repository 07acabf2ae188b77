#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <numeric>

#include "core/files.h"
#include "datasets/dataset.h"

namespace yonder {
namespace {

using Size = std::int64_t;
using Counts = std::array<Size, 256>;  // how often each byte comes

constexpr int bos = 256;  // a byte is its own token
constexpr int default_windows = 48;

/// Bytes first..first+length−1 of a document; the last `scored` of them are targets.
struct Window {
  const std::string* document;
  Size first;
  int length, scored;
};

/// A document is as good as its room: the number of windows that fit. Those of several documents
/// are numbered through.
class Rooms {
 public:
  template <class F>
  Rooms(const std::vector<std::string>& documents, F&& room) : documents_(documents) {
    for (const std::string& d : documents) ends_.push_back(total() + room(Size(d.size())));
  }
  Size total() const { return ends_.empty() ? 0 : ends_.back(); }

  struct Place {
    const std::string* document;
    Size inside;  // number within the document
  };
  Place operator[](Size number) const {
    const auto d = std::upper_bound(ends_.begin(), ends_.end(), number) - ends_.begin();
    return {&documents_[d], number - (d ? ends_[d - 1] : 0)};
  }

 private:
  const std::vector<std::string>& documents_;
  std::vector<Size> ends_;
};

/// Text as bytes, one token each. A window of L tokens is BOS and L − 1 bytes; its targets are
/// these and the byte that follows. No window leaves its document.
///
/// A folder's files are documents in the order of their paths: the last ones, as few as hold a
/// tenth of the bytes, are for testing. A single file is cut in two near nine tenths, at a line
/// break if there is one.
class Text final : public Task {
 public:
  Options options() override {
    return {Option{"path", &path_, "a file, or a folder of files; the last tenth is for testing"}
                .at_test(),
            Option{"mask", &mask_, "part of the bytes that are hidden from a bidirectional model"}
                .between(0, 1)};
  }

  void prepare(int length) override;

  int vocabulary() const override { return 257; }
  int tokens(int length) const override { return length; }
  bool is_text() const override { return true; }
  double mask_rate() const override { return mask_; }
  double chance(int) const override;
  double frequency_loss() const override;

  Batch train(std::uint64_t seed, int step, int size) const override;
  int sequences(const Trial&) const override;
  Batch test(const Trial&, int first, int size) const override;
  std::string spelled(int token) const override;

 private:
  std::string path_;
  double mask_ = 0.15;
  std::vector<std::string> train_, test_;  // documents

  /// Where the windows of a trial lie: `each` of them, `stride` bytes apart, in each chosen room.
  struct Layout {
    Rooms rooms;
    Size chosen, each;
    int longest, stride;
  };
  Layout layout(const Trial&) const;
  Window window(const Trial&, const Layout&, Size number) const;
  static Batch batch(const std::vector<Window>&);

  [[noreturn]] void refuse_short(const char* use, int length,
                                 const std::vector<std::string>& documents) const;
};

Counts count_bytes(const std::vector<std::string>& documents) {
  Counts counts{};
  for (const std::string& d : documents)
    for (unsigned char c : d) ++counts[c];
  return counts;
}

Size total(const Counts& counts) { return std::accumulate(counts.begin(), counts.end(), Size(0)); }

// Where a single file is cut: near nine tenths, after a line break if one is within a hundredth.
std::size_t cut(const std::string& text) {
  const std::size_t nine_tenths = text.size() - text.size() / 10;
  const std::size_t line = text.rfind('\n', nine_tenths - 1);
  const bool near = line != std::string::npos && nine_tenths - line <= text.size() / 100;
  return near ? line + 1 : nine_tenths;
}

void Text::prepare(int length) {
  Task::prepare(length);
  if (path_.empty())
    throw UsageError("text: no text is named; name a file or folder with --text PATH");
  std::vector<std::string> documents;
  Size bytes = 0;
  for (const std::string& file : list_files(path_)) {
    documents.push_back(read_file(file));
    bytes += Size(documents.back().size());
    if (documents.back().empty()) documents.pop_back();
  }
  if (documents.empty())
    throw FileError(path_ + ": there is no text in it; name another file or folder");

  test_.clear();
  if (documents.size() == 1) {
    const std::size_t at = cut(documents[0]);
    test_.push_back(documents[0].substr(at));
    documents[0].resize(at);
  }
  for (Size held = 0; documents.size() > 1 && 10 * held < bytes; documents.pop_back()) {
    held += Size(documents.back().size());
    test_.insert(test_.begin(), std::move(documents.back()));
  }
  train_ = std::move(documents);
  const bool fits = std::any_of(train_.begin(), train_.end(), [length](const std::string& d) {
    return Size(d.size()) >= length;
  });
  if (!fits) refuse_short("train", length, train_);
}

void Text::refuse_short(const char* use, int length,
                        const std::vector<std::string>& documents) const {
  std::size_t most = 0;
  for (const std::string& d : documents) most = std::max(most, d.size());
  throw UsageError("text: " + path_ + " has " + std::to_string(most) + " bytes in one piece to " +
                   use + " on, too few for a length of " + std::to_string(length) +
                   "; give a longer text or a shorter length");
}

double Text::chance(int) const {
  const Counts seen = count_bytes(train_), asked = count_bytes(test_);
  const auto best = std::max_element(seen.begin(), seen.end()) - seen.begin();
  return double(asked[best]) / double(total(asked));
}

double Text::frequency_loss() const {
  const Counts seen = count_bytes(train_), asked = count_bytes(test_);
  double loss = 0;
  // One more than seen of each, so that a byte new to the test costs a finite amount.
  for (int c = 0; c < 256; ++c)
    loss -= double(asked[c]) * std::log((double(seen[c]) + 1) / (double(total(seen)) + 256));
  return loss / double(total(asked));
}

Batch Text::batch(const std::vector<Window>& windows) {
  Batch batch{.size = int(windows.size()), .extent = windows[0].length};
  for (const Window& w : windows) {
    batch.lengths.push_back(w.length);
    for (int t = 0; t < w.length; ++t) {
      const auto byte = [&w](Size i) { return int((unsigned char)(*w.document)[w.first + i]); };
      batch.tokens.push_back(t ? byte(t - 1) : bos);
      batch.targets.push_back(t >= w.length - w.scored ? byte(t) : -1);
    }
  }
  return batch;
}

Batch Text::train(std::uint64_t seed, int step, int size) const {
  const int length = trained_;
  const Rooms starts(train_,
                     [length](Size bytes) { return std::max(bytes - length + 1, Size(0)); });
  const Random random(seed, "data.train", std::uint32_t(step));
  std::vector<Window> windows;
  for (int b = 0; b < size; ++b) {
    const auto at = starts[Size(random.below(std::uint64_t(starts.total()), std::uint64_t(b)))];
    windows.push_back({at.document, at.inside, length, length});
  }
  return batch(windows);
}

// same_targets: the rooms are the places, `scored` bytes apart, where a window of the greatest
// length may end. Else they are stretches of the greatest length, each cut alike at every length.
Text::Layout Text::layout(const Trial& trial) const {
  const int longest = std::max(trial.longest, trial.length), scored = trial.scored;
  const bool ends = trial.protocol == Protocol::same_targets;
  if (ends && scored > trial.length)
    throw UsageError("text: a length of " + std::to_string(trial.length) + " can't hold the " +
                     std::to_string(scored) + " targets that are compared; test lengths of " +
                     std::to_string(scored) + " or more");
  Rooms rooms(test_, [ends, longest, scored](Size bytes) {
    if (bytes < longest) return Size(0);
    return ends ? (bytes - longest) / scored + 1 : bytes / longest;
  });
  if (!rooms.total()) refuse_short("test", longest, test_);
  const Size wanted = trial.count ? trial.count : default_windows;
  const Size chosen = std::min(wanted, rooms.total());
  const int stride = trial.protocol == Protocol::sliding ? trial.stride : trial.length;
  assert(stride > 0);
  const Size each = ends ? 1 : 1 + (longest - trial.length) / stride;
  return {std::move(rooms), chosen, each, longest, stride};
}

Window Text::window(const Trial& trial, const Layout& l, Size number) const {
  const Size room = number / l.each, inside = number % l.each;
  // The chosen rooms are spread evenly over the text.
  const auto at = l.rooms[room * l.rooms.total() / l.chosen];
  if (trial.protocol == Protocol::same_targets) {
    const Size end = l.longest + at.inside * trial.scored;
    return {at.document, end - trial.length, trial.length, trial.scored};
  }
  // What stands before the first window of a stretch is scored by none, so it scores all its own.
  const int scored = inside ? std::min(l.stride, trial.length) : trial.length;
  return {at.document, at.inside * l.longest + inside * l.stride, trial.length, scored};
}

int Text::sequences(const Trial& trial) const {
  const Layout l = layout(trial);
  return int(l.chosen * l.each);
}

Batch Text::test(const Trial& trial, int first, int size) const {
  const Layout l = layout(trial);
  assert(first >= 0 && size > 0 && first + size <= l.chosen * l.each);
  std::vector<Window> windows;
  for (int i = first; i < first + size; ++i) windows.push_back(window(trial, l, i));
  return batch(windows);
}

std::string Text::spelled(int token) const {
  if (token == bos) return "<bos>";
  if (token == '\n') return "\\n";
  if (token >= ' ' && token <= '~') return std::string(1, char(token));
  const char* digits = "0123456789abcdef";
  return std::string("\\x") + digits[token / 16] + digits[token % 16];
}

const RegisterTask<Text> registered{"text", "Bytes of a file or folder, each to be foretold"};

}  // namespace
}  // namespace yonder
