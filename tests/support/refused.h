#pragma once

#include "tests/support/binary.h"
#include "tests/support/catch.h"

namespace yonder {

/// Checks that the command exits with this code and one line on stderr that contains `said`.
inline bool refused(const std::string& arguments, int code, const std::string& said) {
  const Ran ran = yonder_run(arguments);
  INFO(arguments);
  INFO(ran.err);
  CHECK(ran.code == code);
  CHECK(ran.out == "");
  const bool one_line = ran.err.starts_with("yonder: ") && ran.err.ends_with('\n') &&
                        ran.err.find('\n') + 1 == ran.err.size();
  CHECK(one_line);
  const bool names_it = ran.err.find(said) != std::string::npos;
  CHECK(names_it);
  return ran.code == code && one_line && names_it;
}

}  // namespace yonder
