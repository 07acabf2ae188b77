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
  /// Locks the folder, if there is one, and writes nothing yet. UsageError if there is a run
  /// already and it is not to be replaced, or another process is at work in it.
  RunFolder(std::string path, Existing);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  /// Removes the old run, if any, and writes what the new one is: all that is needed to run it
  /// again, and what it runs on. Files that are not of a run stay.
  void begin(const Trained&, ranks::Communicator = {});
  /// A line of metrics.jsonl. Lines are written every second, and with flush().
  void record(const Metrics&);
  /// Writes the lines that wait.
  void flush();
  /// Writes every record for TensorBoard too, in a file of its own.
  void write_events() { events_.emplace(path_); }
  /// Writes the lines and waits until they are on the disk.
  void sync();
  /// Cuts metrics.jsonl back to `step`, from which training continues.
  void continue_at(int step);

  /// `path` itself, or the last checkpoint if it is a folder; FileError if there is none in it.
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
