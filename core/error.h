#pragma once
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace yonder {

/// What a user can cause: a bad flag, option, length, configuration. Its text is one sentence that
/// says who, what, and what to do. Exit code 2.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What the user would be told if f() were done; empty if it can be.
template <class F>
std::optional<std::string> why_refused(F&& f) {
  try {
    f();
    return {};
  } catch (const UsageError& e) { return e.what(); }
}

/// A pass that an encoding has no value for, as one past the end of a table: to be shown in the
/// place of a number where lengths are compared.
struct Undefined : UsageError {
  /// `reason` in a word or two, for a cell of a table: "table ends".
  Undefined(std::string why, const std::string& sentence)
      : UsageError(sentence), reason(std::move(why)) {}
  std::string reason;  ///< shown instead of a number
};

/// A file that can't be read as what it should be: missing, truncated, of other shapes. Exit
/// code 3.
struct FileError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The loss, a gradient or a parameter is no longer finite. Exit code 4.
struct DivergedError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The disk refused to take what was written. Exit code 6.
struct DiskError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace yonder
