#define CATCH_CONFIG_RUNNER
#include "core/startup/startup.h"
#include "tests/support/catch.h"

int main(int argc, char** argv) {
  yonder::end_startup();
  return Catch::Session().run(argc, argv);
}
