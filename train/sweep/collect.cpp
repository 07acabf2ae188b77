#include "train/sweep/collect.h"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/error.h"
#include "core/io/files.h"
#include "core/text.h"
#include "train/sweep/sweep.h"
#include "train/training/session.h"

namespace yonder {
namespace {

namespace fs = std::filesystem;

bool same_panel(const Results& a, const Results& b) {
  return a.task == b.task && a.test == b.test && a.protocol == b.protocol && a.variant == b.variant;
}

// Adds chance and training length to a panel whose sweep has not written them yet.
void complete(Results& r, const std::string& cell, const Inputs& inputs) {
  r.count_scores();
  if (r.train_length) return;
  Trained model = load(cell, {}, inputs);
  r.train_length = model.config.train_length;
  r.train_steps = model.config.steps;
  r.text = model.task->is_text();
  r.unigram_loss = model.task->unigram_loss();
  r.bytes_per_token = model.task->bytes_per_token();
  for (int length : r.lengths)
    r.chance.push_back(chance_accuracy(*model.task, shortest(length, r.bins), length));
}

// The finished cells as a study.
Found unfinished(const std::string& folder) {
  Found found;
  int begun = 0, done = 0;
  std::vector<fs::path> cells;
  std::error_code error;
  for (const auto& cell : fs::directory_iterator(folder + "/cells", error))
    cells.push_back(cell.path());
  std::ranges::sort(cells);
  std::string last;
  for (const fs::path& cell : cells) {
    ++begun;
    if (!fs::exists(cell / "DONE")) continue;
    ++done;
    last = cell.string();
    const std::string path = (cell / "scores.json").string();
    CellResult result = cell_from_json(read_file(path), path);
    if (result.training.cell != cell.filename().string())
      throw FileError(path + ": it belongs to the run " + result.training.cell +
                      "; remove this folder, and continue the sweep with --resume");
    for (const Results& panel : result.panels) {
      auto& all = found.study.panels;
      auto at =
          std::ranges::find_if(all, [&panel](const Results& r) { return same_panel(r, panel); });
      if (at == all.end()) all.push_back(panel);
      else each_list(*at, panel, [](auto& mine, const auto& more) { append(mine, more); });
    }
    found.study.trainings.push_back(std::move(result.training));
  }
  if (!done)
    throw FileError(
        folder + ": there are no results in it" +
        (begun ? fmt::format(" yet, none of its {} runs is done; continue with --resume", begun)
               : "; give the --out folder of a yonder sweep"));
  const Inputs inputs;
  for (Results& r : found.study.panels) complete(r, last, inputs);
  try {
    require_whole(found.study);
    for (const Results& r : found.study.panels) require_possible(r);
  } catch (const UsageError& e) {
    throw FileError(folder + ": its cells can't be joined: " + e.what());
  }
  found.study.name = fs::path(folder).filename().string();
  found.note = "Unfinished: " + std::to_string(done) + " of the " + std::to_string(begun) +
               " runs that were started are finished, and only these are included.";
  return found;
}

std::string titled(const Study& study) { return study.title.empty() ? study.name : study.title; }

void add_text(std::string& to, const std::string& more, const char* between) {
  if (!more.empty()) to += (to.empty() ? "" : between) + more;
}

[[noreturn]] void refuse(const std::string& a, const std::string& b, const Results& r,
                         const std::string& why) {
  throw UsageError(
      fmt::format("report: {} and {} don't fit each other: {} has {}", a, b, r.title(), why));
}

// Chance at the lengths of either panel.
std::vector<double> chances(const Results& a, const Results& b, const std::vector<int>& lengths) {
  std::vector<double> all;
  for (int length : lengths) {
    const double x = a.chance_accuracy(length), y = b.chance_accuracy(length);
    all.push_back(x == x ? x : y);
  }
  return all;
}

// Whether both are known and differ by more than rounding, as by another compiler.
bool differ(double x, double y) { return std::abs(x - y) > 1e-9 * std::abs(x); }

// The same text has one unigram loss, and the same task one chance level at each length.
void compare_data(const Results& to, const Results& from, const std::string& a,
                  const std::string& b) {
  if (differ(to.unigram_loss, from.unigram_loss))
    refuse(a, b, to,
           fmt::format("another text in each, whose unigram losses are {} and {} nats; join runs "
                       "on the same text",
                       text_of(to.unigram_loss), text_of(from.unigram_loss)));
  for (int length : to.lengths)
    if (differ(to.chance_accuracy(length), from.chance_accuracy(length)))
      refuse(a, b, to,
             fmt::format("chance levels of {} and of {} at length {}; join runs on the same data",
                         text_of(to.chance_accuracy(length)), text_of(from.chance_accuracy(length)),
                         length));
}

void join(Results& to, const Results& from, const std::string& a, const std::string& b) {
  if (to.train_length != from.train_length)
    refuse(a, b, to,
           fmt::format("the training lengths {} and {}; join runs that were trained on the same",
                       to.train_length, from.train_length));
  if (to.train_steps && from.train_steps && to.train_steps != from.train_steps)
    refuse(a, b, to,
           fmt::format("trainings of {} and of {} steps; join runs that were trained alike",
                       to.train_steps, from.train_steps));
  if (to.bins != from.bins)
    refuse(a, b, to, "different bins of evaluation lengths; join runs with the same");
  compare_data(to, from, a, b);
  if (!to.settings.empty() && !from.settings.empty() && to.settings != from.settings)
    refuse(a, b, to,
           fmt::format("settings with the checksums {} and {}; join runs that were trained alike",
                       to.settings, from.settings));
  for (const EvalScore& s : from.scores)
    for (const EvalScore& other : to.scores) {
      if (s.length != other.length) continue;
      if (s.row == other.row && s.seed == other.seed)
        refuse(a, b, to,
               fmt::format("{} of seed {} in both; join runs of other rows or other seeds",
                           s.row.label(), s.seed));
      if (s.examples && other.examples && s.examples != other.examples)
        refuse(a, b, to,
               fmt::format("{} and {} test sequences at length {}; join runs that were evaluated "
                           "alike",
                           other.examples, s.examples, s.length));
    }
  const Results before = to;
  each_list(to, from, [](auto& all, const auto& more) { append(all, more); });
  for (const Row& row : from.rows) add_once(to.rows, row);
  to.count_scores();
  to.chance = chances(before, from, to.lengths);
}

// How the settings of two runs differ; "" if they do not, as far as is known. Learning rates that
// were chosen by validation loss may differ.
std::string unlike(const Training& x, const Training& y) {
  const bool chosen = !std::isnan(x.validation) && !std::isnan(y.validation);
  if (!chosen && x.lr != y.lr) return "train.lr " + text_of(x.lr) + " and " + text_of(y.lr);
  for (const Override& o : x.settings)
    if (const Override* other = find(y.settings, o.key); other && !(*other == o))
      return fmt::format("{} {} and {}", text_of(o.key), text_of(o.value), text_of(other->value));
  return "";
}

// Rows of one panel are comparable only if their models differ in nothing but the encoding.
void compare(const Study& a, const Study& b, const Results& panel, const std::string& name_a,
             const std::string& name_b) {
  for (const Training& x : a.trainings)
    for (const Training& y : b.trainings) {
      if (x.task != panel.task || y.task != panel.task || x.variant != panel.variant ||
          y.variant != panel.variant || x.trial || y.trial)
        continue;
      if (const std::string what = unlike(x, y); !what.empty())
        refuse(name_a, name_b, panel,
               "trainings with " + what + "; join runs that were trained alike");
    }
}

}  // namespace

bool is_csv(const std::string& path) { return path.ends_with(".csv") && !fs::is_directory(path); }

Found find_study(const std::string& folder) {
  if (!fs::exists(folder))
    throw FileError(folder + ": there is no such " +
                    (is_csv(folder) ? "file; give a results.csv that a sweep wrote"
                                    : "folder; give the one that --out named"));
  if (is_csv(folder)) return {study_from_csv(read_file(folder), folder), ""};
  if (fs::exists(folder + "/results.json")) return {read_study(folder), ""};
  return unfinished(folder);
}

Study merged(const std::vector<Study>& studies, const std::vector<std::string>& names) {
  Study all = studies.front();
  std::vector<std::string> owner(all.panels.size(), names.front());
  for (std::size_t i = 1; i < studies.size(); ++i) {
    const Study& more = studies[i];
    for (const Results& panel : more.panels) {
      auto at = std::ranges::find_if(all.panels,
                                     [&panel](const Results& r) { return same_panel(r, panel); });
      if (at == all.panels.end()) {
        all.panels.push_back(panel);
        owner.push_back(names[i]);
        continue;
      }
      const std::string& first = owner[std::size_t(at - all.panels.begin())];
      compare(all, more, panel, first, names[i]);
      join(*at, panel, first, names[i]);
    }
    append(all.trainings, more.trainings);
    append(all.failures, more.failures);
    append(all.claims, more.claims);
    append(all.predictions, more.predictions);
    if (all.title != more.title) all.title = titled(all) + " and " + titled(more);
    all.name += "-" + more.name;
    add_text(all.command, more.command, "\n");
    if (more.source != all.source) add_text(all.source, more.source, "; ");
  }
  return all;
}

}  // namespace yonder
