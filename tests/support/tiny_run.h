#pragma once
#include "tests/support/binary.h"
#include "tests/support/catch.h"

namespace yonder {

/// Flags of a very short training.
inline const std::string tiny_copy =
    " --task copy --train-length 4 --width 16 --heads 2 --layers 1 --batch 4 ";

/// A run of three steps that several tests read and none modifies.
inline const std::string& trained_run() {
  static const Folder folder;
  static const std::string path = folder / "run";
  static const Ran ran =
      yonder_run("train" + tiny_copy + "--encoding rope --steps 3 --quiet --out " + path);
  REQUIRE(ran.err == "");
  REQUIRE(ran.code == 0);
  return path;
}

}  // namespace yonder
