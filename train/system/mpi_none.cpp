#include <cstdlib>

#include "core/error.h"
#include "train/system/mpi.h"

/// \file
/// Ranks of a build without MPI: there is only one, and nothing to wait for.
namespace yonder::ranks {

MpiSession::MpiSession() {
  const char* tasks = std::getenv("SLURM_STEP_NUM_TASKS");
  const bool by_srun = tasks && std::atoi(tasks) > 1 && std::getenv("SLURM_PROCID");
  if (std::getenv("OMPI_COMM_WORLD_SIZE") || std::getenv("PMI_SIZE") || by_srun)
    throw UsageError(
        "mpirun or srun has started this as one of several, and it was built without MPI; install "
        "libopenmpi-dev and configure with -DYONDER_MPI=ON, or start it alone");
}
MpiSession::~MpiSession() = default;

bool started() { return false; }
int rank() { return 0; }
int count() { return 1; }
int local_size() { return 1; }
void abort(ExitCode code) { std::exit(int(code)); }

std::vector<std::string> gathered(const std::string& text) { return {text}; }
int largest(int mine) { return mine; }
void sum(std::span<double>) {}
double sum_on_node(double mine) { return mine; }
void broadcast(std::span<real>) {}
void exchange_slices(std::span<const real> mine, std::span<real> theirs) {
  std::copy(mine.begin(), mine.end(), theirs.begin());
}
void gather_slices(std::span<real>) {}
void sum_in_any_order(std::span<real>) {}

void send(int, std::string_view) {}
std::optional<Message> received(double) { return {}; }

}  // namespace yonder::ranks
