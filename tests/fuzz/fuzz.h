#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/error.h"

/// \file
/// What the targets share. libFuzzer calls each with bytes that it makes up, led by the lines of
/// the program that they reach: llvm.org/docs/LibFuzzer.html. Found is what crashes, what the
/// sanitizers see, any exception that is no FileError, and what expect() does not.
namespace yonder {

inline void expect(bool as_it_should_be) {
  if (!as_it_should_be) std::abort();
}

/// Reads the bytes by `read`, which may refuse them by an `Error`.
template <class Error = FileError, class F>
int reads(const std::uint8_t* data, std::size_t size, const F& read) {
  try {
    read(std::string(reinterpret_cast<const char*>(data), size));
  } catch (const Error&) {}
  return 0;
}

}  // namespace yonder
