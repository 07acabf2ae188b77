#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "core/parallel.h"
#include "train/flags.h"
#include "train/progress.h"
#include "train/run.h"
#include "train/verbs.h"

namespace yonder {
namespace {

std::string number(double x, int digits) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", digits, x);
  return text;
}

std::string percent(double x) { return number(100 * x, 1) + "%"; }

void print_table(const std::vector<EvalRow>& rows, const Task& task) {
  const char* const last = task.is_text() ? "perplexity" : "exact";
  std::printf("%8s %8s %10s %10s %10s %10s %9s\n", "length", "tokens", "loss", "accuracy", last,
              "chance", "examples");
  for (const EvalRow& row : rows) {
    if (!row.undefined.empty()) {
      std::printf("%8d %8d  undefined: %s\n", row.length, row.tokens, row.undefined.c_str());
      continue;
    }
    const std::string quality =
        task.is_text() ? number(row.perplexity, 4) : percent(row.exact_match);
    std::printf("%8d %8d %10s %10s %10s %10s %9d\n", row.length, row.tokens,
                number(row.loss, 4).c_str(), percent(row.token_accuracy).c_str(), quality.c_str(),
                percent(row.chance).c_str(), row.examples);
  }
}

void print_json(const std::vector<EvalRow>& rows, const Trained& run) {
  nlohmann::ordered_json json{{"task", run.config.task},
                              {"encoding", run.model->encoding().name()},
                              {"trained_length", run.config.length},
                              {"steps", run.step},
                              {"seed", run.config.seed},
                              {"rows", nlohmann::ordered_json::array()}};
  for (const EvalRow& row : rows) {  // JSON has no NaN: what is not there is null
    json["rows"].push_back({{"length", row.length},
                            {"tokens", row.tokens},
                            {"examples", row.examples},
                            {"loss", row.loss},
                            {"perplexity", row.perplexity},
                            {"token_accuracy", row.token_accuracy},
                            {"exact_match", row.exact_match},
                            {"chance", row.chance}});
    if (!row.undefined.empty()) json["rows"].back()["undefined"] = row.undefined;
  }
  std::printf("%s\n", json.dump(2).c_str());
}

void write_positions(const std::string& path, const std::vector<EvalRow>& rows) {
  std::string csv = "length,index,loss\n";
  char line[96];
  for (const EvalRow& row : rows)
    for (std::size_t t = 0; t < row.position_loss.size(); ++t) {
      std::snprintf(line, sizeof line, "%d,%zu,%.17g\n", row.length, t, row.position_loss[t]);
      csv += line;
    }
  write_file(path, csv);
}

Protocol protocol_of(const std::string& name) {
  return name == "sliding"           ? Protocol::sliding
         : name == "non-overlapping" ? Protocol::non_overlapping
                                     : Protocol::same_targets;
}

}  // namespace

int eval_verb(const Arguments& arguments) {
  std::string path, protocol = "same-targets", per_position;
  EvalSettings settings;
  Settings options;
  int threads = 0;
  bool quiet = false, json = false;
  Flags flags("eval", "tests a trained model at lengths that it may never have seen",
              {"yonder eval runs/copy --lengths 16,32,64",
               "yonder eval runs/copy --lengths 16,32,64 --rope.scaling ntk --rope.factor 4",
               "yonder eval runs/text --lengths 64,128,256 --per-position loss.csv --json"});
  flags.argument("DIR", path, "a run's folder, whose last checkpoint is tested, or a checkpoint",
                 Flags::Presence::required);
  flags.numbers("Test", "--lengths", settings.lengths, "in items of the task, or bytes of text");
  flags.add("Test",
            {Option{"examples", &settings.examples, "sequences at each length"}
                 .within(0, 1 << 24)
                 .shown_as("the task's own number"),
             Option{"protocol", &protocol, "how a text is cut into windows"}.one_of(
                 {"same-targets", "non-overlapping", "sliding"}),
             Option{"threads", &threads, "results do not depend on it"}.within(0, 1024).shown_as(
                 "all cores")});
  flags.text("Output", "--per-position", "FILE", per_position,
             "of a text, the loss by index in the window, as CSV");
  flags.on("Output", "--json", json, "the results as JSON");
  flags.on("Output", "--quiet", quiet, "no progress");
  flags.tasks(options, Flags::When::testing);
  flags.encodings(options, Flags::When::testing);
  if (!flags.parse(arguments)) return fine;
  if (settings.lengths.empty())
    throw UsageError("eval: --lengths is missing; say how long to test, like 32,64,128");
  settings.protocol = protocol_of(protocol);
  if (threads > 0) set_threads(threads);

  Trained run = load(path, options);
  if (!per_position.empty() && !run.task->is_text())
    throw UsageError("eval: --per-position is for texts, and " + run.config.task + " is none");
  Progress progress(quiet ? Progress::Voice::quiet : Progress::Voice::normal);
  const auto rows = evaluate(run, settings, [&](int index, double part) {
    progress.show("length " + std::to_string(settings.lengths[index]) + ": " + percent(part));
  });
  progress.clear();
  if (!per_position.empty()) write_positions(per_position, rows);
  if (json) print_json(rows, run);
  else print_table(rows, *run.task);
  return fine;
}

}  // namespace yonder
