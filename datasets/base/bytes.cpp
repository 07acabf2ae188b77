#include "datasets/base/bytes.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "core/io/files.h"

namespace yonder {
namespace {

using Size = Slots::Size;
using Counts = std::array<Size, 256>;  // how often each byte occurs

constexpr int bos = 256;  // a byte is its own token
constexpr int default_windows = 500, default_stretches = 48;

Counts count_bytes(const std::vector<std::string>& documents) {
  Counts counts{};
  for (const std::string& d : documents)
    for (unsigned char c : d) ++counts[c];
  return counts;
}

// End of the block of `scored` bytes in slot `at`; blocks are counted from the document's end.
Size block_end(const Slots::Place& at, int scored) {
  return Size(at.document->size()) - at.inside * scored;
}

Size total(const Counts& counts) { return std::accumulate(counts.begin(), counts.end(), Size(0)); }

}  // namespace

/// Where the windows of an evaluation lie: `each` windows, `stride` bytes apart, in each chosen
/// slot.
struct ByteTask::Layout {
  Slots rooms;
  std::vector<Size> chosen;
  Size each;
  int longest, stride;
};

void ByteTask::prepare(int length, const Corpora& texts) {
  Task::prepare(length, texts);
  const std::string flag = name() == "text" ? "--text" : "--" + name() + ".path";
  if (path_.empty())
    throw UsageError(name() + ": no text is given; name a file or folder with " + flag + " PATH");
  if (std::error_code error; !std::filesystem::exists(path_, error))
    throw FileError(fmt::format("{}: there is no such file or folder; name the text with {} PATH",
                                path_, flag));
  text_ = texts[path_];
  const auto& train = text_->train;
  const bool fits = std::any_of(train.begin(), train.end(), [length](const std::string& d) {
    return Size(d.size()) >= length;
  });
  if (!fits) refuse_short("train", length, train);
}

void ByteTask::refuse_short(const char* use, int length,
                            const std::vector<std::string>& documents) const {
  std::size_t most = 0;
  for (const std::string& d : documents) most = std::max(most, d.size());
  throw UsageError(
      fmt::format("{}: {} has {} contiguous bytes to {} on, too few for a length of {}; give a "
                  "longer text or a shorter length",
                  name(), path_, most, use, length));
}

double ByteTask::chance_accuracy(int) const {
  const Counts seen = count_bytes(text_->train), asked = count_bytes(text_->test);
  const auto best = std::max_element(seen.begin(), seen.end()) - seen.begin();
  return double(asked[best]) / double(total(asked));
}

double ByteTask::unigram_loss() const {
  const Counts seen = count_bytes(text_->train), asked = count_bytes(text_->test);
  double loss = 0;
  // Add-one smoothing, so that a byte that training lacks has a finite loss.
  for (int c = 0; c < 256; ++c)
    loss -= double(asked[c]) * std::log((double(seen[c]) + 1) / (double(total(seen)) + 256));
  return loss / double(total(asked));
}

Batch ByteTask::batch(const std::vector<ByteWindow>& windows) {
  Batch batch{.size = int(windows.size()), .extent = windows[0].length};
  for (const ByteWindow& w : windows) {
    batch.lengths.push_back(w.length);
    for (int t = 0; t < w.length; ++t) {
      batch.tokens.push_back(t ? w.byte(t - 1) : bos);
      batch.targets.push_back(t >= w.length - w.scored ? w.byte(t) : -1);
    }
  }
  return batch;
}

Batch ByteTask::train(std::uint64_t seed, int step, int size) const {
  const int length = trained_;
  const Slots starts(text_->train,
                     [length](Size bytes) { return std::max(bytes - length + 1, Size(0)); });
  const Random random(seed, "data.train", std::uint32_t(step));
  const Random tiles(seed, "data.tile", std::uint32_t(step));
  std::vector<ByteWindow> windows;
  for (int b = 0; b < size; ++b) {
    const auto at = starts[Size(random.below(std::uint64_t(starts.total()), std::uint64_t(b)))];
    windows.push_back({at.document, at.inside, length, length, training_tile(tiles, b)});
  }
  return batch(windows);
}

void ByteTask::check(const EvalSpec& spec) const {
  require_single_length(name(), spec);
  const int longest = std::max(spec.longest, spec.length);
  const bool ends = spec.protocol == Protocol::fixed_targets;
  if (ends && spec.scored > spec.length)
    throw UsageError(
        fmt::format("{0}: a length of {1} can't hold the {2} targets that are compared; test "
                    "lengths of {2} or more",
                    name(), spec.length, spec.scored));
  if (!tile(spec)) return;
  if (!ends)
    throw UsageError(name() +
                     ": repeated text is evaluated with the protocol fixed-targets only; " +
                     "remove --eval-protocol, or set --" + name() + ".tile 0 for plain text");
  if (longest < tile(spec) + spec.scored)
    throw UsageError(
        fmt::format("{0}: no length reaches the second copy of {1} bytes; test up to {2} or more, "
                    "or set --{0}.tile",
                    name(), tile(spec), tile(spec) + spec.scored));
}

// With fixed targets on plain text, slots are blocks of `scored` bytes in the second half of each
// document, counted from its end. So the same bytes are scored whatever lengths are compared,
// except blocks with too little text before them for the longest length, and shorter documents.
// Else slots are stretches, the same at every length, of the longest length or of one tile.
ByteTask::Layout ByteTask::layout(const EvalSpec& spec) const {
  check(spec);
  const int longest = std::max(spec.longest, spec.length), scored = spec.scored;
  const bool ends = spec.protocol == Protocol::fixed_targets, tiled = tile(spec) > 0;
  const int stretch = tiled ? tile(spec) : longest;
  const auto& documents = spec.split == Split::test ? text_->test : text_->validation;
  Slots rooms(documents, [=](Size bytes) {
    if (bytes < stretch) return Size(0);
    return ends && !tiled ? (bytes - std::max(bytes / 2, Size(scored))) / scored + 1
                          : bytes / stretch;
  });
  if (!rooms.total())
    refuse_short(spec.split == Split::test ? "test" : "validate", stretch, documents);
  const Size wanted = spec.count ? spec.count : ends ? default_windows : default_stretches;
  const Size count = std::min(wanted, rooms.total());
  std::vector<Size> chosen;  // spread evenly over the text
  for (Size i = 0; i < count; ++i) {
    const Size number = i * rooms.total() / count;
    const auto at = rooms[number];
    if (tiled || !ends || block_end(at, scored) >= longest) chosen.push_back(number);
  }
  const int stride = spec.protocol == Protocol::sliding ? spec.stride : spec.length;
  assert(stride > 0);
  const Size each = ends ? 1 : 1 + (longest - spec.length) / stride;
  return {std::move(rooms), std::move(chosen), each, longest, stride};
}

ByteWindow ByteTask::window(const EvalSpec& spec, const Layout& l, Size number) const {
  const Size inside = number % l.each;
  const auto at = l.rooms[l.chosen[std::size_t(number / l.each)]];
  const int length = spec.length;
  if (const int c = tile(spec))
    return {at.document, at.inside * c, length, spec.scored, c, (l.longest - length) % c};
  if (spec.protocol == Protocol::fixed_targets) {
    return {at.document, block_end(at, spec.scored) - length, length, spec.scored};
  }
  // No window precedes the first one of a stretch, so it scores all of its targets.
  const int scored = inside ? std::min(l.stride, length) : length;
  return {at.document, at.inside * l.longest + inside * l.stride, length, scored};
}

int ByteTask::sequences(const EvalSpec& spec) const {
  const Layout l = layout(spec);
  return int(Size(l.chosen.size()) * l.each);
}

Batch ByteTask::test(const EvalSpec& spec, int first, int size) const {
  const Layout l = layout(spec);
  assert(first >= 0 && size > 0 && first + size <= Size(l.chosen.size()) * l.each);
  const Random tiles(0, "data.tile.validation");
  std::vector<ByteWindow> windows;
  for (int i = first; i < first + size; ++i) {
    windows.push_back(window(spec, l, i));
    if (spec.split == Split::validation) windows.back().tile = training_tile(tiles, i);
  }
  return batch(windows);
}

std::string spelled_byte(int byte) {
  if (byte == '\n') return "\\n";
  if (byte >= ' ' && byte <= '~') return std::string(1, char(byte));
  return fmt::format("\\x{:02x}", byte);
}

std::string ByteTask::spelled(int token) const {
  return token == bos ? "<bos>" : spelled_byte(token);
}

}  // namespace yonder
