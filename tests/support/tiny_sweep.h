#pragma once
#include <string>

#include "tests/support/binary.h"
#include "tests/support/catch.h"

/// \file
/// Sweeps of a few seconds, run by the program itself.
namespace yonder {

inline const std::string tiny_sweep =
    "sweep --task copy --train-length 4 --width 16 --heads 2 --layers 1 --batch 4 --steps 3 "
    "--examples 8 --quiet ";

inline const std::string two_by_two =
    tiny_sweep + "--encodings rope,rope:rope.scaling=yarn,learned --eval-lengths 4,8 --seeds 2 ";

/// A sweep of three rows and two seeds that several tests read and none modifies.
inline const std::string& finished_sweep() {
  static const Folder folder;
  static const std::string path = folder / "sweep";
  static const Ran ran = yonder_run(two_by_two + "--threads 2 --out " + path);
  INFO(ran.err);
  REQUIRE(ran.code == 0);
  return path;
}

}  // namespace yonder
