#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <cstdlib>

#include "core/error.h"
#include "train/system/mpi.h"

/// \file
/// The only user of MPI.  MPI: A Message-Passing Interface Standard, version 3.1, mpi-forum.org
namespace yonder::ranks {
namespace {

int my_rank = 0, all = 1, on_this_machine = 1;
bool met = false;
MPI_Comm neighbours = MPI_COMM_NULL;  // the ranks of this machine

const MPI_Comm comm_world = MPI_COMM_WORLD;
constexpr int length_tag = 1, text_tag = 2;
constexpr std::size_t most_at_once = std::size_t(1) << 30;  // bytes; MPI's counts are int

MPI_Datatype number() { return sizeof(real) == sizeof(float) ? MPI_FLOAT : MPI_DOUBLE; }

// Open MPI's mpirun and srun --mpi=pmix set PMIX_RANK, MPICH's mpirun and srun --mpi=pmi2 PMI_RANK.
bool launched() { return std::getenv("PMIX_RANK") || std::getenv("PMI_RANK"); }

void require_no_srun() {
  const char* tasks = std::getenv("SLURM_STEP_NUM_TASKS");
  if (tasks && std::atoi(tasks) > 1 && std::getenv("SLURM_PROCID"))
    throw UsageError(std::string("srun has started ") + tasks +
                     " tasks without a way to meet; give it --mpi=pmix (srun --mpi=list shows what "
                     "it has)");
}

// Sizes and offsets of the slices of n elements, as MPI expects them.
struct Slices {
  std::vector<int> sizes, firsts;
  explicit Slices(std::int64_t n) {
    if (n > INT_MAX)
      throw UsageError(
          "train: a model of over 2^31 numbers is more than MPI can count; start it "
          "without mpirun");
    for (int r = 0; r < all; ++r) {
      sizes.push_back(int(slice(n, r).size));
      firsts.push_back(int(slice(n, r).first));
    }
  }
};

}  // namespace

MpiSession::MpiSession() {
  if (!launched()) {
    require_no_srun();
    return;
  }
  int level = 0;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &level);
  MPI_Comm_rank(comm_world, &my_rank);
  MPI_Comm_size(comm_world, &all);
  MPI_Comm_split_type(comm_world, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &neighbours);
  MPI_Comm_size(neighbours, &on_this_machine);
  met = true;
}

MpiSession::~MpiSession() {
  if (!met) return;
  MPI_Comm_free(&neighbours);
  MPI_Finalize();
}

bool started() { return met; }
int rank() { return my_rank; }
int count() { return all; }
int local_size() { return on_this_machine; }

void abort(ExitCode code) {
  if (met) MPI_Abort(comm_world, int(code));
  ::_exit(int(code));
}

std::vector<std::string> gathered(const std::string& text) {
  if (all == 1) return {text};
  const int mine = int(text.size());
  std::vector<int> sizes(static_cast<std::size_t>(all)), firsts;
  MPI_Allgather(&mine, 1, MPI_INT, sizes.data(), 1, MPI_INT, comm_world);
  int total = 0;
  for (int size : sizes) firsts.push_back(total), total += size;
  std::vector<std::string> texts;
  std::string joined(static_cast<std::size_t>(total), ' ');
  if (total > 0)
    MPI_Allgatherv(text.data(), mine, MPI_CHAR, joined.data(), sizes.data(), firsts.data(),
                   MPI_CHAR, comm_world);
  for (std::size_t r = 0; r < sizes.size(); ++r)
    texts.push_back(joined.substr(std::size_t(firsts[r]), std::size_t(sizes[r])));
  return texts;
}

int largest(int mine) {
  int most = mine;
  if (all > 1) MPI_Allreduce(&mine, &most, 1, MPI_INT, MPI_MAX, comm_world);
  return most;
}

void sum(std::span<double> numbers) {
  if (all > 1)
    MPI_Allreduce(MPI_IN_PLACE, numbers.data(), int(numbers.size()), MPI_DOUBLE, MPI_SUM,
                  comm_world);
}

double sum_on_node(double mine) {
  double total = mine;
  if (met) MPI_Allreduce(&mine, &total, 1, MPI_DOUBLE, MPI_SUM, neighbours);
  return total;
}

void broadcast(std::span<real> numbers) {
  for (std::size_t i = 0; all > 1 && i < numbers.size(); i += INT_MAX)
    MPI_Bcast(&numbers[i], int(std::min<std::size_t>(INT_MAX, numbers.size() - i)), number(), 0,
              comm_world);
}

void exchange_slices(std::span<const real> mine, std::span<real> theirs) {
  const Slices out{std::int64_t(mine.size())};
  const int own = out.sizes[std::size_t(my_rank)];
  std::vector<int> sizes(std::size_t(all), own), firsts;
  for (int r = 0; r < all; ++r) firsts.push_back(r * own);
  MPI_Alltoallv(mine.data(), out.sizes.data(), out.firsts.data(), number(), theirs.data(),
                sizes.data(), firsts.data(), number(), comm_world);
}

void gather_slices(std::span<real> numbers) {
  const Slices cut{std::int64_t(numbers.size())};
  MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, numbers.data(), cut.sizes.data(),
                 cut.firsts.data(), number(), comm_world);
}

void sum_in_any_order(std::span<real> numbers) {
  for (std::size_t i = 0; all > 1 && i < numbers.size(); i += INT_MAX)
    MPI_Allreduce(MPI_IN_PLACE, &numbers[i],
                  int(std::min<std::size_t>(INT_MAX, numbers.size() - i)), number(), MPI_SUM,
                  comm_world);
}

void send(int to, std::string_view text) {
  const std::int64_t size = std::int64_t(text.size());
  MPI_Send(&size, 1, MPI_INT64_T, to, length_tag, comm_world);
  for (std::size_t i = 0; i < text.size(); i += most_at_once)
    MPI_Send(text.data() + i, int(std::min(most_at_once, text.size() - i)), MPI_CHAR, to, text_tag,
             comm_world);
}

std::optional<Message> received(double seconds) {
  using namespace std::chrono;
  const auto start = steady_clock::now();
  MPI_Status status;
  for (int there = 0;;) {
    MPI_Iprobe(MPI_ANY_SOURCE, length_tag, comm_world, &there, &status);
    if (there) break;
    const double waited = duration<double>(steady_clock::now() - start).count();
    if (waited >= seconds) return {};
    // Sleeps longer the longer it has waited. A process that only yields loses its turn for
    // milliseconds when processors are scarce; one that sleeps is woken at once.
    ::usleep(useconds_t(std::clamp(1e6 * waited / 4, 10.0, 1000.0)));
  }
  Message message{.from = status.MPI_SOURCE};
  std::int64_t size = 0;
  MPI_Recv(&size, 1, MPI_INT64_T, message.from, length_tag, comm_world, MPI_STATUS_IGNORE);
  message.text.resize(std::size_t(size));
  for (std::size_t i = 0; i < message.text.size(); i += most_at_once)
    MPI_Recv(message.text.data() + i, int(std::min(most_at_once, message.text.size() - i)),
             MPI_CHAR, message.from, text_tag, comm_world, MPI_STATUS_IGNORE);
  return message;
}

}  // namespace yonder::ranks
