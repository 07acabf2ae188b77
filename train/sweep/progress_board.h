#pragma once
#include <array>
#include <chrono>
#include <cmath>
#include <string>
#include <vector>

#include "train/results/study.h"
#include "train/system/progress.h"
#include "train/training/session.h"

namespace yonder {

/// What the whole sweep shows while it runs: cells done, running, failed, and the time left.
class ProgressBoard {
 public:
  /// `names` of the cells that are to run, of `all` that the sweep has.
  ProgressBoard(std::vector<std::string> names, int all, Progress&);

  /// What a cell says of itself: the part of its work that is done and, while it trains, its last
  /// step.
  static std::string said(double part, const Metrics* = nullptr);

  void started(int cell);
  void on_progress(int cell, const std::string& said);
  void done(int cell, const CellResult&);
  void failed(int cell, const std::string& reason);
  /// Redraws the line.
  void show();

  /// "cells: 5 of 24 done, 1 failed, 2 min 10 s left, 31.2k tokens/s; rope-text-s1 62 %
  /// (loss 1.71), alibi-text-s1 31 % (loss 1.83)"; of many cells at once only some are named. What
  /// a narrow terminal cuts stands last.
  std::string line() const;

 private:
  enum class State { waiting, running, done, failed };
  struct Cell {
    std::string name;
    State state = State::waiting;
    double part = 0, loss = NAN, tokens_per_second = NAN;
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
  double tokens_per_second() const;  // of the cells that train
  std::string numbered(int cell) const;
};

}  // namespace yonder
