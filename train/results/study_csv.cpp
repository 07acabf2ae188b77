#include <fmt/core.h>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <tuple>
#include <type_traits>
#include <utility>

#include "core/error.h"
#include "core/renamed.h"
#include "train/config/keys.h"
#include "train/results/study.h"

namespace yonder {
namespace {

// A line of a CSV: its number and its fields.
struct CsvLine {
  int number = 1;
  std::vector<std::string> fields{""};
};

// A quoted field may contain commas, newlines, and a quotation mark as two.
std::vector<CsvLine> csv_lines(const std::string& csv, const std::string& path) {
  std::vector<CsvLine> lines;
  CsvLine line;
  bool in_quotes = false, closed = false;
  int number = 1;
  const auto end = [&] {
    CsvLine done = std::exchange(line, {number, {""}});
    if (done.fields.size() > 1 || !done.fields[0].empty()) lines.push_back(std::move(done));
  };
  for (const char c : csv) {
    number += c == '\n';
    if (c == '"') {
      if (closed) line.fields.back() += c;
      closed = in_quotes, in_quotes = !in_quotes;
      continue;
    }
    closed = false;
    if (c == ',' && !in_quotes) line.fields.emplace_back();
    else if (c == '\n' && !in_quotes) end();
    else if (c != '\r' || in_quotes) line.fields.back() += c;
  }
  if (in_quotes)
    throw FileError(fmt::format("{}, line {}, column {}: a quotation mark is never closed", path,
                                line.number, line.fields.size()));
  end();
  return lines;
}

// A line with access to its fields by column name.
struct CsvCells {
  const std::string& path;
  const std::map<std::string, std::size_t>& columns;
  const CsvLine& line;

