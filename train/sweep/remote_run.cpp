#include "train/sweep/remote_run.h"

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/files.h"
#include "train/sweep/dir_archive.h"
#include "train/system/exit_code.h"
#include "train/system/mpi.h"
#include "train/system/signals.h"
#include "train/training/run_record.h"

namespace yonder {
namespace {
using nlohmann::json;

struct Errand {
  Work work;
  Cell cell;
  std::string parcel;
};

// A line of JSON, then the parcel.
Errand errand_of(const Experiment& experiment, const std::string& request) {
  const std::size_t end = request.find('\n');
  const json said = json::parse(request.substr(0, end));
  return {.work = Work(int(said["work"])),
          .cell = Cell(experiment, experiment.plan.variants.at(said["variant"]), said["encoding"],
                       said["lr"], said["seed"]),
          .parcel = request.substr(end + 1)};
}

// A folder that goes when it is no longer needed.
struct Temporary {
  std::string path = make_temporary_folder();
  ~Temporary() {
    try {
      remove_all(path);
    } catch (const DiskError&) {  // what is left in /tmp harms nobody
    }
  }
};

Answer answer_to(const Errand& errand, const Experiment& experiment, const std::string& place,
                 const Say& say) {
  Answer answer;
  try {
    switch (errand.work) {
      case Work::measured:
        answer.result = text_of(measured(experiment, errand.cell));
        break;
      case Work::trial:
        answer.result = try_cell(experiment, errand.cell, place, say);
        break;
      case Work::whole:
        answer.result = run_cell(experiment, errand.cell, place, say);
        break;
    }
  } catch (const Interrupted& e) { answer.signal = e.signal; } catch (...) {
    answer.reason = current_ending().text;
  }
  return answer;
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
                        const std::string& parcel) {
  return json{{"work", int(work)},
              {"variant", cell.variant - experiment.plan.variants.data()},
              {"encoding", cell.encoding},
              {"lr", cell.lr},
              {"seed", cell.seed}}
             .dump() +
         "\n" + parcel;
}

int run_errands(const Experiment& experiment, const std::string& folder, bool seen) {
  const Temporary scratch;
  return serve([&](const std::string& request, const Say& say) {
    const Errand errand = errand_of(experiment, request);
    const std::string name = name_of(experiment, errand.cell);
    if (seen || errand.work == Work::measured)
      return answer_to(errand, experiment, folder + "/cells/" + name, say);
    const std::string place = scratch.path + "/" + name;
    unpack(errand.parcel, place);
    Answer answer = answer_to(errand, experiment, place, say);
    answer.parcel = packed(place);
    remove_all(place);
    return answer;
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
