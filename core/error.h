#pragma once
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace yonder {

/// An error that the user can cause: a bad flag, option, length, configuration. Its text is one
/// sentence that says who, what, and what to do. Exit code 2.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Calls f(); returns the text of the UsageError that it throws, or empty.
template <class F>
std::optional<std::string> why_refused(F&& f) {
  try {
    f();
    return {};
  } catch (const UsageError& e) { return e.what(); }
}

/// The encoding is undefined for a pass, e.g. past the end of a table: comparisons of lengths show
/// `reason` in place of a value.
struct Undefined : UsageError {
  /// `why` is a word or two, for a table cell: "table ends".
  Undefined(std::string why, const std::string& sentence)
      : UsageError(sentence), reason(std::move(why)) {}
  std::string reason;  ///< shown instead of a value
};

/// A file is missing, truncated or does not contain what it should, e.g. other shapes. Exit code 3.
struct FileError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The loss, a gradient or a parameter is no longer finite. Exit code 4.
struct DivergedError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A write to the disk failed. Exit code 6.
struct DiskError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace yonder
