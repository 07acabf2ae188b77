#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/io/files.h"
#include "core/io/json.h"
#include "core/io/npy.h"
#include "datasets/base/bytes.h"
#include "datasets/base/token_stream.h"

namespace yonder {
namespace {

using nlohmann::json;

constexpr int bytes_of_alphabet = 256;

/// A sequence of a file, and where it came from.
struct Line {
  Example example;
  int items = 0;
  std::string prompt;  ///< what no two parts may share
  std::string where;   ///< "data.jsonl:12"
};
using Lines = std::vector<Line>;

/// Reads JSONL, one sequence per line. Texts are bytes; ids are below the vocabulary.
class JsonLines {
 public:
  explicit JsonLines(int vocabulary) : vocabulary_(vocabulary) {}

  Lines read(const std::string& path) {
    const std::string content = read_file(path);
    Lines lines;
    int number = 0;
    for (std::size_t begin = 0; begin < content.size();) {
      const std::size_t end = std::min(content.find('\n', begin), content.size());
      const std::string text = content.substr(begin, end - begin);
      begin = end + 1, ++number;
      if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
      where_ = fmt::format("{}:{}", path, number);
      lines.push_back(line(parse_json(text, where_)));
    }
    return lines;
  }

  bool texts() const { return texts_; }
  int largest() const { return largest_; }

 private:
  int vocabulary_;  ///< 0: as many as the largest id needs
  int largest_ = -1;
  bool texts_ = false, ids_ = false;
  std::string where_;

  [[noreturn]] void refuse(const std::string& field, const std::string& why) const {
    throw FileError(where_ + ": " + (field.empty() ? "" : "\"" + field + "\" ") + why);
  }

  Line line(const json& said) {
    if (!said.is_object()) refuse("", "is not an object like {\"prompt\": …, \"answer\": …}");
    for (const auto& [key, value] : said.items())
      if (key != "prompt" && key != "answer" && key != "told" && key != "length")
        refuse(key, "is not a key; a line has prompt, answer, and may have told and length");
    const std::vector<int> prompt = tokens(said, "prompt"), answer = tokens(said, "answer");
    if (answer.empty()) refuse("answer", "is empty; it takes one token or more");
    const std::vector<int> told = evidence_at(said, answer.size(), prompt.size());
    Line l{.items = length(said, int(prompt.size())), .where = where_};
    Example& e = l.example;
    e.add_input(GeneratedTask::bos);
    for (int t : prompt) e.add_input(GeneratedTask::first_symbol + t);
    e.add_input(GeneratedTask::sep);
    for (std::size_t i = 0; i < answer.size(); ++i)
      e.add_target(GeneratedTask::first_symbol + answer[i], told[i] < 0 ? -1 : 1 + told[i]);
    e.add_target(GeneratedTask::eos);
    for (int t : prompt) l.prompt += std::to_string(t) + " ";
    return l;
  }

  std::vector<int> tokens(const json& said, const char* field) {
    const auto found = said.find(field);
    if (found == said.end()) refuse(field, "is missing");
    std::vector<int> all;
    if (found->is_string()) {
      texts_ = true;
      for (unsigned char c : found->get_ref<const std::string&>()) all.push_back(c);
    } else if (found->is_array()) {
      ids_ = true;
      for (const json& id : *found) all.push_back(id_of(id, field));
    } else {
      refuse(field, "is neither a text nor a list of ids");
    }
    if (texts_ && ids_) refuse(field, "mixes texts with ids; write all lines of a file alike");
    return all;
  }

  int id_of(const json& id, const char* field) {
    const int limit = vocabulary_ ? vocabulary_ : 1 << 20;
    if (!id.is_number_integer() || id.get<std::int64_t>() < 0 || id.get<std::int64_t>() >= limit)
      refuse(field, fmt::format("has the id {}, which is not in 0..{}; see --file.vocabulary",
                                id.dump(), limit - 1));
    largest_ = std::max(largest_, id.get<int>());
    return id.get<int>();
  }

