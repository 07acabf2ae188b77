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

/// Progress display of a whole sweep: cells done, running and failed, and the time left.
class ProgressBoard {
 public:
  /// `names` are the cells that are still to run, out of `all` of the sweep.
  ProgressBoard(std::vector<std::string> names, int all, Progress&);

  /// The progress message of a cell: the fraction of its work that is done and, during training,
  /// its last step.
  static std::string said(double part, const Metrics* = nullptr);

  /// Marks a cell as running.
  void started(int cell);
  /// Reads the said() message of a cell.
  void on_progress(int cell, const std::string& said);
  /// Marks a cell as done and prints its scores.
  void done(int cell, const CellResult&);
  /// Marks a cell as failed and prints why.
  void failed(int cell, const std::string& reason);
  /// Redraws the line.
  void show();

  /// "runs: 5 of 24 done, 1 failed, 2 min 10 s left, 31.2k tokens/s; rope-text-s1 62 % (loss 1.71),
  /// alibi-text-s1 31 % (loss 1.83)"; if many cells run at once, only some are named. What a narrow
  /// terminal may cut comes last.
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
  std::array<int, 4> count_{};  // cells in each state
  Progress& progress_;
  std::chrono::steady_clock::time_point start_;

  int count(State s) const { return count_[std::size_t(s)]; }
  void enter(int cell, State);
  double seconds_left() const;
  double tokens_per_second() const;  // summed over training cells
  std::string numbered(int cell) const;
};

}  // namespace yonder
