#pragma once
#include <string>
#include <vector>

namespace yonder {

/// "--length is now --train-length" of each former name that was given, in order, once each. Said
/// when a command has succeeded, so that an error stays one sentence.
std::vector<std::string> renamed_notes();

/// While one lives, former names of options are taken without a word (core/options.h): nobody has
/// to change what the program has written itself.
class WithoutNotes {
 public:
  WithoutNotes();
  ~WithoutNotes();
  WithoutNotes(const WithoutNotes&) = delete;
  WithoutNotes& operator=(const WithoutNotes&) = delete;
};

}  // namespace yonder
