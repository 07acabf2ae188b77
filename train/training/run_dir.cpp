#include "train/training/run_dir.h"

#include <sys/utsname.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/error.h"
#include "core/io/files.h"
#include "core/io/json.h"
#include "core/parallel.h"
#include "train/config/toml.h"
#include "train/training/checkpoint_dir.h"
#include "train/training/run_record.h"

namespace yonder {
namespace {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

const char* const files[] = {"config.toml", "environment.json", "metrics.jsonl", "checkpoints"};

std::string now_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

// The first value of `field` in /proc/cpuinfo, or "".
std::string field_of(const std::string& cpuinfo, const char* field) {
  const auto line = cpuinfo.find(field);
  const auto colon = cpuinfo.find(": ", line);
  if (line == std::string::npos || colon == std::string::npos) return "";
  return cpuinfo.substr(colon + 2, cpuinfo.find('\n', colon) - colon - 2);
}

// The processor's name as Linux gives it, or on ARM the numbers of implementer and part; "" if
// neither is known.
std::string processor() {
  std::string text;
  try {
    text = read_file("/proc/cpuinfo");
  } catch (const FileError&) { return ""; }
  const std::string part = field_of(text, "CPU part");
  if (part.empty()) return field_of(text, "model name");
  return "ARM, implementer " + field_of(text, "CPU implementer") + ", part " + part;
}

Json environment(const Trained& run, ranks::Communicator comm) {
  Json machine = machine_json();
  if (comm.count > 1) machine["ranks"] = comm.count;
  if (run.config.allreduce == "fast")
    machine["bits"] = "may differ with the number of ranks: allreduce is fast";
  machine["parameters"] = run.model->parameters().count();
  machine["position_parameters"] = run.model->position_parameters();
  return machine;
}

}  // namespace

Json machine_json() {
  utsname system{};
  uname(&system);
  return {{"yonder", YONDER_VERSION},
          {"compiler", "g++ " __VERSION__},
          {"system", std::string(system.sysname) + " " + system.release + " " + system.machine},
          {"processor", processor()},
          {"threads", threads()},
          {"started", now_utc()}};
}

RunFolder::RunFolder(std::string path, Existing existing)
    : path_(std::move(path)), existing_(existing) {
  std::error_code error;
  require_free();
  if (fs::is_directory(path_, error)) lock_ = std::make_unique<FolderLock>(path_);
}

void RunFolder::require_free() const {
  std::error_code error;
  if (fs::exists(fs::path(path_) / "cells", error))
    throw UsageError(path_ + ": it holds a sweep; choose another --out");
  if (existing_ == Existing::refuse && std::ranges::any_of(files, [&](const char* name) {
        return fs::exists(fs::path(path_) / name, error);
      }))
    throw UsageError(path_ +
                     ": there is already a run in it; choose another --out, continue the run with "
                     "--resume, or replace it with --force");
}

RunFolder::~RunFolder() {
  try {
    flush();
  } catch (const DiskError&) {  // during another error, which says more
  }
}

void RunFolder::begin(const Trained& run, ranks::Communicator comm) {
  make_folders(path_);
  if (!lock_) lock_ = std::make_unique<FolderLock>(path_);
  require_free();  // another process may have been faster
  remove_temporaries(path_);
  for (const char* name : files) remove_all(path_ + "/" + name);
  std::vector<std::string> events;
  for (const auto& file : fs::directory_iterator(path_))
    if (is_event_file(file.path().filename().string())) events.push_back(file.path().string());
  for (const std::string& file : events) remove_all(file);
  make_folders(path_ + "/checkpoints");
  write_file(path_ + "/environment.json", environment(run, comm).dump(2) + "\n");
  write_file(path_ + "/config.toml", to_toml(resolved(run)));
}

void RunFolder::record(const Metrics& m) {
  lines_ += Json{{"step", m.step},
                 {"loss", m.loss},
                 {"lr", m.lr},
                 {"grad_norm", m.grad_norm},
                 {"tokens_per_second", m.tokens_per_second},
                 {"seconds", m.seconds}}
                .dump() +
            "\n";
  if (events_)
    events_->add(m.step, {{"train/loss", m.loss},
                          {"train/lr", m.lr},
                          {"train/grad_norm", m.grad_norm},
                          {"train/tokens_per_second", m.tokens_per_second}});
  if (std::chrono::steady_clock::now() - flushed_ > std::chrono::seconds(1)) flush();
}

void RunFolder::flush() {
  flushed_ = std::chrono::steady_clock::now();
  if (lines_.empty()) return;
  // Cleared before the write: after a failure some of them may already be in the file.
  append_file(path_ + "/metrics.jsonl", std::exchange(lines_, {}));
  if (events_) events_->flush();
}

void RunFolder::sync() {
  flush();
  sync_file(path_ + "/metrics.jsonl");
}

void RunFolder::continue_at(int step) {
  remove_temporaries(path_);
  remove_temporaries(path_ + "/checkpoints");
  const std::string path = path_ + "/metrics.jsonl";
  if (!fs::exists(path)) return;
  const std::string text = read_file(path);
  auto belongs = [&](const std::string& line) {
    try {
      const auto said = parse_json(line, path);
      return said.is_object() && said.contains("step") && said["step"].is_number() &&
             said["step"] <= step;
    } catch (const FileError&) { return false; }
  };
  std::size_t end = 0;
  for (std::size_t next; (next = text.find('\n', end)) != text.npos; end = next + 1)
    if (!belongs(text.substr(end, next - end))) break;
  if (end < text.size()) write_file(path, text.substr(0, end));
}

std::string RunFolder::checkpoint_in(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error) ? Checkpoints::last_model(path) : path;
}

}  // namespace yonder
