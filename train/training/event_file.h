#pragma once
#include <string>
#include <utility>
#include <vector>

/// \file
/// Event files of TensorBoard: records, each an Event of scalars.
/// github.com/tensorflow/tensorflow, core/lib/io/record_writer.cc and core/util/event.proto
namespace yonder {

/// Whether this is the name of an event file.
inline bool is_event_file(const std::string& name) {
  return name.starts_with("events.out.tfevents.");
}

/// Bytes as a record: u64 length, its masked CRC-32C, the bytes, their masked CRC-32C.
std::string event_record(const std::string& data);
/// The Event that a file begins with; `time` in seconds since 1970.
std::string version_event(double time);
using Scalars = std::vector<std::pair<std::string, double>>;       ///< by tag, as "train/loss"
std::string scalars_event(double time, int step, const Scalars&);  ///< their Event

/// A new file events.out.tfevents.… in an existing folder.
class EventFile {
 public:
  explicit EventFile(const std::string& folder);  ///< writes nothing yet
  void add(int step, const Scalars&);             ///< queued for flush()
  void flush();                                   ///< writes what is queued

 private:
  std::string path_, records_;
};

}  // namespace yonder
