#include "train/results/study.h"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>

namespace yonder {
namespace {

std::string digits(double x) { return std::isnan(x) ? "" : text_of(Value(x)); }

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = "\"";
  for (char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + '"';
}

const char* const key_columns =
    "encoding,overrides,task,eval_options,config,eval_protocol,eval_length,eval_tokens,seed,"
    "train_length";

// The key of an EvalScore or an AttentionScore, each cell followed by a comma.
template <class Reached>
std::string key_cells(const Results& r, const Reached& one) {
  std::string csv;
  for (const std::string& text :
       {one.row.encoding, one.row.extension_text(), r.task, r.test, r.variant, r.protocol})
    csv += quoted(text) + ',';
  for (int n : {one.length, one.tokens, one.seed, r.train_length}) csv += std::to_string(n) + ',';
  return csv;
}

void add_lines(std::string& csv, const Results& r, const std::vector<EvalScore>& scores) {
  for (const EvalScore& s : scores) {
    csv += key_cells(r, s);
    csv += (s.step ? std::to_string(s.step) : "") + ',';
    const double bits = bits_per_byte(s.loss, r.bytes_per_token);
    for (double x : {s.loss, std::exp(s.loss), bits, s.token_accuracy, s.exact_match})
      csv += digits(x) + ',';
    csv += fmt::format("{},{},{},{},{},{}", s.examples, quoted(s.problem), name_of(s.status),
                       quoted(s.reason), shortest(s.length, r.bins), s.targets);
    for (double x :
         {s.loss_low, s.loss_high, r.chance_accuracy(s.length), r.unigram_loss, r.bytes_per_token})
      csv += ',' + digits(x);
    csv += ',' + (r.train_steps ? std::to_string(r.train_steps) : "") + ',' + r.settings + '\n';
  }
}

}  // namespace

std::string to_csv(const Study& study) {
  std::string csv = std::string(key_columns) +
                    ",step,loss,perplexity,bits_per_byte,token_accuracy,exact_match,examples,error,"
                    "status,reason,eval_length_min,targets,loss_low,loss_high,chance,unigram_loss,"
                    "bytes_per_token,train_steps,settings\n";
  for (const Results& r : study.panels) {
    add_lines(csv, r, r.scores);
    add_lines(csv, r, r.late_checkpoints);
    add_lines(csv, r, r.learning_curve);
  }
  return csv;
}

std::string attention_csv(const Study& study) {
  int longest = 0;
  for (const Results& r : study.panels)
    for (const AttentionScore& look : r.attention) longest = std::max(longest, look.tokens);
  if (longest == 0) return "";
  std::string csv = key_columns;
  for (const std::string& name : attention_columns(longest)) csv += ',' + name;
  for (const Results& r : study.panels)
    for (const AttentionScore& look : r.attention)
      for (const HeadStatistics& head : look.heads) {
        std::string line = "\n" + key_cells(r, look);
        for (const std::string& one : attention_cells(head, longest)) line += one + ',';
        line.pop_back();
        csv += line;
      }
  return csv + "\n";
}

std::string attention_map_csv(const Study& study) {
  int most = 0;
  for (const Results& r : study.panels)
    for (const AttentionScore& look : r.attention)
      for (const HeadStatistics& head : look.heads) most = std::max(most, head.blocks());
  std::string csv = std::string(key_columns) + ",layer,head,query";
  for (int key = 0; key < most; ++key) csv += ",k" + std::to_string(key);
  for (const Results& r : study.panels)
    for (const AttentionScore& look : r.attention)
      for (const HeadStatistics& head : look.heads)
        for (int query = 0, blocks = head.blocks(); query < blocks; ++query) {
          csv += fmt::format("\n{}{},{},{}", key_cells(r, look), head.layer, head.head, query);
          for (int key = 0; key < most; ++key)
            csv += ',' + (key < blocks ? digits(head.map[query * blocks + key]) : "");
        }
  return csv + "\n";
}

}  // namespace yonder
