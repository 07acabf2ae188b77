#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include "core/startup/startup.h"

int main(int argc, char** argv) {
  yonder::end_startup();
  return Catch::Session().run(argc, argv);
}