  // Per token of the answer, the index in the prompt of the token that determines it; −1: none.
  std::vector<int> evidence_at(const json& said, std::size_t answers, std::size_t prompt) const {
    std::vector<int> told(answers, -1);
    const auto found = said.find("told");
    if (found == said.end()) return told;
    if (!found->is_array() || found->size() != answers)
      refuse("told", fmt::format("is not a list with an index for each of the answer's {} tokens",
                                 answers));
    for (std::size_t i = 0; i < answers; ++i) {
      const json& x = (*found)[i];
      if (!x.is_number_integer() || x.get<std::int64_t>() < -1 ||
          x.get<std::int64_t>() >= std::int64_t(prompt))
        refuse("told", "has " + x.dump() + ", which is neither -1 nor an index of the prompt's " +
                           std::to_string(prompt) + " tokens");
      told[i] = x.get<int>();
    }
    return told;
  }

  int length(const json& said, int otherwise) const {
    const auto found = said.find("length");
    if (found == said.end()) return std::max(1, otherwise);
    if (!found->is_number_integer() || found->get<std::int64_t>() < 1 ||
        found->get<std::int64_t>() > 1 << 24)
      refuse("length", "is not a number of items from 1 to 16777216");
    return found->get<int>();
  }
};

/// Reads an array [rows, T] of ids, right-padded with −1. Next to P.npy, a P.targets.npy of the
/// same shape holds the target at each position, −1 for none; without it every token is a target.
Lines read_array(const std::string& path, int vocabulary, int& largest) {
  const IntArray ids = read_npy_ints(path);
  const std::string stem = path.substr(0, path.size() - 4), beside = stem + ".targets.npy";
  const auto refuse = [&path](std::size_t row, const std::string& why) {
    throw FileError(fmt::format("{}: row {} {}", path, row, why));
  };
  if (ids.shape.size() != 2) throw FileError(path + ": its shape is not [rows, tokens]");
  IntArray targets;
  const bool given = std::filesystem::exists(beside);
  if (given) targets = read_npy_ints(beside);
  if (given && targets.shape != ids.shape)
    throw FileError(beside + ": its shape is not that of " + path);
  const auto rows = std::size_t(ids.shape[0]), T = std::size_t(ids.shape[1]);
  const int limit = vocabulary ? vocabulary : 1 << 20;
  Lines lines;
  for (std::size_t r = 0; r < rows; ++r) {
    Line l{.where = fmt::format("{}: row {}", path, r)};
    l.example.add_input(GeneratedTask::bos);
    bool asked = false;
    for (std::size_t t = 0; t < T; ++t) {
      const int id = ids.values[r * T + t];
      if (id == -1) {
        for (; t < T; ++t)
          if (ids.values[r * T + t] != -1) refuse(r, "has -1 inside, not at its right end only");
        break;
      }
      if (id < 0 || id >= limit)
        refuse(r, fmt::format("has the id {}, which is not in 0..{}; see --file.vocabulary", id,
                              limit - 1));
      const int target = given ? targets.values[r * T + t] : -1;
      if (target < -1 || target >= limit) refuse(r, "has a target that is not an id");
      largest = std::max({largest, id, target});
      const int token = GeneratedTask::first_symbol + id;
      if (!given) l.example.add_target(token);
      else if (target < 0) l.example.add_input(token);
      else l.example.label(token, GeneratedTask::first_symbol + target);
      asked = asked || !given || target >= 0;
      l.prompt += std::to_string(id) + " ", ++l.items;
    }
    if (!asked) refuse(r, "asks nothing");
    if (given) l.example.end(GeneratedTask::eos);
    lines.push_back(std::move(l));
  }
  return lines;
}

/// Sequences of your own. A line of JSONL is {"prompt": "…", "answer": "…"} in bytes, or two lists
/// of ids; optional are "told", the index in the prompt of the token that determines each token of
/// the answer (−1: none), and "length", its items (default: the number of prompt tokens).
///   BOS prompt SEP answer EOS;  answer and EOS are scored
/// Or an array of ids (read_array), or a TokenStream. Without files of their own, test and
/// validation get one in twenty prompts each, by a checksum of the prompt, so that adding lines
/// moves none. Training has at most N items, evaluation at L at most L and, if L > N, more than N.
class File final : public GeneratedTask {
 public:
  Options options() override {
    return {
        Option{"path", &path_,
               "a .jsonl or .npy file to train on, or nanoGPT's .bin, or a folder of train.bin and "
               "val.bin"},
        Option{"test", &test_, "a file to test on; empty: one of twenty prompts of path"},
        Option{"validation", &validation_,
               "a file to validate on; empty: one of twenty prompts of path"},
        Option{"vocabulary", &vocabulary_, "number of different ids; 0: one more than the largest"}
            .within(0, 1 << 20)};
  }

