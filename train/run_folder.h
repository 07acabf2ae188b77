#pragma once
#include <chrono>
#include <string>

#include "train/run.h"

/// \file
/// A run's folder: config.json, environment.json, metrics.jsonl, checkpoints/step-{n}.safetensors.
namespace yonder {

class RunFolder {
 public:
  /// Writes nothing yet. UsageError if there is a run already and it is not to be replaced.
  RunFolder(std::string path, Existing);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  /// Removes the old run, if any, and writes what the new one is: all that is needed to run it
  /// again, and what it runs on. Files that are not of a run stay.
  void begin(const Trained&);
  /// A line of metrics.jsonl. Lines are written every second, and with flush().
  void record(const Metrics&);
  void flush();
  /// Path of the checkpoint of a step.
  std::string checkpoint(int step) const;

  /// `path` itself, or the last checkpoint if it is a folder; FileError if there is none in it.
  static std::string checkpoint_in(const std::string& path);

 private:
  std::string path_, lines_;
  std::chrono::steady_clock::time_point flushed_{};
};

}  // namespace yonder
