#include "train/system/signals.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <system_error>
#include <thread>

#include "train/system/exit_code.h"

namespace yonder {
namespace {

sigset_t awaited{};       // by watch(); empty before take_signals()
bool taken = false;       // whether start_watching() was called
bool is_child = false;    // whether serve_parent() was called
bool holds_pipe = false;  // whether the outermost Interruptible has blocked SIGPIPE

std::atomic<int> noted = 0;        // the first signal
std::atomic<int> alive = 0;        // number of Interruptibles
std::atomic<double> noted_at = 0;  // s

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

sigset_t only(int signal) {
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  return one;
}

bool is_ignored(int signal) {
  struct sigaction now {};
  sigaction(signal, nullptr, &now);
  return now.sa_handler == SIG_IGN;
}

// Does what the signal does to a process that never blocked it.
void by_default(int signal) {
  ::signal(signal, SIG_DFL);
  const sigset_t one = only(signal);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  ::raise(signal);
}

void take(int signal) {
  if (noted) {
    const bool impatient = signal == SIGINT || signal == SIGTERM;
    if (!is_child && impatient && now() - noted_at > 0.1) _exit(int(exit_code(signal)));
  } else if (alive > 0) {
    Interruptible::note(signal);
  } else {
    by_default(signal);
  }
}

void watch() {
  for (int signal = 0;;)
    if (sigwait(&awaited, &signal) == 0) take(signal);
}

// If no more threads can be created, signals are seen only between steps.
void start_watching() {
  taken = true;
  pthread_sigmask(SIG_BLOCK, &awaited, nullptr);
  try {
    std::thread(watch).detach();
  } catch (const std::system_error&) {}
}

}  // namespace

void take_signals() {
  sigemptyset(&awaited);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGHUP})
    if (!is_ignored(signal)) sigaddset(&awaited, signal);
  ::signal(SIGXFSZ, SIG_IGN);
  start_watching();
}

void release_signals() {
  pthread_sigmask(SIG_UNBLOCK, &awaited, nullptr);
  if (taken) ::signal(SIGXFSZ, SIG_DFL);
}

Interruptible::Interruptible() {
  if (alive++ > 0) return;
  noted = 0;
  const sigset_t pipe = only(SIGPIPE);
  sigset_t before;
  if (!taken || is_ignored(SIGPIPE)) return;
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  holds_pipe = !sigismember(&before, SIGPIPE);
}

Interruptible::~Interruptible() {
  if (--alive > 0 || !holds_pipe) return;
  const sigset_t pipe = only(SIGPIPE);
  const timespec at_once{};
  sigtimedwait(&pipe, nullptr, &at_once);
  if (noted == SIGPIPE) ::signal(SIGPIPE, SIG_IGN);  // later output must not end the process
  pthread_sigmask(SIG_UNBLOCK, &pipe, nullptr);
  holds_pipe = false;
}

// Also checks for signals sent to this thread alone, which watch() can't see.
int Interruptible::signal() {
  sigset_t asked = awaited;
  if (holds_pipe) sigaddset(&asked, SIGPIPE);
  const timespec at_once{};
  if (const int signal = taken ? sigtimedwait(&asked, nullptr, &at_once) : 0; signal > 0)
    take(signal);
  return noted;
}

void Interruptible::note(int signal) {
  noted_at = now();
  noted = signal;
}

void serve_parent() {
  is_child = true;
  alive = 0, noted = 0;  // the parent's
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  for (const int signal : {SIGINT, SIGUSR1, SIGHUP}) ::signal(signal, SIG_IGN);
  ::signal(SIGPIPE, SIG_IGN);  // arrives when the parent has died, before there was time to save
  awaited = only(SIGTERM);
  start_watching();
}

}  // namespace yonder
