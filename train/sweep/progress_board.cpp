#include "train/sweep/progress_board.h"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <sstream>

#include "train/results/format.h"
#include "train/system/stopwatch.h"

namespace yonder {
namespace {

constexpr int most_named = 8;  // cells in the line

// "64: 1.62  1024: 3.40" for the first row, at the shortest and the longest length.
std::string scores_of(const CellResult& cell) {
  if (cell.panels.empty() || cell.panels[0].scores.empty()) return "";
  const std::vector<EvalScore>& scores = cell.panels[0].scores;
  const EvalScore* last = &scores.front();
  for (const EvalScore& s : scores)
    if (s.row == scores.front().row) last = &s;
  const auto number = [](const EvalScore& s) {
    const Measure m = std::isnan(s.exact_match) ? Measure::loss : Measure::token_accuracy;
    return fmt::format("{}: {}", s.length, std::isnan(s.*m.value) ? "–" : shown(s.*m.value, m));
  };
  return number(scores.front()) + (last == &scores.front() ? "" : "  " + number(*last));
}

}  // namespace

ProgressBoard::ProgressBoard(std::vector<std::string> names, int all, Progress& progress)
    : all_(all), progress_(progress), start_(std::chrono::steady_clock::now()) {
  for (std::string& name : names) {
    widest_ = std::max(widest_, name.size());
    cells_.push_back({std::move(name)});
  }
  count_[std::size_t(State::waiting)] = int(cells_.size());
  if (const int finished = all - int(cells_.size()); finished > 0)
    progress.print_line(fmt::format("{} of {} runs are finished already", finished, all));
}

std::string ProgressBoard::said(double part, const Metrics* step) {
  return step ? fmt::format("{:f} {:f} {:f}", part, step->loss, step->tokens_per_second)
              : fmt::format("{:f}", part);
}

void ProgressBoard::enter(int cell, State state) {
  Cell& c = cells_[std::size_t(cell)];
  --count_[std::size_t(c.state)], ++count_[std::size_t(state)];
  c.state = state;
  if (state != State::running) c.part = 1;
}

void ProgressBoard::started(int cell) {
  enter(cell, State::running);
  cells_[std::size_t(cell)].start = std::chrono::steady_clock::now();
}

void ProgressBoard::on_progress(int cell, const std::string& text) {
  Cell& c = cells_[std::size_t(cell)];
  std::istringstream numbers(text);
  numbers >> c.part;
  if (!(numbers >> c.loss >> c.tokens_per_second)) c.loss = c.tokens_per_second = NAN;
}

void ProgressBoard::done(int cell, const CellResult& result) {
  enter(cell, State::done);
  const Cell& c = cells_[std::size_t(cell)];
  progress_.print_line(fmt::format("{}  {}  ({})", numbered(cell), scores_of(result),
                                   duration(seconds_since(c.start))));
}

void ProgressBoard::failed(int cell, const std::string& reason) {
  enter(cell, State::failed);
  progress_.print_line(numbered(cell) + "  failed: " + reason);
}

void ProgressBoard::show() {
  if (count(State::running) > 0) progress_.show(line());
}

std::string ProgressBoard::line() const {
  const int failed = count(State::failed);
  std::string text =
      fmt::format("runs: {} of {} done", all_ - int(cells_.size()) + count(State::done), all_);
  if (failed) text += fmt::format(", {} failed", failed);
  if (const double left = seconds_left(); std::isfinite(left))
    text += ", " + duration(left) + " left";
  if (const double speed = tokens_per_second(); speed > 0)
    text += ", " + rounded(speed) + " tokens/s";
  int named = 0;
  for (const Cell& c : cells_) {
    if (c.state != State::running || named == most_named) continue;
    text += fmt::format("{}{} {} %", named++ ? ", " : "; ", c.name, int(100 * c.part));
    if (!std::isnan(c.loss)) text += " (loss " + shown(c.loss, Measure::loss) + ")";
  }
  if (count(State::running) > named)
    text += fmt::format(" and {} more", count(State::running) - named);
  return text;
}

double ProgressBoard::tokens_per_second() const {
  double sum = 0;
  for (const Cell& c : cells_)
    if (c.state == State::running && !std::isnan(c.loss)) sum += c.tokens_per_second;
  return sum;
}

double ProgressBoard::seconds_left() const {
  double behind = 0;
  for (const Cell& c : cells_) behind += c.part;
  // The first steps of the first cells say nothing yet.
  if (behind < 0.1) return INFINITY;
  return seconds_since(start_) * (double(cells_.size()) - behind) / behind;
}

std::string ProgressBoard::numbered(int cell) const {
  const int ended = all_ - int(cells_.size()) + count(State::done) + count(State::failed);
  return fmt::format("[{}/{}] {:<{}}", ended, all_, cells_[std::size_t(cell)].name, widest_);
}

}  // namespace yonder
