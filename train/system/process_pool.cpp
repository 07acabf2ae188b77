#include "train/system/process_pool.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <stdexcept>

#include "core/parallel.h"
#include "train/system/signals.h"

namespace yonder {
namespace {

struct Running {
  int job;
  pid_t pid;
  std::string unread;  // the beginning of an incomplete line
  TaskResult answer;
};

// A job sends "+line" for progress and finally "=result" or, if it failed, "!reason". It sends
// neither if a signal ended it, just as if the signal had killed it.
void send(int pipe, char kind, std::string text) {
  for (char& c : text)
    if (c == '\n') c = ' ';
  text = kind + text + '\n';
  for (std::size_t sent = 0; sent < text.size();) {
    const ssize_t n = write(pipe, text.data() + sent, text.size() - sent);
    if (n < 0 && errno != EINTR) return;  // nobody is listening any more
    if (n > 0) sent += std::size_t(n);
  }
}

[[noreturn]] void be_job(const Jobs& jobs, int job, int pipe, pid_t parent) {
  unbind_all();
  serve_parent();
  if (getppid() != parent) _exit(int(ExitCode::failed));
  const TaskResult result = result_of_work([&jobs, job, pipe] {
    return jobs.work(job, [pipe](const std::string& line) { send(pipe, '+', line); });
  });
  if (result.signal) _exit(int(exit_code(result.signal)));
  if (result.code == ExitCode::ok) send(pipe, '=', result.result);
  else send(pipe, '!', result.reason);
  _exit(int(result.code));
}

// Reads what has arrived; false at end of file.
bool listen(int pipe, Running& running, const Jobs& jobs) {
  char bytes[4096];
  const ssize_t n = read(pipe, bytes, sizeof bytes);
  if (n < 0 && errno == EINTR) return true;
  if (n <= 0) return false;
  running.unread.append(bytes, std::size_t(n));
  for (std::size_t end; (end = running.unread.find('\n')) != std::string::npos;) {
    const std::string line = running.unread.substr(1, end - 1);
    if (running.unread[0] == '!') running.answer.reason = line;
    else if (running.unread[0] == '=') running.answer.result = line;
    else if (jobs.on_progress) jobs.on_progress(running.job, line);
    running.unread.erase(0, end + 1);
  }
  return true;
}

TaskResult end_of(Running& running) {
  int status = 0;
  while (waitpid(running.pid, &status, 0) < 0 && errno == EINTR) {}
  const bool ended = WIFSIGNALED(status);
  if (ended ? WTERMSIG(status) == SIGTERM : ExitCode(WEXITSTATUS(status)) == exit_code(SIGTERM))
    return {.signal = SIGTERM};
  if (ended)
    return {.reason = std::string("ended by a signal: ") + strsignal(WTERMSIG(status)),
            .code = ExitCode::failed};
  running.answer.code = ExitCode(WEXITSTATUS(status));
  if (running.answer.code != ExitCode::ok && running.answer.reason.empty())
    running.answer.reason = "ended without a word";
  return running.answer;
}

// Opens a pipe if enough file descriptors remain.
bool open_pipe(int ends[2]) {
  constexpr int spare = 4;  // a file being written, its folder, and what a library may need
  rlimit most{};
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  if (getrlimit(RLIMIT_NOFILE, &most) != 0 || rlim_t(ends[1] + spare) < most.rlim_cur) return true;
  close(ends[0]), close(ends[1]);
  errno = EMFILE;
  return false;
}

// Forks the process of a job and returns it with the read end of its pipe; none if refused.
std::optional<std::pair<int, Running>> start(const Jobs& jobs, int job,
                                             const std::map<int, Running>& others) {
  int ends[2];
  if (!open_pipe(ends)) return {};
  std::fflush(nullptr);  // or the child would print it a second time
  const pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    close(ends[0]);
    for (const auto& [pipe, running] : others) close(pipe);
    be_job(jobs, job, ends[1], parent);
  }
  close(ends[1]);
  if (pid < 0) return close(ends[0]), std::nullopt;
  if (jobs.started) jobs.started(job);
  return {{ends[0], Running{job, pid, {}, {}}}};
}

}  // namespace

TaskResult result_of_work(const std::function<std::string()>& work) try {
  return {.result = work()};
} catch (const Interrupted& e) { return {.signal = e.signal}; } catch (...) {
  const ExitStatus status = current_exit_status();
  return {.reason = status.text, .code = status.code};
}

int run(const Jobs& jobs) {
  const Interruptible interrupt;
  std::map<int, Running> running;  // by the read end of its pipe
  int at_once = jobs.at_once, signal = 0;
  bool told = false;
  for (int next = 0; next < jobs.count || !running.empty();) {
    if (!signal) signal = interrupt.signal();
    while (!signal && next < jobs.count && int(running.size()) < at_once) {
      if (auto another = start(jobs, next, running)) {
        running.insert(std::move(*another));
        ++next;
      } else {
        if (running.empty())
          throw std::runtime_error(std::string("no more processes: ") + std::strerror(errno) +
                                   "; close other programs, or raise the limit (ulimit -n, -u)");
        at_once = int(running.size());
      }
    }
    if (signal && !told) {
      next = jobs.count;
      for (const auto& [pipe, r] : running) kill(r.pid, SIGTERM);
      told = true;
    }

    std::vector<pollfd> polled;
    for (const auto& [pipe, r] : running) polled.push_back({pipe, POLLIN, 0});
    poll(polled.data(), polled.size(), 100);
    for (const pollfd& p : polled) {
      if (!(p.revents & (POLLIN | POLLHUP)) || listen(p.fd, running.at(p.fd), jobs)) continue;
      Running over = std::move(running.at(p.fd));
      running.erase(p.fd);
      close(p.fd);
      const TaskResult answer = end_of(over);
      if (!signal) signal = answer.signal;
      if (!signal && jobs.ended) jobs.ended(over.job, answer);
    }
    if (jobs.tick) jobs.tick();
  }
  return signal;
}

int run_program(const std::vector<std::string>& command, std::string& errors) {
  int ends[2];
  if (pipe(ends) != 0) return 1;
  const pid_t pid = fork();
  if (pid < 0) {
    close(ends[0]), close(ends[1]);
    return 1;
  }
  if (pid == 0) {
    unbind();
    release_signals();
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    std::vector<char*> arguments;
    for (const std::string& a : command) arguments.push_back(const_cast<char*>(a.c_str()));
    arguments.push_back(nullptr);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  close(ends[1]);
  errors.clear();
  char bytes[4096];
  for (ssize_t n; (n = read(ends[0], bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR);)
    if (n > 0) errors.append(bytes, std::size_t(n));
  close(ends[0]);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace yonder
