#include "train/system/signals.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <ctime>

namespace yonder {
namespace {

constexpr std::array<int, 3> asking{SIGINT, SIGTERM, SIGUSR1};

volatile sig_atomic_t noted = 0;
volatile sig_atomic_t patient = 0;
std::array<struct sigaction, 3> before;

// s; a handler may touch only what needs no lock.
std::atomic<double> noted_at = 0;
static_assert(std::atomic<double>::is_always_lock_free);
int alive = 0;  // Interruptibles

// s; safe in a signal's handler
double now() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

void note(int signal) {
  if (!noted) {
    noted = signal;
    noted_at = now();
  } else if (!patient && signal != SIGUSR1 && now() - noted_at > 0.1) {
    _exit(exit_code(signal));
  }
}

}  // namespace

int exit_code(int signal) { return signal == SIGUSR1 ? 75 : 128 + signal; }

Interruptible::Interruptible() {
  if (alive++ > 0) return;
  noted = 0;
  struct sigaction by_note {};
  by_note.sa_handler = note;
  for (std::size_t i = 0; i < asking.size(); ++i) {
    sigaction(asking[i], nullptr, &before[i]);
    if (before[i].sa_handler != SIG_IGN) sigaction(asking[i], &by_note, nullptr);
  }
}

Interruptible::~Interruptible() {
  if (--alive > 0) return;
  for (std::size_t i = 0; i < asking.size(); ++i) sigaction(asking[i], &before[i], nullptr);
}

int Interruptible::signal() { return noted; }

void serve_parent() {
  patient = 1;
  alive = 0;  // the parent's
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGTERM, SIG_DFL);
  ::signal(SIGUSR1, SIG_DFL);
  ::signal(SIGPIPE, SIG_IGN);  // it comes when the other has died, before there was time to save
}

}  // namespace yonder