  void prepare(int length, const Corpora& texts) override {
    GeneratedTask::prepare(length, texts);
    if (path_.empty())
      throw UsageError(
          "file: no file is given; name a .jsonl, .npy or .bin file with --file.path PATH");
    largest_ = -1, texts_ = false, labels_ = false, sums_.clear(), stream_.reset();
    if (TokenStream::is_one(path_)) return prepare_stream(length);
    split(read(path_));
    if (!test_.empty()) parts_[tested] = read(test_);
    if (!validation_.empty()) parts_[validated] = read(validation_);
    refuse_shared();
    if (choose(parts_[trained], length).empty())
      throw UsageError("file: " + path_ + " has no sequence of at most " + std::to_string(length) +
                       " items to train on; give a greater training length");
    ids_ = texts_ ? bytes_of_alphabet : vocabulary_ ? vocabulary_ : largest_ + 1;
  }

  std::string checksum() const override { return yonder::checksum(sums_); }
  bool reads_files() const override { return true; }
  bool labels() const override { return labels_; }
  double bytes_per_token() const override {
    return stream_ ? stream_->bytes_per_token() : GeneratedTask::bytes_per_token();
  }
  int vocabulary() const override { return first_symbol + ids_; }

  int tokens(int length) const override {
    if (stream_) return length;
    std::size_t most = 1;
    for (const Lines& lines : parts_)
      for (const Line& l : lines)
        if (l.items <= length) most = std::max(most, l.example.tokens.size() - 1);
    return int(most);
  }

  /// Accuracy of the most frequent target at each position of the test sequences.
  double chance_accuracy(int length) const override {
    if (stream_) return stream_->chance_accuracy();
    const Batch all = collate(examples(chosen(tested, length)));
    double right = 0, asked = 0;
    for (int t = 0; t < all.extent; ++t) {
      std::map<int, int> times;
      for (int b = 0; b < all.size; ++b)
        if (const int y = all.targets[std::size_t(b) * all.extent + t]; y >= 0) ++times[y], ++asked;
      int most = 0;
      for (const auto& [token, n] : times) most = std::max(most, n);
      right += most;
    }
    return right / asked;
  }

  /// Never called: sequences are read, not generated.
  Example example(int, RandomStream&) const override { return {}; }

  Batch train(std::uint64_t seed, int step, int size) const override {
    if (stream_) return stream_->train(seed, step, size, trained_);
    const std::vector<const Line*> lines = choose(parts_[trained], trained_);
    RandomStream draws(Random(seed, "data.train", std::uint32_t(step)));
    std::vector<const Line*> drawn;
    for (int b = 0; b < size; ++b)
      drawn.push_back(lines[std::size_t(draws.below(int(lines.size())))]);
    return collate(examples(drawn));
  }

  int sequences(const EvalSpec& spec) const override {
    require_single_length("file", spec);
    if (stream_) return stream_->sequences(spec);
    const int all = int(chosen(part_of(spec), spec.length).size());
    return spec.count ? std::min(spec.count, all) : all;
  }
  Batch test(const EvalSpec& spec, int first, int size) const override {
    if (stream_) return stream_->test(spec, first, size);
    const auto lines = chosen(part_of(spec), spec.length);
    return collate(examples({lines.begin() + first, lines.begin() + first + size}));
  }

