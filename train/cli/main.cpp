#include "core/parallel.h"
#include "core/startup/startup.h"
#include "train/cli/program.h"

int main(int count, char** words) {
  yonder::end_startup();
  yonder::set_default_threads();
  return yonder::run_program(count, words);
}
