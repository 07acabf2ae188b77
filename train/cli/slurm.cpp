#include "train/cli/slurm.h"

#include <fmt/core.h>
#include <algorithm>
#include <charconv>
#include <filesystem>

#include "core/error.h"
#include "train/system/process_pool.h"

namespace yonder {
namespace {

[[noreturn]] void refuse(const std::string& time) {
  throw UsageError("--time: '" + time +
                   "' is not allowed; write it as Slurm does: minutes, hours:minutes:seconds, or "
                   "days-hours:minutes:seconds");
}

int number(const std::string& digits, const std::string& time) {
  int n = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  if (error != std::errc() || end != digits.data() + digits.size() || n < 0 || n > 100000)
    refuse(time);
  return n;
}

// "30", "30:00", "4:00:00", "1-12", "1-12:00", "1-12:00:00".  sbatch(1), --time
double seconds_in(const std::string& time) {
  const std::size_t dash = time.find('-');
  const bool days = dash != time.npos;
  const auto parts = split(days ? time.substr(dash + 1) : time, ':');
  if (parts.size() > 3) refuse(time);
  // Seconds per unit of the first part; of each next one 60 times less.
  double unit = days || parts.size() == 3 ? 3600 : 60;
  double seconds = days ? 86400.0 * number(time.substr(0, dash), time) : 0;
  for (const std::string& part : parts) seconds += unit * number(part, time), unit /= 60;
  if (seconds < 60) refuse(time);
  return seconds;
}

}  // namespace

Options SlurmJob::fields() {
  return {Option{"nodes", &nodes, "number of machines"}.within(1, 100000),
          Option{"tasks", &tasks, "ranks per machine; the first rank only schedules"}
              .within(0, 100000)
              .shown_as("one per processor, on whole nodes"),
          Option{"time", &time, "time limit, after which the job requeues, as for sbatch"},
          Option{"partition", &partition, "Slurm partition"}.shown_as("the cluster's own")};
}

std::string slurm_script(const SlurmJob& job) {
  // Slurm may send the signal a minute early; a step and a checkpoint have to fit before the end.
  const int early = int(std::min(120.0, seconds_in(job.time) / 2));
  const std::string threads = std::to_string(job.threads);
  std::string text = fmt::format(
      "#!/bin/bash\n# The sweep {} in {}, until it is done. Written by\n#   {}\n"
      "#   sbatch {}       submits it\n#   yonder show {}         shows its progress\n",
      job.sweep, job.folder, job.written_by, job.path(), job.folder);
  const auto say = [&text](const std::string& line) { text += "#SBATCH --" + line + "\n"; };
  say("job-name=" + job.sweep);
  say("chdir=\"" + std::filesystem::current_path().string() + "\"");
  say("output=\"" + job.folder + "/job-%j.log\"");
  say("open-mode=append");
  say("nodes=" + std::to_string(job.nodes));
  if (job.tasks > 0) say("ntasks-per-node=" + std::to_string(job.tasks));
  else say("exclusive");
  if (job.threads > 1) say("cpus-per-task=" + threads);
  say("time=" + job.time);
  if (!job.partition.empty()) say("partition=" + job.partition);
  say("signal=USR1@" + std::to_string(early));
  say("requeue");
  std::string ranks = "--ntasks=$((SLURM_JOB_NUM_NODES * SLURM_CPUS_ON_NODE" +
                      (job.threads > 1 ? " / " + threads : "") + " + 1)) --overcommit";
  text += "\n";
  if (job.tasks > 0) ranks = fmt::format("--ntasks=$((SLURM_JOB_NUM_NODES * {}))", job.tasks);
  else text += "# A rank more than fit: the first one schedules the cells and is otherwise idle.\n";
  return text + "srun --mpi=pmix " + ranks + " \\\n  " + job.command +
         "\ncode=$?\n\n"
         "# 75: its time was nearly up, and everything is saved. It queues again and continues.\n"
         "[ $code != 75 ] || scontrol requeue \"$SLURM_JOB_ID\"\n"
         "exit $code\n";
}

void submit(const std::string& path) {
  std::string errors;
  const int code = run_program({"sbatch", path}, errors);
  while (errors.ends_with('\n')) errors.pop_back();
  if (code == 127)
    throw UsageError("--submit: there is no sbatch here; copy " + path + " to where it is");
  if (code != 0) throw UsageError("--submit: sbatch does not take " + path + ": " + errors);
}

}  // namespace yonder
