#pragma once
#include <string>

#include "core/options.h"

/// \file
/// Jobs for Slurm, slurm.schedmd.com. The program schedules nothing itself: it writes a script for
/// sbatch.
namespace yonder {

/// A sweep as a job that requeues itself until it is done.
struct SlurmJob {
  std::string sweep;       ///< its name
  std::string folder;      ///< of its results; the job's script and log go there too
  std::string command;     ///< shell command that resumes what is there
  std::string written_by;  ///< the command that asked for the script
  int threads = 1;         ///< per rank

  int nodes = 1;  ///< machines
  int tasks = 0;  ///< ranks per node; 0: whole nodes, one rank per processor
  std::string time = "12:00:00", partition;  ///< like sbatch's options of these names

  /// The flags: nodes, tasks, time, partition.
  Options fields();
  /// Path of the script.
  std::string path() const { return folder + "/job.sh"; }
};

/// The script. Throws UsageError for a time that Slurm would not accept.
std::string slurm_script(const SlurmJob&);

/// Submits a script with sbatch, which prints the job's number. Throws UsageError if it fails.
void submit(const std::string& path);

}  // namespace yonder
