#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/real.h"
#include "train/system/exit_code.h"

/// \file
/// The processes ("ranks") that mpirun or srun started together, on one machine or many. The only
/// door to MPI is mpi_openmpi.cpp; a build without it has mpi_none.cpp in its place. A process
/// that nobody started so is rank 0 of 1, and MPI is never woken.
namespace yonder::ranks {

/// As long as it lives, this process is one of those that were started together; main() has one.
/// UsageError where they can't meet: the build has no MPI, or srun was not told to use it.
class MpiSession {
 public:
  MpiSession();
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;
};

/// Whether mpirun or srun started this process, if only once.
bool started();
int rank();        ///< 0..count() − 1
int count();       ///< 1 if it was not started so
int local_size();  ///< ranks on this machine
/// Sets the number of threads to this rank's part of its machine's processors.
void share_processors();

/// Ends every rank at once, as after an error that only this one has met.
[[noreturn]] void abort(ExitCode);

// What follows is called by every rank, in the same order; alone it costs nothing.

/// The texts of all ranks, in their order.
std::vector<std::string> gathered(const std::string& text);
/// Calls `work` on every rank. What it throws on one of them, the first, all throw as SharedError
/// (exit_code.h); alone it is thrown as it is.
void run_collectively(const std::function<void()>& work);
/// Those who work on one thing: this process alone, or all ranks.
struct Communicator {
  int rank = 0, count = 1;
  void run_collectively(const std::function<void()>& work) const {
    if (count > 1) ranks::run_collectively(work);
    else work();
  }
};
inline Communicator world() { return {rank(), count()}; }
/// The text that `make` gives at rank 0, which alone calls it; what it throws there, all throw.
std::string broadcast_from_root(const std::function<std::string()>& make);
/// SharedError, which names the rank and the first line that differs from rank 0's, if texts do.
/// `what` begins the sentence: "train: the configuration".
void require_same(const std::string& what, const std::string& text);
/// The same for the program itself.
void require_same_program();
/// The largest of all ranks' numbers.
int largest(int mine);
/// Each number is replaced by its sum over ranks; exact where all but one of them are 0.
void sum(std::span<double>);
/// The sum over the ranks of this machine.
double sum_here(double mine);
/// Each number is replaced by rank 0's.
void broadcast(std::span<real>);

/// Numbers first..first + size − 1 of n, which are cut into as many slices as there are ranks.
struct Slice {
  std::int64_t first, size;
};
Slice slice(std::int64_t n, int rank);
/// Each rank gets its slice of what every rank has. theirs [count(), slice]
void exchange_slices(std::span<const real> mine, std::span<real> theirs);
/// Each rank has its slice of `all` and gets the others'.
void gather_slices(std::span<real> all);
/// Each number is replaced by its sum over ranks, in an order that depends on their number.
void sum_in_any_order(std::span<real>);

// Messages between two ranks.

struct Message {
  int from = 0;
  std::string text;
};
void send(int to, std::string_view text);
/// The next message to this rank, if one comes within so many seconds. Waiting sleeps, since a rank
/// that waits may share its processor with one that works.
std::optional<Message> received(double seconds);

}  // namespace yonder::ranks