 private:
  enum { trained, validated, tested };
  std::string path_, test_, validation_;
  int vocabulary_ = 0, ids_ = 0, largest_ = -1;
  bool texts_ = false, labels_ = false;
  Lines parts_[3];
  std::string sums_;                   ///< of the files
  std::optional<TokenStream> stream_;  ///< instead of lines

  void prepare_stream(int length) {
    if (!test_.empty() || !validation_.empty())
      throw UsageError(
          "file: a .bin has its parts in it; put train.bin, val.bin and test.bin into "
          "a folder and name that, without --file.test and --file.validation");
    stream_.emplace(path_, vocabulary_);
    stream_->require(length);
    ids_ = stream_->vocabulary(), sums_ = stream_->checksum();
  }

  static int part_of(const EvalSpec& spec) {
    return spec.split == Split::test ? tested : validated;
  }

  Lines read(const std::string& path) {
    sums_ += yonder::checksum(read_file(path));
    Lines lines;
    if (path.ends_with(".npy")) {
      lines = read_array(path, vocabulary_, largest_);
    } else if (path.ends_with(".jsonl")) {
      JsonLines reader(vocabulary_);
      lines = reader.read(path);
      texts_ = texts_ || reader.texts(), largest_ = std::max(largest_, reader.largest());
    } else {
      throw UsageError("file: " + path + " is neither .jsonl, .npy nor .bin; rename or convert it");
    }
    if (lines.empty()) throw FileError(path + ": it has no sequence");
    for (const Line& l : lines)
      for (const int target : l.example.target) labels_ = labels_ || target >= 0;
    return lines;
  }

  void split(Lines lines) {
    for (Lines& part : parts_) part.clear();
    for (Line& l : lines) {
      // The last three hexadecimal digits of the prompt's checksum, 0..4095.
      const std::string sum = yonder::checksum(l.prompt);
      const auto share = std::stoul(sum.substr(sum.size() - 3), nullptr, 16) * 20 / 4096;
      const bool test = share == 0 && test_.empty(), validation = share == 1 && validation_.empty();
      parts_[test ? tested : validation ? validated : trained].push_back(std::move(l));
    }
  }

  void refuse_shared() const {
    std::map<std::string, std::pair<int, const Line*>> seen;
    for (int part : {trained, validated, tested})
      for (const Line& l : parts_[part]) {
        const auto at = seen.try_emplace(l.prompt, part, &l).first->second;
        if (at.first != part)
          throw FileError(l.where + ": the same prompt is in another part, " + at.second->where +
                          "; remove one of them");
      }
  }

  static std::vector<const Line*> choose(const Lines& lines, int most, int least = 1) {
    std::vector<const Line*> all;
    for (const Line& l : lines)
      if (l.items >= least && l.items <= most) all.push_back(&l);
    return all;
  }

  std::vector<const Line*> chosen(int part, int length) const {
    const auto lines = choose(parts_[part], length, length > trained_ ? trained_ + 1 : 1);
    if (lines.empty())
      throw UsageError(fmt::format(
          "file: there is no sequence to {} on with {}{} items; add some, or choose another length",
          part == tested ? "test" : "validate",
          length > trained_ ? std::to_string(trained_ + 1) + " to " : "at most ", length));
    return lines;
  }

  static std::vector<Example> examples(const std::vector<const Line*>& lines) {
    std::vector<Example> all;
    for (const Line* l : lines) all.push_back(l->example);
    return all;
  }

  std::string symbol(int token) const override {
    const int id = token - first_symbol;
    return texts_ ? spelled_byte(id) : std::to_string(id);
  }
};

const RegisterTask<File> file_entry{
    {.name = "file",
     .title = "Your own sequences, from JSONL, an array or a token stream",
     .form = "a prompt of n tokens, then its answer; from an array, n ids, each predicted from "
             "those before it, or as its targets file says; from a stream, n tokens, each "
             "predicted from those before it",
     .paper = "your own"}};

}  // namespace
}  // namespace yonder
