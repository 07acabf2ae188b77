#include "train/cli/slurm.h"

#include "core/error.h"
#include "tests/support/catch.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;

namespace {

SlurmJob job() {
  return {.sweep = "quick",
          .folder = "runs/quick",
          .command = "yonder sweep quick --out runs/quick --resume",
          .written_by = "yonder sweep quick --slurm"};
}

std::string with_time(const std::string& time) {
  SlurmJob one = job();
  one.time = time;
  return slurm_script(one);
}

}  // namespace

TEST_CASE("a Slurm job saves before its time limit and requeues") {
  const std::string script = slurm_script(job());
  CHECK_THAT(script, ContainsSubstring("#SBATCH --signal=USR1@120\n"));
  CHECK_THAT(script, ContainsSubstring("#SBATCH --requeue\n"));
  CHECK_THAT(script, ContainsSubstring("yonder sweep quick --out runs/quick --resume\ncode=$?\n"));
  CHECK_THAT(script, ContainsSubstring("[ $code != 75 ] || scontrol requeue \"$SLURM_JOB_ID\"\n"));
  // sbatch reads its settings up to the first command.
  CHECK(script.rfind("#SBATCH") < script.find("\nsrun"));
  CHECK_THAT(script, !ContainsSubstring("partition"));
}

TEST_CASE("a job has a rank per processor and one to schedule, or as many as requested") {
  SlurmJob one = job();
  CHECK_THAT(slurm_script(one), ContainsSubstring("#SBATCH --exclusive\n"));
  CHECK_THAT(
      slurm_script(one),
      ContainsSubstring("--ntasks=$((SLURM_JOB_NUM_NODES * SLURM_CPUS_ON_NODE + 1)) --overcommit"));
  one.threads = 4;
  CHECK_THAT(slurm_script(one), ContainsSubstring("SLURM_CPUS_ON_NODE / 4 + 1"));
  one.tasks = 8;
  CHECK_THAT(slurm_script(one), ContainsSubstring("#SBATCH --ntasks-per-node=8\n"));
  CHECK_THAT(slurm_script(one), ContainsSubstring("#SBATCH --cpus-per-task=4\n"));
  CHECK_THAT(slurm_script(one), ContainsSubstring("--ntasks=$((SLURM_JOB_NUM_NODES * 8))"));
  CHECK_THAT(slurm_script(one), !ContainsSubstring("exclusive"));
}

TEST_CASE("a job's time has Slurm's format, and half of a short one is reserved for saving") {
  for (const char* time : {"90", "90:00", "4:00:00", "1-12", "1-12:30", "1-12:30:00"})
    CHECK_THAT(with_time(time), ContainsSubstring(std::string("--time=") + time + "\n"));
  CHECK_THAT(with_time("2"), ContainsSubstring("USR1@60\n"));
  CHECK_THAT(with_time("0:1:30"), ContainsSubstring("USR1@45\n"));
  for (const char* time : {"", "0", "1h", "1:2:3:4", "-1", "1-", "0:59", "1:-5"})
    CHECK_THROWS_AS(with_time(time), UsageError);
}
