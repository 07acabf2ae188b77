#pragma once
#include <string>
#include <vector>

namespace yonder {

/// Returns "--length is now --train-length" for each former name that was used, in order, once
/// each. Printed only after a command has succeeded, so that an error stays one sentence.
std::vector<std::string> renamed_notes();

/// While one is alive, former names of options are accepted without a note (core/options.h): files
/// that the program wrote itself need no change.
class WithoutNotes {
 public:
  WithoutNotes();
  ~WithoutNotes();
  WithoutNotes(const WithoutNotes&) = delete;
  WithoutNotes& operator=(const WithoutNotes&) = delete;
};

}  // namespace yonder
