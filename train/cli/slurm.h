#pragma once
#include <string>

#include "core/options.h"

/// \file
/// Jobs for Slurm, slurm.schedmd.com. The program schedules nothing itself: it writes what sbatch
/// reads.
namespace yonder {

/// A sweep as a job that queues again until it is done.
struct SlurmJob {
  std::string sweep;       ///< its name
  std::string folder;      ///< of its results; the job's script and log go there too
  std::string command;     ///< a line for the shell, that continues what is there
  std::string written_by;  ///< the command that asked for the script
  int threads = 1;         ///< of a rank

  int nodes = 1;  ///< machines
  int tasks = 0;  ///< ranks on each node; 0: whole nodes, a rank for each processor
  std::string time = "12:00:00", partition;  ///< as sbatch's options of these names

  /// nodes, tasks, time, partition: flags.
  Options fields();
  /// The script that is written.
  std::string path() const { return folder + "/job.sh"; }
};

/// The script. UsageError for a time that Slurm would not take.
std::string slurm_script(const SlurmJob&);

/// Has sbatch take a script, which prints the job's number. UsageError if it does not.
void submit(const std::string& path);

}  // namespace yonder
