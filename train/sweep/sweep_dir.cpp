#include "train/sweep/sweep_dir.h"

#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "train/config/toml.h"
#include "train/sweep/dataset_checksums.h"
#include "train/sweep/sweep_run.h"
#include "train/system/mpi.h"
#include "train/training/run_record.h"

namespace yonder {
namespace {
namespace fs = std::filesystem;

// What a sweep writes; config.toml, by which a sweep is recognised, is removed last.
const char* const own_files[] = {
    "cells",        "plots",         "report.html", "results.csv",      "attention.csv",
    "results.json", "progress.json", "texts.txt",   "environment.json", "config.toml"};

// For a folder in which no sweep has begun.
void require_no_files(const std::string& folder) {
  for (const char* name : own_files)
    if (const std::string path = folder + "/" + name; fs::exists(fs::symlink_status(path)))
      throw UsageError(path +
                       ": it does not belong to a sweep and would be overwritten; choose another "
                       "--out, or replace it with --force");
}

// Earlier versions named the folders of runs differently.
void require_known_names(const std::string& folder) {
  std::error_code error;
  for (const auto& run : fs::directory_iterator(folder + "/cells", error))
    if (const std::string name = run.path().filename(); !is_folder_name(name))
      throw UsageError(folder + ": an earlier version of yonder began this sweep, which called " +
                       "the folder of a run " + name +
                       "; resume it with that version, or replace it with --force");
}

// Removes what killed writes have left, of any process of the sweep.
void remove_all_temporaries(const std::string& folder) {
  remove_all(folder + "/.arriving");
  remove_temporaries(folder);
  for (const std::string below : {"/plots", "/cells"}) {
    std::error_code error;
    std::vector<std::string> folders{folder + below};
    for (const auto& file : fs::recursive_directory_iterator(folder + below, error))
      if (file.is_directory()) folders.push_back(file.path().string());
    for (const std::string& each : folders) remove_temporaries(each);
  }
}

bool same_training(const Training& a, const Training& b) {
  if (a.cell != b.cell || a.encoding != b.encoding || a.task != b.task || a.variant != b.variant ||
      a.seed != b.seed || a.steps != b.steps || a.lr != b.lr)
    return false;
  // A setting that only one of them has makes no difference: versions differ.
  return std::ranges::all_of(a.settings, [&b](const Override& o) {
    const Override* other = find(b.settings, o.key);
    return !other || text_of(other->value) == text_of(o.value);
  });
}

}  // namespace

std::unique_ptr<FolderLock> open_sweep_dir(const Experiment& experiment, const std::string& folder,
                                           Start start, int threads) {
  const SweepConfig& config = experiment.config;
  const std::string path = folder + "/config.toml", text = to_toml(config);
  const bool begun = fs::exists(path);
  if (begun && start == Start::fresh)
    throw UsageError(folder +
                     ": there is a run already; choose another --out, continue it with "
                     "--resume, or replace it with --force");
  if (!begun && start != Start::over) require_no_files(folder);
  if (start == Start::resumed && begun && !same_sweep(read_file(path), path, config))
    throw UsageError(folder + ": the sweep in it was started with other settings, see " + path +
                     "; give the same ones, or replace it with --force");
  if (start == Start::resumed) require_known_names(folder);
  const std::string sums = folder + "/texts.txt", texts = texts_of(experiment);
  if (start == Start::resumed && fs::exists(sums)) require_same_texts(texts, sums);
  make_folders(folder);
  auto lock = std::make_unique<FolderLock>(folder);
  if (start == Start::over)
    for (const char* name : own_files) remove_all(folder + "/" + name);
  remove_all_temporaries(folder);
  write_file(path, text);
  make_folders(folder + "/cells");
  auto machine = machine_json();
  machine["threads"] = threads;
  if (ranks::count() > 1) machine["ranks"] = ranks::count();
  write_file(folder + "/environment.json", machine.dump(2) + "\n");
  if (!texts.empty()) write_file(sums, texts);
  return lock;
}

std::optional<CellResult> result_of(const Experiment& experiment, const Cell& cell,
                                    const std::string& path) try {
  CellResult result = cell_from_json(read_file(path), path);
  if (!same_training(result.training, training_of(experiment, cell))) return {};
  return result;
} catch (const FileError&) { return {}; }

}  // namespace yonder
