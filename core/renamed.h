#pragma once

namespace yonder {

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