  [[noreturn]] void refuse(const std::string& column, const std::string& why) const {
    throw FileError(fmt::format("{}, line {}, column {}: {}", path, line.number, column, why));
  }
  // "" if the column is missing, as in files of earlier versions.
  std::string text(const std::string& column) const {
    const auto at = columns.find(column);
    return at == columns.end() ? "" : line.fields[at->second];
  }
  // The field as a number; it must not be empty.
  template <class Number>
  Number parsed(const std::string& column) const {
    const std::string field = text(column);
    Number x = 0;
    const char* const end = field.data() + field.size();
    const auto [stop, error] = std::from_chars(field.data(), end, x);
    if (error != std::errc() || stop != end || std::isnan(double(x)))
      refuse(column, fmt::format("'{}' is not a {}", field,
                                 std::is_integral_v<Number> ? "whole number" : "number"));
    return x;
  }
  // A number from 0 to `most`; NaN if the field is empty.
  double number(const std::string& column, double most = HUGE_VAL) const {
    const double x = text(column).empty() ? unknown : parsed<double>(column);
    if (x < 0 || x > most) refuse(column, text(column) + " is outside of what it can be");
    return x;
  }
  // A sum of shares may round above 1.
  double share(const std::string& column) const { return number(column, 1 + 1e-9); }
  // 0 if the field is empty and 0 is allowed.
  template <class Whole = int>
  Whole whole(const std::string& column, Whole least = 0) const {
    const Whole n = text(column).empty() && least == 0 ? 0 : parsed<Whole>(column);
    if (n < least) refuse(column, fmt::format("{} is below {}", text(column), least));
    return n;
  }
};

Row csv_row(const CsvCells& cells) try {
  const std::string encoding = cells.text("encoding"), overrides = cells.text("overrides");
  if (encoding.empty()) throw UsageError("there is no encoding");
  Row row = parse_row(encoding + (overrides.empty() ? "" : ":" + overrides));
  row.label();  // throws if unknown
  return row;
} catch (const UsageError& e) { cells.refuse("encoding", e.what()); }

Status csv_status(const CsvCells& cells) {
  const std::string said = cells.text("status");
  for (const Status status : every_status)
    if (said == name_of(status)) return status;
  if (!said.empty()) cells.refuse("status", "there is no status '" + said + "'");
  return cells.text("error").empty() ? Status::ok : Status::undefined;
}

EvalScore csv_score(const CsvCells& cells, const std::string& protocol) {
  return {.row = csv_row(cells),
          .protocol = protocol,
          .length = cells.whole("eval_length", 1),
          .tokens = cells.whole("eval_tokens"),
          .seed = cells.whole("seed"),
          .loss = cells.number("loss"),
          .token_accuracy = cells.share("token_accuracy"),
          .exact_match = cells.share("exact_match"),
          .examples = cells.whole("examples"),
          .targets = cells.whole<std::int64_t>("targets"),
          .loss_low = cells.number("loss_low"),
          .loss_high = cells.number("loss_high"),
          .step = cells.whole("step"),
          .status = csv_status(cells),
          .reason = cells.text("reason"),
          .problem = cells.text("error")};
}

// A panel while its lines are read, which must agree about it.
struct CsvPanel {
  Results results;
  std::map<int, double> chance;
  std::set<std::tuple<std::string, int, int, int>> seen;
};

bool given(int n) { return n > 0; }
bool given(double x) { return !std::isnan(x); }
bool given(const std::string& text) { return !text.empty(); }

// Keeps what a line says about its panel; earlier lines must agree.
template <class T>
void must_agree(T& kept, T said, const char* column, const CsvCells& cells) {
  if (!given(said)) return;
  if (!given(kept)) kept = said;
  if (kept != said) cells.refuse(column, "it differs from that of an earlier line of its panel");
}

CsvPanel& panel_at(std::vector<CsvPanel>& panels, const CsvCells& cells) try {
  Results r{.task = cells.text("task"),
            .test = cells.text("eval_options"),
            .protocol = cells.text("eval_protocol"),
            .variant = cells.text("config")};
  if (r.task.empty()) cells.refuse("task", "there is no task");
  r.text = r.protocol != "answer";
  if (r.text) r.protocol = text_of(protocol_named(r.protocol));
  for (CsvPanel& panel : panels)
    if (const Results& x = panel.results;
        x.task == r.task && x.test == r.test && x.protocol == r.protocol && x.variant == r.variant)
      return panel;
  return panels.emplace_back(CsvPanel{std::move(r), {}, {}});
} catch (const UsageError&) {
  cells.refuse("eval_protocol", "there is no protocol '" + cells.text("eval_protocol") + "'");
}

void add_line(CsvPanel& panel, const CsvCells& cells) {
  Results& r = panel.results;
  EvalScore s = csv_score(cells, r.protocol);
  must_agree(r.train_length, cells.whole("train_length", 1), "train_length", cells);
  must_agree(r.train_steps, cells.whole("train_steps"), "train_steps", cells);
  must_agree(r.settings, cells.text("settings"), "settings", cells);
  must_agree(r.unigram_loss, cells.number("unigram_loss"), "unigram_loss", cells);
  must_agree(r.bytes_per_token, cells.number("bytes_per_token"), "bytes_per_token", cells);
  must_agree(panel.chance.try_emplace(s.length, unknown).first->second, cells.share("chance"),
             "chance", cells);
  if (const int least = cells.whole("eval_length_min"); least > s.length)
    cells.refuse("eval_length_min", "it is above eval_length, " + std::to_string(s.length));
  else if (given(least) && least < s.length)
    must_agree(r.bins.try_emplace(s.length, 0).first->second, least, "eval_length_min", cells);
  if (!panel.seen.insert({s.row.encoding + ":" + s.row.extension_text(), s.length, s.seed, s.step})
           .second)
    cells.refuse("encoding", fmt::format("{} of seed {} at length {} occurs a second time",
                                         s.row.label(), s.seed, s.length));
  // Late checkpoints are those of the last tenth of training.
  const bool late = s.step > r.train_steps - std::max(1, r.train_steps / 10);
  auto& scores = s.step == 0 ? r.scores : late ? r.late_checkpoints : r.learning_curve;
  scores.push_back(std::move(s));
}

// The columns by name. Those that earlier versions lack are optional.
std::map<std::string, std::size_t> csv_columns(const std::vector<CsvLine>& lines,
                                               const std::string& path) {
  std::map<std::string, std::size_t> columns;
  if (!lines.empty())
    for (std::size_t i = 0; i < lines[0].fields.size(); ++i) columns.emplace(lines[0].fields[i], i);
  for (const char* needed :
       {"encoding", "overrides", "task", "eval_options", "config", "eval_protocol", "eval_length",
        "seed", "train_length", "loss", "token_accuracy", "exact_match"})
    if (!columns.count(needed))
      throw FileError(path + ", line 1: there is no column " + needed +
                      "; give a results.csv, as yonder sweep writes it");
  return columns;
}

Results finished(CsvPanel panel) {
  Results r = std::move(panel.results);
  r.count_scores();
  for (const int length : r.lengths) r.chance.push_back(panel.chance[length]);
  if (std::ranges::none_of(r.chance, [](double x) { return given(x); })) r.chance.clear();
  require_possible(r);
  return r;
}

}  // namespace

Study study_from_csv(const std::string& csv, const std::string& path) try {
  const WithoutNotes silent;
  const std::vector<CsvLine> lines = csv_lines(csv, path);
  const auto columns = csv_columns(lines, path);
  std::vector<CsvPanel> panels;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const CsvCells cells{path, columns, lines[i]};
    const std::size_t fields = lines[i].fields.size(), heads = lines[0].fields.size();
    if (fields != heads)
      cells.refuse(lines[0].fields[std::min(fields, heads) - 1],
                   fmt::format("the line has {} fields, and line 1 names {}", fields, heads));
    add_line(panel_at(panels, cells), cells);
  }
  Study study{.name = std::filesystem::path(path).stem().string()};
  for (CsvPanel& panel : panels) study.panels.push_back(finished(std::move(panel)));
  require_whole(study);
  return study;
} catch (const UsageError& e) {
  throw FileError(path + ": these are not whole results: " + e.what());
}

}  // namespace yonder
