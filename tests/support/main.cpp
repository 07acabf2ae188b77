#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include "core/parallel.h"

int main(int argc, char** argv) {
  yonder::restart_with_short_waits(argv);
  return Catch::Session().run(argc, argv);
}
