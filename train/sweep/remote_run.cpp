#include "train/sweep/remote_run.h"

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/files.h"
#include "train/sweep/dir_archive.h"
#include "train/system/mpi.h"
#include "train/training/run_record.h"

namespace yonder {
namespace {
using nlohmann::json;

struct RemoteTask {
  Work work;
  Cell cell;
  std::string archive;
};

// A line of JSON, then the archive.
RemoteTask remote_task_of(const Experiment& experiment, const std::string& request) {
  const std::size_t end = request.find('\n');
  const json said = json::parse(request.substr(0, end));
  return {.work = Work(int(said["work"])),
          .cell = Cell(experiment, experiment.plan.variants.at(said["variant"]), said["encoding"],
                       said["lr"], said["seed"]),
          .archive = request.substr(end + 1)};
}

TaskResult result_of_task(const RemoteTask& task, const Experiment& experiment,
                          const std::string& place, const ProgressCallback& say) {
  return result_of_work([&] {
    if (task.work == Work::measured) return text_of(measured(experiment, task.cell));
    return (task.work == Work::trial ? try_cell : run_cell)(experiment, task.cell, place, say);
  });
}

}  // namespace

std::vector<bool> who_sees(const std::string& folder) {
  const std::string path = folder + "/.seen", token = checksum(machine_json().dump());
  if (ranks::rank() == 0) write_file(path, token);
  const std::string wanted = ranks::gathered(token).front();
  bool sees = false;
  try {
    sees = read_file(path) == wanted;
  } catch (const FileError&) {}
  std::vector<bool> all;
  for (const std::string& answer : ranks::gathered(sees ? "yes" : "no"))
    all.push_back(answer == "yes");
  if (ranks::rank() == 0) remove_all(path);
  return all;
}

std::string request_for(const Experiment& experiment, Work work, const Cell& cell,
                        const std::string& archive) {
  return json{{"work", int(work)},
              {"variant", cell.variant - experiment.plan.variants.data()},
              {"encoding", cell.encoding},
              {"lr", cell.lr},
              {"seed", cell.seed}}
             .dump() +
         "\n" + archive;
}

int run_remote_tasks(const Experiment& experiment, const std::string& folder, bool seen) {
  const TemporaryFolder scratch;
  return worker_loop([&](const std::string& request, const ProgressCallback& say) {
    const RemoteTask task = remote_task_of(experiment, request);
    const std::string name = name_of(experiment, task.cell);
    if (seen || task.work == Work::measured)
      return result_of_task(task, experiment, folder + "/cells/" + name, say);
    const std::string place = scratch.path + "/" + name;
    unpack(task.archive, place);
    TaskResult result = result_of_task(task, experiment, place, say);
    result.archive = packed(place);
    remove_all(place);
    return result;
  });
}

std::string text_of(const Cost& cost) {
  return json{{"step", cost.step}, {"test", cost.test}}.dump();
}

Cost cost_of(const std::string& text) {
  const json said = json::parse(text);
  return {.step = said["step"], .test = said["test"]};
}

}  // namespace yonder
