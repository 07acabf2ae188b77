#include "train/system/work_queue.h"

#include <fmt/core.h>
#include <vector>

#include "train/system/mpi.h"
#include "train/system/signals.h"
#include "train/system/stopwatch.h"

namespace yonder {
namespace {

// The first letter of a message. Rank 0 requests work, asks to stop it, or ends the loop; the
// others report progress, answer, or report a signal that arrived while they were idle: work may
// already be on its way to them, and its answer will follow.
constexpr char do_this = 'd', stop = 's', end_loop = 'e', said = '+', answered = '=',
               interrupted = '!';

constexpr double pause = 0.1;          // s, between ticks
constexpr double between_words = 0.5;  // s, between progress lines of a job

// "={signal}\n{code}\n{bytes of the reason}\n{bytes of the result}\n{reason}{result}{archive}"
std::string packed(const TaskResult& a) {
  return fmt::format("{}{}\n{}\n{}\n{}\n{}{}{}", answered, a.signal, int(a.code), a.reason.size(),
                     a.result.size(), a.reason, a.result, a.archive);
}

TaskResult task_result_of(const std::string& text) {
  std::size_t at = 1;  // after the letter
  const auto number = [&] {
    const std::size_t end = text.find('\n', at);
    const std::size_t n = std::stoull(text.substr(at, end - at));
    at = end + 1;
    return n;
  };
  const std::size_t signal = number(), code = number(), reason = number(), result = number();
  return {.reason = text.substr(at, reason),
          .code = ExitCode(code),
          .result = text.substr(at + reason, result),
          .archive = text.substr(at + reason + result),
          .signal = int(signal)};
}

constexpr int none = -1;

}  // namespace

int hand_to_ranks(const Jobs& jobs, const std::function<std::string(int job, int rank)>& request) {
  const Interruptible interrupt;
  std::vector<int> at_work(std::size_t(ranks::count()), none);  // the job of each rank
  int next = 0, busy = 0, signal = 0;
  const auto hand_next_to = [&](int rank) {
    ranks::send(rank, do_this + request(next, rank));
    at_work[std::size_t(rank)] = next, ++busy;
    if (jobs.started) jobs.started(next);
    ++next;
  };
  const auto end_for = [&](int s) {
    signal = s, next = jobs.count;
    for (int r = 1; r < ranks::count(); ++r)
      if (at_work[std::size_t(r)] != none) ranks::send(r, stop + std::to_string(signal));
  };
  for (int r = 1; r < ranks::count() && next < jobs.count; ++r) hand_next_to(r);
  for (auto ticked = Clock::now(); busy > 0 || next < jobs.count;) {
    if (!signal && interrupt.signal()) end_for(interrupt.signal());
    if (const auto message = ranks::received(busy > 0 ? pause : 0)) {
      int& job = at_work[std::size_t(message->from)];
      if (message->text[0] == said) {
        if (jobs.on_progress && job != none) jobs.on_progress(job, message->text.substr(1));
      } else if (message->text[0] == interrupted) {
        if (!signal) end_for(std::stoi(message->text.substr(1)));
      } else {
        const TaskResult answer = task_result_of(message->text);
        if (answer.signal && !signal) end_for(answer.signal);
        if (job != none) {
          if (jobs.ended) jobs.ended(job, answer);
          job = none, --busy;
        }
        if (next < jobs.count) hand_next_to(message->from);
      }
    }
    if (!jobs.tick || seconds_since(ticked) < pause) continue;
    jobs.tick();
    ticked = Clock::now();
  }
  return signal;
}

void shut_down(int signal) {
  for (int r = 1; r < ranks::count(); ++r) ranks::send(r, end_loop + std::to_string(signal));
}

int worker_loop(
    const std::function<TaskResult(const std::string&, const ProgressCallback&)>& work) {
  const Interruptible interrupt;
  auto spoke = Clock::now();
  const ProgressCallback say = [&spoke](const std::string& line) {
    // Only a request to stop can arrive while it works.
    if (const auto message = ranks::received(0); message && !Interruptible::signal())
      Interruptible::note(std::stoi(message->text.substr(1)));
    if (seconds_since(spoke) < between_words) return;
    ranks::send(0, said + line);
    spoke = Clock::now();
  };
  for (bool told = false;;) {
    if (interrupt.signal() && !told) {
      ranks::send(0, interrupted + std::to_string(interrupt.signal()));
      told = true;
    }
    const auto message = ranks::received(pause);
    if (!message || message->text[0] == stop) continue;  // the job has ended in the meantime
    if (message->text[0] == end_loop) return std::stoi(message->text.substr(1));
    ranks::send(0, packed(work(message->text.substr(1), say)));
    told = interrupt.signal();
  }
}

}  // namespace yonder
