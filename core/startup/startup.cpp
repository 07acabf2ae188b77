#include "core/startup/startup.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "core/parallel.h"
#include "core/startup/processor.h"

namespace yonder {
namespace {

char short_waits[] = "GOMP_SPINCOUNT=2000";  // tens of µs
char* hidden = nullptr;                      // the entry that short_waits replaces

// Whether an entry of the environment is NAME=….
bool sets(const char* entry, const char* name) {
  while (*name && *entry == *name) ++entry, ++name;
  return !*name && *entry == '=';
}

char** find(char** environment, const char* name) {
  for (char** entry = environment; *entry; ++entry)
    if (sets(*entry, name)) return entry;
  return nullptr;
}

void require_processor() {
  const processor::Features lacking = processor::built_for & ~processor::present();
  if (!lacking) return;
  char text[512];
  const int length = processor::describe(lacking, text, sizeof text);
  syscall(SYS_write, STDERR_FILENO, text, length);
  syscall(SYS_exit_group, 1);
}

// The environment can't grow here: the C library uses the kernel's own array. So the setting
// replaces an entry that no constructor reads. Without one, waits stay long: slower, not wrong.
void shorten_waits(char** environment) {
  if (find(environment, "GOMP_SPINCOUNT") || find(environment, "OMP_WAIT_POLICY")) return;
  const char* const unasked[] = {"_", "OLDPWD", "SHLVL", "LS_COLORS", "TERM", "HOSTNAME", "PATH"};
  for (const char* name : unasked) {
    if (char** entry = find(environment, name)) {
      hidden = *entry;
      *entry = short_waits;
      return;
    }
  }
}

// Runs before the constructors of all libraries, including the C library's: it must not call
// anything that keeps state.
void start(int, char**, char** environment) {
  require_processor();
  affinity_at_start.bytes = syscall(SYS_sched_getaffinity, 0, sizeof affinity_at_start.processors,
                                    affinity_at_start.processors);
  shorten_waits(environment);
}

[[gnu::section(".preinit_array"), gnu::used]] void (*before_constructors)(int, char**,
                                                                          char**) = start;

}  // namespace

void end_startup() {
  for (char** entry = environ; *entry; ++entry)
    if (*entry == short_waits) *entry = hidden;
}

}  // namespace yonder
