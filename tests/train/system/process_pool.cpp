#include "train/system/process_pool.h"

#include <sys/resource.h>

#include <csignal>
#include <map>
#include <stdexcept>

#include <unistd.h>

#include "tests/support/catch.h"
#include "train/system/signals.h"

using namespace yonder;

TEST_CASE("each job runs once in its own process, and its progress and result arrive") {
  std::map<int, std::vector<std::string>> said;
  std::map<int, TaskResult> ended;
  const int signal =
      run({.count = 5,
           .at_once = 2,
           .work =
               [](int job, const ProgressCallback& say) {
                 say("job " + std::to_string(job));
                 say(std::to_string(getpid()));
                 return "a\nresult of " + std::string(9000, 'x') + std::to_string(job);
               },
           .on_progress = [&said](int job, const std::string& line) { said[job].push_back(line); },
           .ended = [&ended](int job, const TaskResult& answer) { ended[job] = answer; }});
  CHECK(signal == 0);
  REQUIRE(said.size() == 5);
  for (const auto& [job, lines] : said) {
    REQUIRE(lines.size() == 2);
    CHECK(lines[0] == "job " + std::to_string(job));
    CHECK(lines[1] != std::to_string(getpid()));
    CHECK(ended.at(job).reason.empty());
    CHECK(ended.at(job).result == "a result of " + std::string(9000, 'x') + std::to_string(job));
  }
}

TEST_CASE("never more jobs run at once than requested") {
  int now = 0, most = 0;
  run({.count = 6,
       .at_once = 2,
       .work = [](int, const ProgressCallback&) { return usleep(20000), ""; },
       .started = [&](int) { most = std::max(most, ++now); },
       .ended = [&](int, const TaskResult&) { --now; }});
  CHECK(most == 2);
  CHECK(now == 0);
}

TEST_CASE("a job that throws, dies or vanishes is reported and the rest continue") {
  std::map<int, std::string> ended;
  run({.count = 4,
       .at_once = 2,
       .work =
           [](int job, const ProgressCallback&) {
             if (job == 0) throw std::runtime_error("no luck");
             if (job == 1) raise(SIGKILL);
             if (job == 2) _exit(9);
             return "";
           },
       .ended = [&ended](int job, const TaskResult& answer) { ended[job] = answer.reason; }});
  CHECK(ended[0] == "no luck");
  CHECK(ended[1] == "ended by a signal: Killed");
  CHECK(ended[2] == "ended without a word");
  CHECK(ended[3].empty());
}

TEST_CASE("an interrupt ends the running jobs, starts no more, and is returned") {
  int started = 0, ended = 0;
  const int signal = run({.count = 10,
                          .at_once = 2,
                          .work = [](int, const ProgressCallback&) { return sleep(60), ""; },
                          .started =
                              [&](int) {
                                if (++started == 2) Interruptible::note(SIGINT);
                              },
                          .ended = [&](int, const TaskResult&) { ++ended; }});
  CHECK(signal == SIGINT);
  CHECK(started == 2);
  CHECK(ended == 0);
}

TEST_CASE("if the system refuses more processes, fewer run at once") {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const int next = ::dup(0);
  ::close(next);
  const rlimit few{rlim_t(next + 7), before.rlim_max};  // a pipe each, and some to spare
  ::setrlimit(RLIMIT_NOFILE, &few);
  int now = 0, most = 0, ended = 0;
  const int signal = run({.count = 6,
                          .at_once = 6,
                          .work = [](int, const ProgressCallback&) { return usleep(20000), ""; },
                          .started = [&](int) { most = std::max(most, ++now); },
                          .ended = [&](int, const TaskResult&) { --now, ++ended; }});
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK(signal == 0);
  CHECK(most == 2);
  CHECK(ended == 6);
}

TEST_CASE("SIGTERM to one job ends the others, as a signal to all does") {
  int ended = 0;
  const int signal = run({.count = 9,
                          .at_once = 2,
                          .work =
                              [](int job, const ProgressCallback&) {
                                if (job == 1) kill(getpid(), SIGTERM);
                                return sleep(60), "";
                              },
                          .ended = [&ended](int, const TaskResult&) { ++ended; }});
  CHECK(signal == SIGTERM);
  CHECK(ended == 0);
}

TEST_CASE("a program's exit code and errors are returned, and 127 for a missing one") {
  std::string errors;
  CHECK(run_program({"sh", "-c", "echo no >&2; exit 3"}, errors) == 3);
  CHECK(errors == "no\n");
  CHECK(run_program({"no-such-program-of-yonder"}, errors) == 127);
}
