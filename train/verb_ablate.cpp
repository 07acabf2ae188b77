#include <algorithm>
#include <cstdio>

#include "core/error.h"
#include "train/flags.h"
#include "train/report.h"
#include "train/report_page.h"
#include "train/sweep.h"
#include "train/table.h"
#include "train/verbs.h"

namespace yonder {
namespace {

struct Wish {
  SweepConfig sweep;
  std::string encodings = "none,learned,sinusoidal,rope,alibi,t5,kerple", out;
  bool windowed = false, force = false, resume = false, json = false, quiet = false;
};

void declare(Flags& flags, Wish& wish) {
  RunConfig& base = wish.sweep.base;
  flags.add("Sweep", {Option{"task", &base.task, "what is learned; see yonder list tasks"}});
  flags.text("Sweep", "--encodings", "LIST", wish.encodings,
             "rows of the table, commas between, or all; options behind colons, as in "
             "rope:rope.scaling=yarn:rope.factor=4: those of the test share the training of their "
             "encoding, others (deberta:deberta.decoder=0) make it another");
  flags.add("Sweep", {Option{"length", &base.length,
                             "longest length of training, in items; of text, in bytes"}
                          .within(1, 1 << 24)});
  flags.numbers("Sweep", "--lengths", wish.sweep.lengths,
                "lengths of the tests [1, 2, 4 and 8 times --length]");
  flags.add("Sweep", {Option{"seeds", &wish.sweep.seeds, "models of each encoding"}.within(1, 1000),
                      Option{"examples", &wish.sweep.examples, "sequences of a test"}
                          .within(0, 1 << 24)
                          .shown_as("the task's own number")});
  flags.on("Sweep", "--windowed", wish.windowed,
           "also test each encoding seeing only the last --length tokens: the baseline to beat");
  flags.text("Sweep", "--out", "DIR", wish.out, "folder of the results (required)");
  flags.on("Sweep", "--resume", wish.resume, "go on with DIR: finished cells are kept");
  flags.on("Sweep", "--force", wish.force, "replace the run in DIR");
  flags.on("Sweep", "--json", wish.json, "print results.json instead of tables");
  flags.on("Sweep", "--quiet", wish.quiet, "no progress");
  flags.add("Model", base.model_fields());
  flags.on("Model", "--tied", base.tied, "the logits share the embedding's matrix");
  flags.on("Model", "--bidirectional", base.bidirectional, "models of masked tokens");
  flags.add("Training", base.training_fields());
  flags.tasks(base.options, Flags::When::training);
  flags.encodings(base.options, Flags::When::training);
}

// Every registered encoding that serves such a model.
std::string all_encodings(const RunConfig& base) {
  const Serves other = base.bidirectional ? Serves::causal_only : Serves::bidirectional_only;
  std::string names;
  for (const Entry& e : registry())
    if (e.serves != other && !(base.tied && e.make()->complex()))
      names += (names.empty() ? "" : ",") + e.name;
  return names;
}

void complete(Wish& wish) {
  SweepConfig& sweep = wish.sweep;
  if (wish.out.empty())
    throw UsageError("ablate: --out is missing; name a folder for the results, as in --out runs/a");
  if (wish.force && wish.resume)
    throw UsageError("ablate: --force replaces a run and --resume continues it; give one of them");
  sweep.rows = parse_rows(wish.encodings == "all" ? all_encodings(sweep.base) : wish.encodings);
  if (wish.windowed)
    for (const Row& row : std::vector<Row>(sweep.rows))
      if (row.extension.empty()) sweep.rows.push_back({row.encoding, {{"window.size", "0"}}});
  if (sweep.lengths.empty())
    for (int k : {1, 2, 4, 8}) sweep.lengths.push_back(k * sweep.base.length);
}

}  // namespace

int ablate_verb(const Arguments& arguments) {
  Wish wish;
  Flags flags("ablate", "train encodings short, test them long, and compare",
              {"yonder ablate --task copy --encodings rope,alibi,t5 --length 20 --lengths 20,40,80 "
               "--width 64 --layers 2 --batch 64 --steps 1500 --lr 2e-3 --out runs/copy",
               "yonder ablate --task text --text /usr/share/common-licenses --encodings "
               "rope,rope:rope.scaling=yarn,kerple --length 64 --lengths 64,128,512 --width 64 "
               "--layers 2 --steps 300 --lr 3e-3 --out runs/text"});
  declare(flags, wish);
  if (!flags.parse(arguments)) return fine;
  complete(wish);

  Progress progress(wish.quiet ? Progress::Voice::quiet : Progress::Voice::normal);
  const Start start = wish.force ? Start::over : wish.resume ? Start::resumed : Start::fresh;
  const SweepEnd end = sweep(wish.sweep, wish.out, start, progress);
  if (end.signal) {
    std::fprintf(stderr,
                 "ablate: stopped; finished cells are kept, the same command with --resume goes "
                 "on\n");
    return 128 + end.signal;
  }
  const Written page = write_report(end.study, wish.out);
  if (!page.problem.empty()) std::fprintf(stderr, "%s\n", page.problem.c_str());
  if (wish.json) std::fputs(to_json(end.study).c_str(), stdout);
  else std::fputs(report(end.study, wish.out, look_of_stdout()).c_str(), stdout);
  return end.study.failures.empty() ? fine : cells_failed;
}

}  // namespace yonder
