#define CATCH_CONFIG_RUNNER
#include "core/parallel.h"
#include "tests/support/catch.h"

int main(int argc, char** argv) {
  yonder::restart_with_short_waits(argv);
  return Catch::Session().run(argc, argv);
}
