#include "train/sweep/status_file.h"

#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/files.h"
#include "core/io/json.h"
#include "train/system/progress.h"

namespace yonder {
namespace {

std::string path_in(const std::string& folder) { return folder + "/progress.json"; }

// "node7", or in a Slurm job "node7, job 12 of Slurm".
std::string here() {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  const char* job = std::getenv("SLURM_JOB_ID");
  return host + (job ? ", job " + std::string(job) + " of Slurm" : std::string());
}

}  // namespace

void write_status(const std::string& folder, const std::string& words) {
  const nlohmann::ordered_json said{
      {"words", words}, {"where", here()}, {"seconds", std::int64_t(std::time(nullptr))}};
  write_file(path_in(folder), said.dump(2) + "\n");
}

void remove_status(const std::string& folder) { remove_all(path_in(folder)); }

std::string read_status(const std::string& folder) {
  const std::string path = path_in(folder);
  if (std::error_code error; !std::filesystem::exists(path, error)) return "";
  const nlohmann::json said = parse_json(read_file(path), path);
  try {
    const double ago = double(std::time(nullptr) - std::int64_t(said.at("seconds")));
    return std::string(said.at("words")) + " (" + duration(ago) + " ago, " +
           std::string(said.at("where")) + ")";
  } catch (const nlohmann::json::exception&) {
    throw FileError(path + ": this is not a status file of yonder; remove it");
  }
}

}  // namespace yonder
