#include "train/bench/bench.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "core/io/files.h"
#include "core/ops/ops.h"
#include "core/parallel.h"
#include "core/random.h"
#include "core/simd/matmul.h"
#include "train/system/stopwatch.h"
#include "train/training/batch_loss.h"

namespace yonder {
namespace {

constexpr int vocabulary = 256, batches = 8;

// CPU seconds used so far by all processes and the hypervisor (proc(5), the first line of
// /proc/stat: user nice system idle iowait irq softirq steal).
double used_by_all() {
  std::istringstream stat(read_file("/proc/stat"));
  std::string cpu;
  double user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, steal = 0;
  stat >> cpu >> user >> nice >> system >> idle >> wait >> irq >> soft >> steal;
  return (user + nice + system + irq + soft + steal) / double(sysconf(_SC_CLK_TCK));
}

// One window: seconds and CPU seconds of one repeat, and the processors that others used.
struct TimingWindow {
  double seconds, own, others;
};

TimingWindow window(const std::function<void()>& work, int repeats, ranks::Communicator comm = {}) {
  const auto used_by_ranks = [comm] {
    return comm.count > 1 ? ranks::sum_on_node(processor_seconds()) : processor_seconds();
  };
  const double all = used_by_all(), us = used_by_ranks();
  const double took = seconds_of([&] {
    for (int i = 0; i < repeats; ++i) work();
  });
  const double own = used_by_ranks() - us, others = used_by_all() - all - own;
  return {took / repeats, own / repeats, std::max(0.0, others / took)};
}

Dims dims_of(const Size& s) {
  return {.vocabulary = vocabulary,
          .width = s.width,
          .heads = s.heads,
          .layers = s.layers,
          .mlp = 4 * s.width,
          .trained = s.length};
}

Transformer model_of(const Size& size, const std::string& encoding, const Overrides& options) {
  auto composition = std::make_unique<Composition>(encoding);
  for (const auto& [key, value] : options) composition->set(key, value);
  return {dims_of(size), std::move(composition), 0};
}

std::vector<int> random_tokens(int n, std::uint32_t which) {
  const Random random(0, "bench", which);
  std::vector<int> tokens(n);
  for (int i = 0; i < n; ++i) tokens[i] = int(random.below(vocabulary, std::uint64_t(i)));
  return tokens;
}

// Operations per second, every thread with its own product; 0 if the library lacks it.
double library_speed(Library library, std::int64_t M, std::int64_t N, std::int64_t K) {
  const double ops = 2.0 * double(M) * double(N) * double(K);
  const int repeats = int(std::clamp(2e9 / ops, 1.0, 1000.0)), parts = threads();
  if (!repeat_product(library, 1, 1, 1, 0)) return 0;
  const auto all = [&](int times) {
    parallel_for(parts, [&](std::int64_t) { repeat_product(library, M, N, K, times); });
  };
  double best = 0;
  for (int i = 0; i < 5; ++i)
    best = std::max(best, repeats * parts * ops / window([&] { all(repeats); }, 1).seconds);
  return best;
}

}  // namespace

const Size& size_named(const std::string& name) {
  static const Size sizes[] = {
      {"tiny", 64, 4, 2, 64, 32}, {"small", 128, 4, 4, 128, 16}, {"base", 256, 8, 6, 256, 8}};
  return *std::find_if(std::begin(sizes), std::end(sizes) - 1,
                       [&](const Size& s) { return s.name == name; });
}

double Timing::quantile(double part) const {
  const double at = part * double(seconds.size() - 1);
  const auto i = std::size_t(at);
  const double next = seconds[std::min(i + 1, seconds.size() - 1)];
  return seconds[i] + (at - double(i)) * (next - seconds[i]);
}

Timing measure(const std::function<void()>& work, int repeats, double max_wait,
               ranks::Communicator comm) {
  constexpr double most_of_others = 0.1, length_of_window = 0.5;
  constexpr int enough = 9;
  const auto broadcast = [comm](int n) {
    return comm.count > 1 ? ranks::largest(comm.rank == 0 ? n : 0) : n;
  };
  const auto start = Clock::now();
  work();  // grows the storage and warms the caches
  if (repeats == 0) {
    const double once = window(work, 1, comm).seconds;
    repeats = broadcast(int(std::clamp(length_of_window / once, 1.0, 1e6)));
  }
  Timing timing;
  std::vector<double> quiet, all;
  while (broadcast(timing.quiet < enough &&
                   (timing.windows == 0 || seconds_since(start) < max_wait))) {
    const TimingWindow w = window(work, repeats, comm);
    ++timing.windows;
    timing.others += (w.others - timing.others) / timing.windows;
    timing.own += (w.own - timing.own) / timing.windows;
    all.push_back(w.seconds);
    if (w.others <= most_of_others) quiet.push_back(w.seconds), ++timing.quiet;
  }
  timing.seconds = quiet.empty() ? all : quiet;
  std::sort(timing.seconds.begin(), timing.seconds.end());
  return timing;
}

TrainBench::TrainBench(const Size& size, const std::string& encoding, const Overrides& options,
                       ranks::Communicator comm, Shards::Order order)
    : size_(size), model_(model_of(size, encoding, options)), optimizer_(model_.parameters(), {}) {
  const int sequences = size.batch * comm.count, tokens = sequences * size.length;
  for (int b = 0; b < batches; ++b)
    batches_.push_back({.size = sequences,
                        .extent = size.length,
                        .tokens = random_tokens(tokens, std::uint32_t(2 * b)),
                        .targets = random_tokens(tokens, std::uint32_t(2 * b + 1))});
  if (comm.count > 1) shards_.emplace(model_.parameters(), comm.count, order, comm);
}

// Adds the gradient of `weight` times the loss; returns the loss.
double TrainBench::forward_backward(const Batch& batch, double weight, Profile* profile) {
  RandomStream draws(Random(0, "positions", std::uint32_t(taken_)));
  const Placed at(model_.encoding(),
                  {.batch = batch.size, .tokens = size_.length, .draws = &draws});
  std::optional<ProductCount> products;
  Tape tape;
  auto before = Clock::now();
  double counted = 0;
  if (profile) {
    products.emplace();
    tape.observe([&, profile](const Operation& op, Tape::Direction direction) {
      const double took = seconds_since(before);
      const bool backward = direction == Tape::Direction::backward;
      OperationCost& cost = (*profile)[name_of(op)];
      cost.seconds[backward] += took;
      cost.flops[backward] += products->flops() - counted;
      counted = products->flops(), before = Clock::now();
    });
  }
  const Var loss = mean_loss(model_, batch, at);
  tape.backward(weight == 1 ? loss : real(weight) * loss);
  return loss.value()[0];
}

void TrainBench::step(Profile* profile) {
  const Batch& batch = batches_[std::size_t(taken_++ % batches)];
  if (shards_)
    shards_->gradient(
        batch, [&](const Batch& part, double w) { return forward_backward(part, w, profile); });
  else forward_backward(batch, 1, profile);
  auto before = Clock::now();
  const auto done = [profile, &before](const std::string& what) {
    if (profile) (*profile)[what].seconds[0] += seconds_since(before);
    before = Clock::now();
  };
  const double norm = gradient_norm(model_.parameters());
  done("gradient_norm");
  optimizer_.step(3e-4, norm > 1 ? 1 / norm : 1);
  model_.parameters().clear_gradients();
  done("AdamW");
}

double TrainBench::flops() {
  const ProductCount products;
  step();
  return products.flops();
}

EvalBench::EvalBench(const Size& size, const std::string& encoding, const Overrides& options)
    : model_(model_of(size, encoding, options)) {}

void EvalBench::test(int length) {
  constexpr int at_once = 2048;  // rows of logits
  const std::vector<int> tokens = random_tokens(length, 0), targets = random_tokens(length, 1);
  const Placed at(model_.encoding(), {.batch = 1, .tokens = length});
  const Var hidden = model_.hidden(tokens, at);
  for (int first = 0; first < length; first += at_once) {
    const int n = std::min(at_once, length - first);
    const Var logits = model_.head(slice(hidden, 1, first, n));
    token_losses(logits.value(), std::span(targets).subspan(std::size_t(first), std::size_t(n)));
  }
}

double EvalBench::flops(int length) {
  const ProductCount products;
  test(length);
  return products.flops();
}

double product_speed(std::int64_t M, std::int64_t N, std::int64_t K) {
  const Tensor a({int(M), int(K)}), b({int(K), int(N)}), c({int(M), int(N)});
  const Product product{.M = M,
                        .N = N,
                        .K = K,
                        .a = {a.data.get(), K},
                        .b = {b.data.get(), N},
                        .c = c.data.get(),
                        .c_stride = N};
  const double ops = 2.0 * double(M) * double(N) * double(K);
  const int repeats = int(std::clamp(5e9 / ops, 1.0, 1000.0));
  double best = 0;
  for (int i = 0; i < 5; ++i)
    best = std::max(best, ops / window([&] { matmul(product); }, repeats).seconds);
  return best;
}

double peak_speed() {
  constexpr std::int64_t rows = 256;  // per thread
  double best = 0;
  for (const char* name : {"small", "base"}) {
    const Size s = size_named(name);
    const std::int64_t D = s.width, tokens = s.batch * s.length;
    for (const auto& [N, K] : {std::pair{4 * D, D}, {D, 4 * D}}) {
      best = std::max(best, product_speed(tokens, N, K));
      for (const Library library : {Library::blas, Library::primitive, Library::packed})
        best = std::max(best, library_speed(library, rows, N, K));
    }
  }
  return best;
}

double peak_memory() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  return 1024.0 * double(use.ru_maxrss);
}

}  // namespace yonder
