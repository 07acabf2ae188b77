// Tokenizers for github.com/huggingface/tokenizers (tokenizer.json). That of text is GPT-2's
// without merges: each byte is a token. That of a task has words, the names of its tokens.
#include <nlohmann/json.hpp>

#include "train/export/export.h"
#include "train/export/names.h"

namespace yonder {
namespace {

using Json = nlohmann::ordered_json;

std::string utf8(int code) {  // below U+0800
  if (code < 128) return std::string(1, char(code));
  return {char(0xc0 | code >> 6), char(0x80 | (code & 63))};
}

Json special(const std::string& content, int id) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

}  // namespace

// GPT-2's character for each byte: itself if it is printable, else the next from U+0100 on.
// github.com/openai/gpt-2, src/encoder.py, bytes_to_unicode
std::vector<std::string> token_names(const Exported& e) {
  if (!e.bytes()) return e.tokens;
  std::vector<std::string> names;
  int next = 256;
  for (int byte = 0; byte < 256; ++byte) {
    const bool seen = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    names.push_back(utf8(seen ? byte : next++));
  }
  names.emplace_back("<bos>");
  return names;
}

Json tokenizer_json(const Exported& e) {
  const std::vector<std::string> names = token_names(e);
  Json vocabulary = Json::object();
  for (std::size_t id = 0; id < names.size(); ++id) vocabulary[names[id]] = id;
  Json said{{"version", "1.0"},
            {"truncation", nullptr},
            {"padding", nullptr},
            {"added_tokens", Json::array()},
            {"normalizer", nullptr}};
  if (!e.bytes()) {
    for (int id = 0; id < 3; ++id)
      said["added_tokens"].push_back(special(names[std::size_t(id)], id));
    said["pre_tokenizer"] = {{"type", "WhitespaceSplit"}};
    said["post_processor"] = nullptr;
    said["decoder"] = nullptr;
    said["model"] = {{"type", "WordLevel"}, {"vocab", vocabulary}, {"unk_token", names[0]}};
    return said;
  }
  said["added_tokens"].push_back(special("<bos>", 256));
  const Json bytes{{"type", "ByteLevel"},
                   {"add_prefix_space", false},
                   {"trim_offsets", true},
                   {"use_regex", false}};
  const auto part = [](const char* kind, const char* id) {
    return Json{{kind, {{"id", id}, {"type_id", 0}}}};
  };
  said["pre_tokenizer"] = bytes;
  said["post_processor"] = {
      {"type", "TemplateProcessing"},
      {"single", {part("SpecialToken", "<bos>"), part("Sequence", "A")}},
      {"pair", {part("SpecialToken", "<bos>"), part("Sequence", "A"), part("Sequence", "B")}},
      {"special_tokens", {{"<bos>", {{"id", "<bos>"}, {"ids", {256}}, {"tokens", {"<bos>"}}}}}}};
  said["decoder"] = bytes;
  said["model"] = {{"type", "BPE"},
                   {"dropout", nullptr},
                   {"unk_token", nullptr},
                   {"continuing_subword_prefix", nullptr},
                   {"end_of_word_suffix", nullptr},
                   {"fuse_unk", false},
                   {"byte_fallback", false},
                   {"vocab", vocabulary},
                   {"merges", Json::array()}};
  return said;
}

Json tokenizer_config(const Exported& e) {
  Json said{{"tokenizer_class", "PreTrainedTokenizerFast"},
            {"bos_token", "<bos>"},
            {"clean_up_tokenization_spaces", false}};
  if (!e.bytes()) said.update({{"sep_token", "<sep>"}, {"eos_token", "<eos>"}});
  return said;
}

}  // namespace yonder
