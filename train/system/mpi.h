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
/// The processes ("ranks") that mpirun or srun started together, on one machine or many. Only
/// mpi_openmpi.cpp uses MPI; a build without MPI has mpi_none.cpp instead. A process that was
/// started in another way is rank 0 of 1, and MPI is never initialized.
namespace yonder::ranks {

/// While it is alive, this process is one of those that were started together; main() has one.
/// Throws UsageError if they can't connect: the build has no MPI, or srun was not told to use it.
class MpiSession {
 public:
  MpiSession();
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;
};

/// Whether mpirun or srun started this process, even as the only rank.
bool started();
int rank();        ///< 0..count() − 1
int count();       ///< 1 unless started()
int local_size();  ///< ranks on this machine
/// Sets the number of threads to this rank's share of its machine's processors.
void share_processors();

/// Ends all ranks at once, as after an error that only this one has met.
[[noreturn]] void abort(ExitCode);

// All ranks call the following functions, in the same order; a single rank has no overhead.

/// The texts of all ranks, in rank order.
std::vector<std::string> gathered(const std::string& text);
/// Calls `work` on every rank. If it throws on any, all throw the error of the first of these as
/// SharedError (exit_code.h); a single rank's error is thrown unchanged.
void run_collectively(const std::function<void()>& work);
/// The ranks that work together: this process alone, or all ranks.
struct Communicator {
  int rank = 0, count = 1;  ///< of this process; of all
  /// Like ranks::run_collectively, among these.
  void run_collectively(const std::function<void()>& work) const {
    if (count > 1) ranks::run_collectively(work);
    else work();
  }
};
/// All ranks, or this process if it is the only one.
inline Communicator world() { return {rank(), count()}; }
/// The text that `make` returns on rank 0, which alone calls it; what it throws there, all throw.
std::string broadcast_from_root(const std::function<std::string()>& make);
/// Throws SharedError, naming the rank and the first line that differs from rank 0's, if texts
/// differ. `what` begins the sentence: "train: the configuration".
void require_same(const std::string& what, const std::string& text);
/// The same for the program itself.
void require_same_program();
/// The maximum over ranks.
int largest(int mine);
/// Replaces each value by its sum over ranks; exact where all but one of them are 0.
void sum(std::span<double>);
/// The sum over the ranks of this machine.
double sum_on_node(double mine);
/// Replaces each value by rank 0's.
void broadcast(std::span<real>);

/// Elements first..first + size − 1 of n, which are cut into one slice per rank.
struct Slice {
  std::int64_t first;  ///< its first element
  std::int64_t size;   ///< number of elements
};
/// The slice of a rank.
Slice slice(std::int64_t n, int rank);
/// Gives each rank its slice of every rank's `mine`. theirs [count(), slice]
void exchange_slices(std::span<const real> mine, std::span<real> theirs);
/// Gives each rank, which has its slice of `all`, the slices of the others.
void gather_slices(std::span<real> all);
/// Replaces each value by its sum over ranks, in an order that depends on the number of ranks.
void sum_in_any_order(std::span<real>);

// Messages between two ranks.

/// A text from another rank.
struct Message {
  int from = 0;      ///< rank
  std::string text;  ///< as sent
};
/// Sends a text to a rank.
void send(int to, std::string_view text);
/// The next message to this rank, if one arrives within so many seconds. Sleeps while waiting,
/// since a waiting rank may share its processor with a working one.
std::optional<Message> received(double seconds);

}  // namespace yonder::ranks
