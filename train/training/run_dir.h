#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "core/io/files.h"
#include "train/training/event_file.h"
#include "train/training/session.h"

/// \file
/// A run's folder: config.toml, environment.json, metrics.jsonl, checkpoints/ (checkpoint_dir.h),
/// and with train.tensorboard event files (event_file.h).
namespace yonder {

/// A run's folder while it trains.
class RunFolder {
 public:
  /// Locks the folder if it exists and writes nothing else yet. Throws UsageError if it holds a
  /// sweep, or a run and `Existing` is refuse, or if another process is working in it.
  RunFolder(std::string path, Existing);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  /// Removes the old run, if any, and writes the configuration and environment of the new one.
  /// Files that do not belong to a run stay.
  void begin(const Trained&, ranks::Communicator = {});
  /// Adds a line to metrics.jsonl. Lines are written every second, and by flush().
  void record(const Metrics&);
  /// Writes the pending lines.
  void flush();
  /// From now on also writes every record to a new file for TensorBoard.
  void write_events() { events_.emplace(path_); }
  /// Writes the pending lines and waits until they are on disk.
  void sync();
  /// Truncates metrics.jsonl after `step`, from which training continues.
  void continue_at(int step);

  /// `path` itself, or its last checkpoint if it is a folder. Throws FileError if it has none.
  static std::string checkpoint_in(const std::string& path);

 private:
  std::string path_, lines_;
  Existing existing_;
  std::unique_ptr<FolderLock> lock_;
  std::optional<EventFile> events_;

  void require_free() const;
  std::chrono::steady_clock::time_point flushed_{};
};

}  // namespace yonder
