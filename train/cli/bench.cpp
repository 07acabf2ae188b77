#include <fmt/core.h>
#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/parallel.h"
#include "core/simd/matmul.h"
#include "train/bench/bench.h"
#include "train/cli/command_line.h"
#include "train/cli/commands.h"
#include "train/sweep/progress_board.h"
#include "train/system/mpi.h"
#include "train/system/stopwatch.h"
#include "train/system/work_queue.h"

namespace yonder {
namespace {

using Json = nlohmann::ordered_json;

struct BenchOptions {
  std::string what, size = "small", encoding = usual_encoding(), precision = "f32";
  Overrides options;
  std::vector<int> lengths{16384};
  int threads = 0, steps = 0, cells = 10000;
  std::string allreduce = "deterministic";
  double max_wait = 20;
  bool profile = false, json = false;
};

Json timing_json(const Timing& t) {
  return {{"ms", 1e3 * t.quantile(0.5)},
          {"ms_low", 1e3 * t.quantile(0.25)},
          {"ms_high", 1e3 * t.quantile(0.75)},
          {"windows", t.windows},
          {"quiet", t.quiet},
          {"own_ms", 1e3 * t.own},
          {"others", t.others},
          {"void", t.is_void()}};
}

// The timing, with throughput and share of peak by its median.
Json figures(const Timing& t, double tokens, double flops, double peak) {
  const double seconds = t.quantile(0.5);
  Json json = timing_json(t);
  json["tokens_per_second"] = tokens / seconds;
  json["gflops"] = flops / seconds / 1e9;
  json["share_of_peak"] = flops / seconds / peak;
  return json;
}

std::string verdict(const Json& json) {
  if (!json["void"]) return "";
  return fmt::format(
      "void: others used {:.1f} processors, {} of {} windows were quiet; repeat it when the "
      "machine is idle, or with a longer --max-wait",
      double(json["others"]), int(json["quiet"]), int(json["windows"]));
}

Json head_of(const BenchOptions& options, double peak) {
  return {{"bench", options.what},          {"size", options.size}, {"encoding", options.encoding},
          {"precision", options.precision}, {"threads", threads()}, {"peak_gflops", peak / 1e9}};
}

// The operations, slowest first, in ms per step; speed only for those with matrix products.
Json profile_of(TrainBench& bench, double peak) {
  constexpr int steps = 10;
  Profile profile;
  for (int i = 0; i < steps; ++i) bench.step(&profile);
  double all = 0;
  for (const auto& [name, cost] : profile) all += cost.seconds[0] + cost.seconds[1];
  Json rows = Json::array();
  for (const auto& [name, cost] : profile) {
    Json row{{"operation", name}, {"share_of_time", (cost.seconds[0] + cost.seconds[1]) / all}};
    for (const int backward : {0, 1}) {
      const std::string pass = backward ? "backward_" : "forward_";
      const double speed = cost.flops[backward] / cost.seconds[backward];
      row[pass + "ms"] = 1e3 * cost.seconds[backward] / steps;
      if (cost.flops[backward] == 0) continue;
      row[pass + "gflops"] = speed / 1e9;
      row[pass + "share_of_peak"] = speed / peak;
    }
    rows.push_back(row);
  }
  const auto longer = [](const Json& a, const Json& b) {
    return double(a["share_of_time"]) > double(b["share_of_time"]);
  };
  std::sort(rows.begin(), rows.end(), longer);
  return rows;
}

// Measures rank 0 alone, while the others sleep until its message so as not to disturb it.
Timing measure_alone(const BenchOptions& options) {
  if (ranks::rank() > 0) {
    while (!ranks::received(1)) {}
    return {};
  }
  TrainBench bench(size_named(options.size), options.encoding, options.options);
  const Timing timing = measure([&] { bench.step(); }, options.steps, options.max_wait);
  for (int r = 1; r < ranks::count(); ++r) ranks::send(r, "go on");
  return timing;
}

// Weak scaling: every rank has as much work as one alone.
Json bench_ranks(const BenchOptions& options) {
  const ranks::Communicator comm = ranks::world();
  const Timing alone = measure_alone(options);
  TrainBench bench(size_named(options.size), options.encoding, options.options, comm,
                   options.allreduce == "fast" ? Shards::Order::any : Shards::Order::kept);
  double took = 0;
  const Timing timing = measure([&] { took += seconds_of([&] { bench.step(); }); }, options.steps,
                                options.max_wait, comm);
  std::array<double, 1> share{bench.communication() / took / comm.count};
  ranks::sum(share);
  Json json = timing_json(timing);
  json["ranks"] = comm.count;
  json["allreduce"] = options.allreduce;
  json["communication"] = share[0];
  if (comm.rank > 0) return json;
  json["alone_ms"] = 1e3 * alone.quantile(0.5);
  json["alone_void"] = alone.is_void();
  json["weak_scaling"] = alone.quantile(0.5) / timing.quantile(0.5);
  return json;
}

Json bench_train(const BenchOptions& options) {
  const Size& size = size_named(options.size);
  if (ranks::count() > 1) {
    Json json{{"bench", options.what},
              {"size", options.size},
              {"encoding", options.encoding},
              {"threads", threads()}};
    json.update(bench_ranks(options));
    json["tokens_per_second"] =
        1e3 * size.batch * size.length * ranks::count() / double(json["ms"]);
    return json;
  }
  const double peak = peak_speed();
  TrainBench bench(size, options.encoding, options.options);
  const double flops = bench.flops(), first = double(pool::system_bytes());
  const Timing timing = measure([&] { bench.step(); }, options.steps, options.max_wait);
  Json json = head_of(options, peak);
  json.update(figures(timing, size.batch * size.length, flops, peak));
  json["peak_bytes"] = peak_memory();
  json["tensor_bytes"] = pool::peak_bytes();
  json["grown_bytes"] = double(pool::system_bytes()) - first;
  if (options.profile) json["profile"] = profile_of(bench, peak);
  return json;
}

void print_ranks(const Json& j) {
  std::printf("training, %s, %s, %d ranks of %d threads, allreduce %s\n",
              std::string(j["size"]).c_str(), std::string(j["encoding"]).c_str(), int(j["ranks"]),
              int(j["threads"]), std::string(j["allreduce"]).c_str());
  std::printf(
      "step    %.2f ms of a batch for each rank (quartiles %.2f to %.2f, %d quiet windows of "
      "%d), alone %.2f ms\n",
      double(j["ms"]), double(j["ms_low"]), double(j["ms_high"]), int(j["quiet"]),
      int(j["windows"]), double(j["alone_ms"]));
  std::printf(
      "speed   %.0f tokens/s, %.0f %% of weak scaling without loss; %.0f %% of the time is "
      "communication\n",
      double(j["tokens_per_second"]), 100 * double(j["weak_scaling"]),
      100 * double(j["communication"]));
  if (const std::string v = verdict(j); !v.empty()) std::puts(v.c_str());
}

void print_profile(const Json& rows) {
  std::printf("%-16s %8s %10s %8s %8s %11s %8s %8s\n", "operation", "of time", "forward ms", "GF/s",
              "of peak", "backward ms", "GF/s", "of peak");
  for (const Json& row : rows) {
    std::printf("%-16s %7.1f%%", std::string(row["operation"]).c_str(),
                100 * double(row["share_of_time"]));
    for (const auto& [pass, width] : {std::pair("forward_", 10), std::pair("backward_", 11)}) {
      const std::string of = pass;
      std::printf(" %*.3f", width, double(row[of + "ms"]));
      if (!row.contains(of + "gflops")) std::printf(" %8s %8s", "", "");
      else
        std::printf(" %8.1f %7.0f%%", double(row[of + "gflops"]),
                    100 * double(row[of + "share_of_peak"]));
    }
    std::puts("");
  }
}

void print_train(const Json& j) {
  if (j.contains("ranks")) return print_ranks(j);
  std::printf("training, %s, %s, %s, %d threads\n", std::string(j["size"]).c_str(),
              std::string(j["encoding"]).c_str(), std::string(j["precision"]).c_str(),
              int(j["threads"]));
  std::printf(
      "step    %.2f ms (quartiles %.2f to %.2f, %d quiet windows of %d), %.2f of processors\n",
      double(j["ms"]), double(j["ms_low"]), double(j["ms_high"]), int(j["quiet"]),
      int(j["windows"]), double(j["own_ms"]));
  std::printf("speed   %.0f tokens/s, %.1f GF/s of products, %.0f %% of what products reach\n",
              double(j["tokens_per_second"]), double(j["gflops"]),
              100 * double(j["share_of_peak"]));
  std::printf("memory  %.1f MB at most, of it tensors %.1f MB; grown after the first step %.0f B\n",
              double(j["peak_bytes"]) / 1e6, double(j["tensor_bytes"]) / 1e6,
              double(j["grown_bytes"]));
  if (j.contains("profile")) print_profile(j["profile"]);
  if (const std::string v = verdict(j); !v.empty()) std::puts(v.c_str());
}

Json bench_eval(const BenchOptions& options) {
  const double peak = peak_speed();
  EvalBench bench(size_named(options.size), options.encoding, options.options);
  Json json = head_of(options, peak);
  const double model = double(pool::live_bytes());
  for (const int length : options.lengths) {
    const double flops = bench.flops(length);
    pool::release();
    pool::reset_peak();
    const Timing timing = measure([&] { bench.test(length); }, options.steps, options.max_wait);
    Json row{{"length", length}};
    row.update(figures(timing, length, flops, peak));
    row["tensor_bytes"] = double(pool::peak_bytes()) - model;
    row["peak_bytes"] = peak_memory();
    json["rows"].push_back(row);
  }
  return json;
}

void print_eval(const Json& all) {
  std::printf("testing, %s, %s, %s, %d threads\n", std::string(all["size"]).c_str(),
              std::string(all["encoding"]).c_str(), std::string(all["precision"]).c_str(),
              int(all["threads"]));
  std::printf("%8s %10s %10s %10s %8s %8s %10s %9s\n", "length", "seconds", "from", "to", "GF/s",
              "of peak", "tensors", "process");
  for (const Json& j : all["rows"]) {
    std::printf("%8d %10.4f %10.4f %10.4f %8.1f %7.0f%% %7.1f MB %6.1f MB\n", int(j["length"]),
                double(j["ms"]) / 1e3, double(j["ms_low"]) / 1e3, double(j["ms_high"]) / 1e3,
                double(j["gflops"]), 100 * double(j["share_of_peak"]),
                double(j["tensor_bytes"]) / 1e6, double(j["peak_bytes"]) / 1e6);
    if (const std::string v = verdict(j); !v.empty()) std::puts(v.c_str());
  }
}

// The four products of a layer, and one of the gradient of a weight matrix.
Json bench_gemm(const BenchOptions& options) {
  Json json{{"bench", options.what},
            {"precision", options.precision},
            {"threads", threads()},
            {"rows", Json::array()}};
  double peak = 0;
  for (const char* name : {"tiny", "small", "base"}) {
    const Size s = size_named(name);
    const int D = s.width, n = s.batch * s.length;
    const int shapes[][3] = {{n, 3 * D, D}, {n, D, D}, {n, 4 * D, D}, {n, D, 4 * D}, {4 * D, D, n}};
    for (const auto& [M, N, K] : shapes) {
      const double speed = product_speed(M, N, K);
      peak = std::max(peak, speed);
      json["rows"].push_back(
          {{"size", name}, {"M", M}, {"N", N}, {"K", K}, {"gflops", speed / 1e9}});
    }
  }
  json["peak_gflops"] = std::max(peak, peak_speed()) / 1e9;
  return json;
}

void print_gemm(const Json& all) {
  std::printf("products [M, K] [K, N], %d threads\n%8s %6s %6s %6s %8s\n", int(all["threads"]),
              "size", "M", "N", "K", "GF/s");
  for (const Json& j : all["rows"])
    std::printf("%8s %6d %6d %6d %8.1f\n", std::string(j["size"]).c_str(), int(j["M"]), int(j["N"]),
                int(j["K"]), double(j["gflops"]));
  std::printf("at most %.1f GF/s, by the fastest way to multiply\n", double(all["peak_gflops"]));
}

// The scheduler of a sweep with empty cells: rank 0 hands them out, the others return them.
Json bench_handout(const BenchOptions& options) {
  if (ranks::count() == 1)
    throw SharedError(
        {ExitCode::usage,
         "bench: handout needs at least two ranks; start it as mpirun -n 2 yonder bench handout"});
  if (ranks::rank() > 0) {
    worker_loop([](const std::string&, const ProgressCallback&) { return TaskResult{}; });
    return {};
  }
  Progress progress(true);
  std::vector<std::string> names;
  for (int i = 0; i < options.cells; ++i) names.push_back("cell-" + std::to_string(i));
  ProgressBoard board(names, options.cells, progress);
  const double seconds = seconds_of([&] {
    hand_to_ranks({.count = options.cells,
                   .started = [&](int i) { board.started(i); },
                   .ended = [&](int i, const TaskResult&) { board.done(i, {}); },
                   .tick = [&] { board.show(); }},
                  [&](int i, int) { return names[std::size_t(i)]; });
  });
  shut_down(0);
  return {{"bench", options.what},
          {"ranks", ranks::count()},
          {"cells", options.cells},
          {"seconds", seconds},
          {"us_each", 1e6 * seconds / options.cells}};
}

void print_handout(const Json& j) {
  std::printf("%d cells of no work, scheduled by one rank for %d others in %.2f s: %.0f us each\n",
              int(j["cells"]), int(j["ranks"]) - 1, double(j["seconds"]), double(j["us_each"]));
}

bool read(const Arguments& arguments, BenchOptions& options) {
  CommandLine line(
      "bench", "measures training, long evaluations and matrix multiplication",
      {"yonder bench train --size small --encoding rope",
       "yonder bench eval --encoding xlnet --lengths 1024,4096,16384", "yonder bench gemm",
       "mpirun -n 2 yonder bench train", "mpirun -n 8 --oversubscribe yonder bench handout"});
  line.argument("WHAT", options.what, "train, eval, gemm, or handout (scheduling)",
                CommandLine::Presence::required);
  line.add("Model",
           {Option{"size", &options.size,
                   "width, heads, layers, length × batch: tiny 64, 4, 2, "
                   "64 × 32; small 128, 4, 4, 128 × 16; base 256, 8, 6, 256 × 8"}
                .one_of({"tiny", "small", "base"}),
            Option{"encoding", &options.encoding, "encoding; see yonder list encodings"}.kept_as(
                canonical_encoding),
            Option{"precision", &options.precision, "matmul precision"}.one_of({"f32", "bf16"})});
  line.numbers(
      "Model",
      Option{"lengths", {}, "lengths of eval's sequences, in tokens"}.takes("N,N,...").formerly(
          "length"),
      options.lengths);
  line.add(
      "Measurement",
      {Option{"threads", &options.threads, "threads; 0: one per processor"}.within(0, 1024),
       Option{"steps", &options.steps, "steps or evaluations per window; 0: half a second's worth"}
           .within(0, 1000000),
       Option{"max-wait", &options.max_wait,
              "seconds to wait for nine windows without other busy processes"}
           .within(0, 86400)
           .formerly("patience"),
       Option{"allreduce", &options.allreduce, "for train under mpirun, as in yonder train"}
           .one_of({"deterministic", "fast"})
           .formerly("reduce")
           .choice_formerly("ordered", "deterministic"),
       Option{"cells", &options.cells, "empty runs that handout schedules"}.within(1, 10000000),
       Option{"profile", &options.profile, "for train: time and share of peak for each operation"},
       Option{"json", &options.json, "as JSON"}});
  line.encodings(options.options, CommandLine::When::training);
  return line.parse(arguments);
}

// Returns false if help was requested.
bool parse_options(const Arguments& arguments, BenchOptions& options) {
  if (!read(arguments, options)) return false;
  if (options.profile && (options.what != "train" || ranks::count() > 1))
    throw UsageError("bench: --profile is only valid for train without mpirun; omit it");
  for (const char* name : {"train", "eval", "gemm", "handout"})
    if (name == options.what) {
      if (ranks::count() > 1 && (options.what == "eval" || options.what == "gemm"))
        throw UsageError("bench: " + options.what +
                         " is not work for several ranks; start it without "
                         "mpirun");
      return true;
    }
  throw UsageError("bench: there is no '" + options.what +
                   "' to measure; take train, eval, gemm or handout");
}

}  // namespace

ExitCode bench_command(const Arguments& arguments) {
  struct Bench {
    const char* name;
    Json (*measure)(const BenchOptions&);
    void (*print)(const Json&);
  };
  constexpr Bench benches[] = {{"train", bench_train, print_train},
                               {"eval", bench_eval, print_eval},
                               {"gemm", bench_gemm, print_gemm},
                               {"handout", bench_handout, print_handout}};
  BenchOptions options;
  bool proceed = false;
  ranks::run_collectively([&] { proceed = parse_options(arguments, options); });
  if (!proceed) return ExitCode::ok;
  if (options.threads > 0) set_threads(options.threads);
  else if (ranks::count() > 1) ranks::share_processors();
  const WithPrecision precision(precision_named(options.precision));
  for (const Bench& bench : benches) {
    if (bench.name != options.what) continue;
    const Json json = bench.measure(options);
    if (ranks::rank() > 0) return ExitCode::ok;
    if (options.json) std::puts(json.dump().c_str());
    else bench.print(json);
    return ExitCode::ok;
  }
  return ExitCode::failed;  // parse_options() knows them all
}

}  // namespace yonder
