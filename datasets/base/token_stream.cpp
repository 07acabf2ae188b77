#include "datasets/base/token_stream.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/io/files.h"
#include "core/io/json.h"

namespace yonder {
namespace {

namespace fs = std::filesystem;

constexpr int windows_of_test = 500;

// Contents of the meta.json next to the stream; 0 for missing keys.
struct Meta {
  std::int64_t vocabulary = 0, bytes = 0;
};

Meta meta_in(const std::string& path) {
  Meta meta;
  if (!fs::exists(path)) return meta;
  const nlohmann::json said = parse_json(read_file(path), path);
  if (!said.is_object()) throw FileError(path + ": it is not an object like {\"vocabulary\": 65}");
  const auto whole = [&](const std::string& key, const nlohmann::json& value, std::int64_t most) {
    if (!value.is_number_integer() || value.get<std::int64_t>() < 1 ||
        value.get<std::int64_t>() > most)
      throw FileError(fmt::format("{}: \"{}\" is {}; it is a whole number from 1 to {}", path, key,
                                  value.dump(), most));
    return value.get<std::int64_t>();
  };
  for (const auto& [key, value] : said.items()) {
    if (key == "vocabulary") meta.vocabulary = whole(key, value, 1 << 16);
    else if (key == "bytes") meta.bytes = whole(key, value, std::int64_t(1) << 53);
    else
      throw FileError(fmt::format(
          "{}: \"{}\" is not a key; it may have \"vocabulary\" and \"bytes\"", path, key));
  }
  return meta;
}

/// A stretch of the stream: `end` is one past its last target.
struct Stretch {
  std::int64_t end;
  int length, scored;
};

Batch batch_of(const std::vector<std::uint16_t>& ids, const std::vector<Stretch>& stretches) {
  Batch batch{.size = int(stretches.size()), .extent = stretches[0].length};
  for (const Stretch& s : stretches) {
    batch.lengths.push_back(s.length);
    const auto token = [&](int t) {
      return GeneratedTask::first_symbol + int(ids[std::size_t(s.end - s.length + t)]);
    };
    for (int t = 0; t < s.length; ++t) {
      batch.tokens.push_back(t ? token(t - 1) : int(GeneratedTask::bos));
      batch.targets.push_back(t >= s.length - s.scored ? token(t) : -1);
    }
  }
  return batch;
}

}  // namespace

bool TokenStream::is_one(const std::string& path) {
  return path.ends_with(".bin") || fs::exists(path + "/train.bin");
}

TokenStream::TokenStream(const std::string& path, int vocabulary) : path_(path) {
  const bool folder = fs::is_directory(path);
  const std::string beside = folder ? path : fs::path(path).parent_path().string();
  train_ = read(folder ? path + "/train.bin" : path);
  if (folder) {
    validation_ = read(path + "/val.bin");
    if (fs::exists(path + "/test.bin")) test_ = read(path + "/test.bin");
  }
  const auto cut = [](Ids& from, Ids& to, std::size_t first) {
    to.assign(from.begin() + std::ptrdiff_t(first), from.end());
    from.resize(first);
  };
  const std::size_t all = train_.size();
  if (!folder)
    cut(train_, test_, all - all / 10), cut(train_, validation_, all - all / 10 - all / 20);
  else if (test_.empty()) cut(validation_, test_, validation_.size() / 2);

  const Meta meta = meta_in((beside.empty() ? "." : beside) + "/meta.json");
  vocabulary_ = vocabulary ? vocabulary : int(meta.vocabulary);
  const bool one_part = !folder && fs::exists((beside.empty() ? "." : beside) + "/train.bin");
  if (const std::size_t tokens = train_.size() + validation_.size() + test_.size();
      meta.bytes && tokens && !one_part)  // unknown for a part alone
    bytes_per_token_ = double(meta.bytes) / double(tokens);
  int largest = 0;
  std::vector<std::int64_t> times(1 << 16);
  for (const Ids* part : {&train_, &validation_, &test_})
    for (const std::uint16_t id : *part) {
      if (vocabulary_ && id >= vocabulary_)
        throw FileError(fmt::format(
            "{}: it has the id {}, which is not in 0..{}; see --file.vocabulary and meta.json",
            path, id, vocabulary_ - 1));
      times[id] += part == &train_;
      largest = std::max(largest, int(id));
    }
  if (!vocabulary_) vocabulary_ = largest + 1;
  const auto commonest = std::max_element(times.begin(), times.end()) - times.begin();
  chance_ = double(std::count(test_.begin(), test_.end(), commonest)) /
            double(std::max<std::size_t>(1, test_.size()));
}

TokenStream::Ids TokenStream::read(const std::string& path) {
  const std::string content = read_file(path);
  if (content.size() % 2)
    throw FileError(path + ": it has " + std::to_string(content.size()) +
                    " bytes, an odd number, and ids are uint16 of two each; write it again");
  checksum_ += yonder::checksum(content);
  Ids ids(content.size() / 2);
  std::memcpy(ids.data(), content.data(), content.size());
  return ids;
}

void TokenStream::require(int length) const {
  if (std::int64_t(train_.size()) < length)
    throw UsageError(
        fmt::format("file: {} has {} tokens to train on, too few for a length of {}; give a longer "
                    "stream or a shorter length",
                    path_, train_.size(), length));
}

Batch TokenStream::train(std::uint64_t seed, int step, int size, int length) const {
  const Random random(seed, "data.train", std::uint32_t(step));
  const std::uint64_t starts = train_.size() - std::uint64_t(length) + 1;
  std::vector<Stretch> stretches;
  for (int b = 0; b < size; ++b)
    stretches.push_back(
        {length + std::int64_t(random.below(starts, std::uint64_t(b))), length, length});
  return batch_of(train_, stretches);
}

// Ends of blocks of `scored` tokens in the second half of the part, counted from its end and spread
// evenly over it; omits blocks with too few tokens before them for the longest length.
std::vector<std::int64_t> TokenStream::ends(const EvalSpec& spec) const {
  if (spec.scored > spec.length)
    throw UsageError(
        fmt::format("file: a length of {0} can't hold the {1} targets that are compared; test "
                    "lengths of {1} or more",
                    spec.length, spec.scored));
  const std::int64_t n = std::int64_t(of(spec.split).size()), M = spec.scored;
  const std::int64_t longest = std::max(spec.longest, spec.length);
  const std::int64_t rooms = n < M ? 0 : (n - std::max(n / 2, M)) / M + 1;
  const std::int64_t count =
      std::min<std::int64_t>(spec.count ? spec.count : windows_of_test, rooms);
  std::vector<std::int64_t> all;
  for (std::int64_t i = 0; i < count; ++i)
    if (const std::int64_t end = n - i * rooms / count * M; end >= longest) all.push_back(end);
  if (all.empty())
    throw UsageError(
        fmt::format("file: {} has {} tokens to {} on, too few for a length of {}; give a longer "
                    "stream or a shorter length",
                    path_, n, spec.split == Split::test ? "test" : "validate", longest));
  return all;
}

int TokenStream::sequences(const EvalSpec& spec) const { return int(ends(spec).size()); }

Batch TokenStream::test(const EvalSpec& spec, int first, int size) const {
  const std::vector<std::int64_t> all = ends(spec);
  std::vector<Stretch> stretches;
  for (int i = first; i < first + size; ++i)
    stretches.push_back({all[std::size_t(i)], spec.length, spec.scored});
  return batch_of(of(spec.split), stretches);
}

}  // namespace yonder
