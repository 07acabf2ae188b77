#include <fmt/core.h>
#include <cstdio>

#include "core/parallel.h"
#include "train/cli/command_line.h"
#include "train/cli/commands.h"
#include "train/evaluation/factor_search.h"
#include "train/system/progress.h"

namespace yonder {
namespace {

struct SearchOptions {
  std::string path;
  FactorSearch search;
  int threads = 0;
  bool quiet = false;
  Overrides of_task, of_encoding;
};

void declare(CommandLine& line, SearchOptions& options) {
  line.argument("DIR", options.path, "a run's folder (its last checkpoint is used) or a checkpoint",
                CommandLine::Presence::required);
  FactorSearch& search = options.search;
  line.add(
      "Search",
      {Option{"length", &search.length, "target length, beyond the training length"}
           .within(0, 1 << 24)
           .shown_as("4 times the training length"),
       Option{"examples", &search.examples, "validation sequences for each set of factors"}.within(
           1, 1 << 24),
       Option{"rounds", &search.evolution.rounds, "generations"}.within(0, 100000),
       Option{"population", &search.evolution.population,
              "candidates; each round keeps the better half and replaces the rest"}
           .within(4, 100000),
       Option{"seed", &search.evolution.seed, "random seed of the search"}.at_least(0)});
  line.add(
      "Run",
      {Option{"threads", &options.threads, "threads; results unaffected"}.within(0, 1024).shown_as(
           "all cores"),
       Option{"quiet", &options.quiet, "no progress on stderr"}});
  line.tasks(options.of_task, CommandLine::When::testing);
  line.encodings(options.of_encoding, CommandLine::When::testing);
}

}  // namespace

ExitCode search_command(const Arguments& arguments) {
  SearchOptions options;
  CommandLine line("search",
                   "searches for LongRoPE's rescale factors for a model with rope, by evolutionary "
                   "search on validation loss",
                   {"yonder search runs/text --length 256",
                    "yonder search runs/text --length 512 --rounds 20 --examples 64 --seed 1"});
  declare(line, options);
  if (!line.parse(arguments)) return ExitCode::ok;
  if (options.threads > 0) set_threads(options.threads);
  Trained run = load(options.path, concatenated(options.of_task, options.of_encoding));
  if (options.search.length == 0) options.search.length = 4 * run.config.train_length;
  Progress progress(options.quiet);
  const FoundFactors found = search_factors(run, options.search, [&](int tried, double least) {
    progress.show(fmt::format("{} sets of factors, least loss {:.4f}", tried, least));
  });
  progress.clear();
  std::fprintf(stderr,
               "length %d, %d sets of factors, validation loss: linear %.4f, yarn's %.4f, found "
               "%.4f\n",
               options.search.length, found.tried, found.linear.loss, found.yarn.loss,
               found.best.loss);
  Overrides result{{"rope.scaling", "longrope"},
                   {"rope.factors", text_of_factors(found.best.factors)}};
  for (const Override& o : options.of_encoding)  // used during the search
    if (o.key.name != "scaling" && o.key.name != "factors") result.push_back(o);
  std::printf("%s\n", text_of(result).c_str());
  return ExitCode::ok;
}

}  // namespace yonder
