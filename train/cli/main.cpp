#include "core/parallel.h"
#include "core/startup/startup.h"
#include "train/cli/program.h"
#include "train/system/signals.h"

int main(int count, char** words) {
  yonder::end_startup();
  yonder::take_signals();
  yonder::set_default_threads();
  return yonder::run_program(count, words);
}
