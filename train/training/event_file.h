#pragma once
#include <string>
#include <utility>
#include <vector>

/// \file
/// What TensorBoard reads: files of records, each an Event of scalars.
/// github.com/tensorflow/tensorflow, core/lib/io/record_writer.cc and core/util/event.proto
namespace yonder {

/// Whether a file has the name of such a one.
inline bool is_event_file(const std::string& name) {
  return name.starts_with("events.out.tfevents.");
}

/// The record around some bytes: u64 length, its masked CRC-32C, the bytes, their masked CRC-32C.
std::string event_record(const std::string& data);
/// The Event that such a file begins with; `time` in seconds since 1970.
std::string version_event(double time);
using Scalars = std::vector<std::pair<std::string, double>>;       ///< by tag, as "train/loss"
std::string scalars_event(double time, int step, const Scalars&);  ///< the Event of these

/// A file events.out.tfevents.… of its own in a folder, which must be there.
class EventFile {
 public:
  explicit EventFile(const std::string& folder);  ///< writes nothing yet
  void add(int step, const Scalars&);             ///< to what flush() writes
  void flush();                                   ///< writes what was added

 private:
  std::string path_, records_;
};

}  // namespace yonder
