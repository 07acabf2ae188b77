#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "core/io/files.h"
#include "core/parallel.h"
#include "core/text.h"
#include "train/cli/command_line.h"
#include "train/cli/commands.h"
#include "train/evaluation/extrapolation.h"
#include "train/report/table.h"
#include "train/results/attention_table.h"
#include "train/system/progress.h"
#include "train/training/session.h"

namespace yonder {
namespace {

std::string percent(double x) { return fmt::format("{:.1f}%", 100 * x); }

void print_table(const std::vector<EvalRow>& rows, const Task& task) {
  const char* const last = task.is_text() ? "perplexity" : "exact match";
  std::printf("%8s %8s %10s %10s %11s %10s %9s\n", "length", "tokens", "loss", "token acc.", last,
              "chance", "examples");
  for (const EvalRow& row : rows) {
    const std::string length = text_of_range(row.least, row.length);
    if (row.status != Status::ok) {
      std::printf("%8s %8d  %s: %s\n", length.c_str(), row.tokens, name_of(row.status),
                  row.problem.c_str());
      continue;
    }
    const std::string quality =
        task.is_text() ? fmt::format("{:.4f}", row.perplexity) : percent(row.exact_match);
    std::printf("%8s %8d %10s %10s %11s %10s %9d\n", length.c_str(), row.tokens,
                fmt::format("{:.4f}", row.loss).c_str(), percent(row.token_accuracy).c_str(),
                quality.c_str(), percent(row.chance).c_str(), row.examples);
  }
}

void print_json(const std::vector<EvalRow>& rows, const Trained& run) {
  nlohmann::ordered_json json{{"task", run.config.task},
                              {"encoding", run.model->encoding().name()},
                              {"train_length", run.config.train_length},
                              {"steps", run.step},
                              {"seed", run.config.seed},
                              {"rows", nlohmann::ordered_json::array()}};
  for (const EvalRow& row : rows) {  // JSON has no NaN: missing values are null
    const Interval sequences = bootstrap_of_sequences(row.sequence_loss, row.sequence_targets);
    json["rows"].push_back({{"eval_length", row.length},
                            {"eval_length_min", row.least},
                            {"eval_tokens", row.tokens},
                            {"examples", row.examples},
                            {"targets", row.targets},
                            {"loss", row.loss},
                            {"loss_low", sequences.low},
                            {"loss_high", sequences.high},
                            {"perplexity", row.perplexity},
                            {"token_accuracy", row.token_accuracy},
                            {"exact_match", row.exact_match},
                            {"chance", row.chance},
                            {"status", name_of(row.status)}});
    if (row.status != Status::ok) json["rows"].back()["error"] = row.problem;
    if (const double bytes = run.task->bytes_per_token(); !std::isnan(bytes))
      json["rows"].back()["bits_per_byte"] = bits_per_byte(row.loss, bytes);
  }
  std::printf("%s\n", json.dump(2).c_str());
}

void write_positions(const std::string& path, const std::vector<EvalRow>& rows) {
  std::string csv = "length,index,loss\n";
  for (const EvalRow& row : rows)
    for (std::size_t t = 0; t < row.position_loss.size(); ++t) {
      if (std::isnan(row.position_loss[t])) continue;  // nothing was masked there
      csv += fmt::format("{},{},{:.17g}\n", row.length, t, row.position_loss[t]);
    }
  write_file(path, csv);
}

// Prints statistics of attention at each length, as ranges over all heads.
void print_attention(const Results& results) {
  const Row* row = nullptr;
  for (const AttentionScore& look : results.attention) {
    if (!row || *row != look.row)
      std::printf("\n%8s %13s %13s %13s  attention%s\n", "length", "keys", "distance", "within N",
                  results.rows.size() > 1 ? (" of " + look.row.printed()).c_str() : "");
    row = &look.row;
    const auto range = [&](double HeadStatistics::*of, int digits) {
      const auto [least, most] = std::ranges::minmax_element(
          look.heads,
          [of](const HeadStatistics& a, const HeadStatistics& b) { return a.*of < b.*of; });
      return fmt::format("{0:.{2}f}-{1:.{2}f}", (*least).*of, (*most).*of, digits);
    };
    std::printf(
        "%8s %13s %13s %13s  %s\n", text_of(look.length, results.bins).c_str(),
        range(&HeadStatistics::keys, 1).c_str(), range(&HeadStatistics::distance, 1).c_str(),
        range(&HeadStatistics::within, 2).c_str(), name_of(pattern(look.heads, look.tokens)));
  }
}

struct EvalOptions {
  std::string path, per_position, attention;
  std::vector<std::string> extensions, factors;
  EvalSettings settings;
  Overrides of_task, of_encoding;
  int threads = 0;
  bool quiet = false, json = false;
};

void declare(CommandLine& line, EvalOptions& options) {
  EvalSettings& settings = options.settings;
  line.argument("DIR", options.path, "a run's folder (its last checkpoint is used) or a checkpoint",
                CommandLine::Presence::required);
  line.lengths("Evaluation",
               Option{"eval_lengths", {}, "lengths, in items or bytes of text; 26-50 is a bin"}
                   .takes("N,N,...")
                   .shown_as("1, 2, 4 and 8 times the training length")
                   .also("lengths"),
               settings.lengths, settings.bins);
  line.names("Evaluation",
             Option{"extensions",
                    {},
                    "compare inference-time overrides: all, an option, or option=value (several "
                    "joined by colons)"}
                 .takes("LIST"),
             options.extensions);
  line.names(
      "Evaluation",
      Option{"sharpen", {}, "evaluate all rows with q·k times each of these (1: unchanged)"}.takes(
          "X,X,..."),
      options.factors);
  line.add(
      "Evaluation",
      {Option{"examples", &settings.examples, "sequences at each length"}
           .within(0, 1 << 24)
           .shown_as("depends on the task"),
       choice("eval_protocol", &settings.protocol, "how a text is cut into windows")
           .choice_formerly("same-targets", "fixed-targets")
           .formerly("protocol"),
       Option{"threads", &options.threads, "threads; results unaffected"}.within(0, 1024).shown_as(
           "all cores")});
  line.add(
      "Output",
      {Option{"per_position", &options.per_position,
              "write the loss by position in the window (text only), as CSV"}
           .takes("FILE"),
       Option{"attention", &options.attention,
              "write where each head attends, as CSV, and print a summary"}
           .takes("FILE"),
       Option{
           "attention_map", &options.settings.map_blocks,
           "also write attention maps of the first sequence, in N blocks, beside FILE, as .map.csv"}
           .within(0, 1024)
           .shown_as("none"),
       Option{"json", &options.json, "print the results as JSON"},
       Option{"quiet", &options.quiet, "no progress"}});
  line.tasks(options.of_task, CommandLine::When::testing);
  line.encodings(options.of_encoding, CommandLine::When::testing);
}

// A text has only as many sequences as fit into it.
void require_examples(const Task& task, const EvalSettings& settings, int longest) {
  const int there = task.sequences({.length = longest,
                                    .longest = longest,
                                    .least = least_of_bin(longest, settings.bins),
                                    .count = settings.examples,
                                    .protocol = settings.protocol});
  if (there < settings.examples)
    throw UsageError(fmt::format(
        "eval: --examples: {} are asked for, and there are {} of length {}; ask for these or fewer",
        settings.examples, there, longest));
}

// Prints a table for each measure, then why values are missing.
void print_side_by_side(const Results& results) {
  for (const Measure& m : results.measures())
    std::printf("%s: %s\n\n%s\n", results.title().c_str(), m.title,
                table(results, m, style_of_stdout()).c_str());
  std::string last;
  for (const EvalScore& s : results.scores) {
    if (s.status == Status::ok || s.row.label() == last) continue;
    last = s.row.label();
    std::printf("%s at %d: %s\n", last.c_str(), s.length, s.problem.c_str());
  }
}

// The N of a fine-tuned model is not the training length that the table marks.
void print_counted_from(const Trained& run) {
  const int N = run.model->dims().trained, last = run.task->tokens(run.config.train_length);
  if (N != last)
    std::printf(
        "Windows, scalings and log n count from the %d tokens of an earlier training, not "
        "from the %d of the last.\n",
        N, last);
}

// Writes FILE.csv and, if asked for, FILE.map.csv.
void write_attention(const EvalOptions& options, const Study& study) {
  std::string path = options.attention;
  write_file(path, attention_csv(study));
  if (options.settings.map_blocks == 0) return;
  if (path.ends_with(".csv")) path.resize(path.size() - 4);
  write_file(path + ".map.csv", attention_map_csv(study));
}

// The attention of one model, as a study.
Study attention_of(const EvalOptions& options, const Trained& run, const Inputs& inputs,
                   const std::vector<EvalRow>& rows) {
  // An override may have added a component to the encoding.
  const Trained plain = load(options.path, options.of_task, inputs);
  const Row row{plain.model->encoding().name(), options.of_encoding};
  Results results{.task = run.config.task,
                  .test = text_of(options.of_task),
                  .protocol = run.task->is_text() ? text_of(options.settings.protocol) : "answer",
                  .train_length = run.config.train_length,
                  .bins = options.settings.bins,
                  .rows = {row}};
  for (const EvalRow& e : rows) add_attention(results, row, run.config.seed, e);
  return {.panels = {results}};
}

void test_extensions(const EvalOptions& options, const Trained& run, const Inputs& inputs,
                     Progress& progress) {
  const Composition& encoding = run.model->encoding();
  std::vector<Row> rows{{encoding.name(), options.of_encoding}};
  if (!options.extensions.empty())
    rows = extension_rows(encoding, options.extensions, options.of_encoding);
  if (!options.factors.empty()) rows = sharpened(encoding, rows, options.factors);
  const bool all = has(options.extensions, "all");
  const Study study = compare(
      options.path, rows, all ? Refused::tell : Refused::fail, options.of_task, options.settings,
      [&](int row, double part) {
        progress.show(rows[std::size_t(row)].label() + ": " + percent(part));
      },
      inputs);
  progress.clear();
  if (!options.attention.empty()) write_attention(options, study);
  if (options.json) return void(std::fputs(to_json(study).c_str(), stdout));
  print_side_by_side(study.panels[0]);
  print_attention(study.panels[0]);
  print_counted_from(run);
  if (all && !has_extensions(encoding))
    std::printf("%s has no extension of its own; the others can be added to most models.\n",
                encoding.name().c_str());
}

void test_one(const EvalOptions& options, Trained& run, const Inputs& inputs, Progress& progress) {
  const auto rows = evaluate(run, options.settings, [&](int index, double part) {
    progress.show(
        fmt::format("length {}: {}", options.settings.lengths[std::size_t(index)], percent(part)));
  });
  progress.clear();
  if (!options.per_position.empty()) write_positions(options.per_position, rows);
  if (options.json) print_json(rows, run);
  else print_table(rows, *run.task);
  if (options.attention.empty()) return;
  const Study study = attention_of(options, run, inputs, rows);
  write_attention(options, study);
  if (!options.json) print_attention(study.panels[0]);
}

// Refuses the folder of a sweep, which has no checkpoint, and lists its runs.
void refuse_sweep(const std::string& path) {
  std::error_code error;
  std::set<std::string> runs;
  for (const auto& run : std::filesystem::directory_iterator(path + "/cells", error))
    runs.insert("\n  " + run.path().string());
  if (!runs.empty())
    throw UsageError("eval: " + path +
                     " is the folder of a sweep; name one of its runs:" + joined(runs, ""));
}

}  // namespace

ExitCode eval_command(const Arguments& arguments) {
  EvalOptions options;
  CommandLine line("eval", "evaluates a trained model at lengths that it may never have seen",
                   {"yonder eval runs/copy --eval-lengths 16,32,64",
                    "yonder eval runs/copy --rope.scaling ntk --rope.factor 4",
                    "yonder eval runs/copy --extensions rope.scaling,window --sharpen 1,1.5",
                    "yonder eval runs/text --eval-lengths 64,128 --per-position loss.csv --json",
                    "yonder eval runs/copy --attention looks.csv --attention-map 64"});
  declare(line, options);
  if (!line.parse(arguments)) return ExitCode::ok;
  refuse_sweep(options.path);
  const bool several = !options.extensions.empty() || !options.factors.empty();
  if (several && !options.per_position.empty())
    throw UsageError("eval: --per-position is for a single row, and " +
                     std::string(options.factors.empty() ? "--extensions" : "--sharpen") +
                     " compares several; give one of them");
  if (options.settings.map_blocks > 0 && options.attention.empty())
    throw UsageError("eval: --attention-map needs --attention FILE; give that too");
  options.settings.attention = !options.attention.empty();
  if (!options.per_position.empty()) options.settings.by_position = std::numeric_limits<int>::max();
  if (options.threads > 0) set_threads(options.threads);

  const Overrides overrides =
      several ? options.of_task : concatenated(options.of_task, options.of_encoding);
  const Inputs inputs;
  Trained run = load(options.path, overrides, inputs);
  if (options.settings.lengths.empty())
    for (const int times : {1, 2, 4, 8})
      options.settings.lengths.push_back(times * run.config.train_length);
  if (!options.per_position.empty() && !run.task->is_text())
    throw UsageError("eval: --per-position is for texts, and " + run.config.task + " is not one");
  // A comparison also evaluates the model at its training length.
  const auto& lengths = options.settings.lengths;
  const int longest =
      std::max(*std::ranges::max_element(lengths), several ? run.config.train_length : 0);
  require_examples(*run.task, options.settings, longest);
  if (!run.changed_text.empty())
    std::fprintf(stderr,
                 "eval: %s is not the text that the model was trained on, which may have held what "
                 "is tested; put that one back, or name a text by its option\n",
                 run.changed_text.c_str());
  Progress progress(options.quiet);
  if (!several) test_one(options, run, inputs, progress);
  else test_extensions(options, run, inputs, progress);
  return ExitCode::ok;
}

}  // namespace yonder
