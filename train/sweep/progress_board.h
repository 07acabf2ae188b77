#pragma once
#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "train/results/study.h"
#include "train/system/progress.h"

namespace yonder {

/// What the whole sweep shows while it runs: cells done, running, failed, and the time left.
class ProgressBoard {
 public:
  /// `names` of the cells that are to run, of `all` that the sweep has.
  ProgressBoard(std::vector<std::string> names, int all, Progress&);

  /// What a cell says of itself: the part of its work that is behind it.
  static std::string behind(double part);

  void started(int cell);
  void on_progress(int cell, const std::string& said);
  void done(int cell, const CellResult&);
  void failed(int cell, const std::string& reason);
  /// Redraws the line.
  void show();

  /// "cells: 5 of 24 done, 1 failed; rope-text-s1 62 %, alibi-text-s1 31 %; 2 min 10 s left"; of
  /// many cells at once only some are named.
  std::string line() const;

 private:
  enum class State { waiting, running, done, failed };
  struct Cell {
    std::string name;
    State state = State::waiting;
    double part = 0;
    std::chrono::steady_clock::time_point start{};
  };

  std::vector<Cell> cells_;
  int all_;
  std::size_t widest_ = 0;      // of the names
  std::array<int, 4> count_{};  // of the cells in each state
  Progress& progress_;
  std::chrono::steady_clock::time_point start_;

  int count(State s) const { return count_[std::size_t(s)]; }
  void enter(int cell, State);
  double seconds_left() const;
  std::string numbered(int cell) const;
};

}  // namespace yonder
