#include "train/describe_run.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "train/report.h"
#include "train/sweep.h"

namespace yonder {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

std::string said(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// "steps 1000, batch 32" for the names that the configuration has.
std::string some(const Json& config, std::initializer_list<const char*> names) {
  std::string text;
  for (const char* name : names)
    if (config.contains(name))
      text += (text.empty() ? "" : ", ") + std::string(name) + " " + said(config[name]);
  return text;
}

std::string listed(const Json& values) {
  std::string text;
  for (const Json& v : values) text += (text.empty() ? "" : ", ") + said(v);
  return text;
}

std::string settings(const Json& config) {
  return "  model     " + some(config, {"width", "heads", "layers"}) + "\n  training  " +
         some(config, {"steps", "batch", "lr", "warmup", "seed", "seeds"}) + "\n";
}

std::string last_line(const std::string& text) {
  const std::string whole = text.substr(0, text.rfind('\n') + 1);
  if (whole.empty()) return "";
  const auto before = whole.rfind('\n', whole.size() - 2);
  return whole.substr(before == std::string::npos ? 0 : before + 1);
}

std::string where_training_stands(const std::string& folder, const Json& config) {
  const std::string path = folder + "/metrics.jsonl";
  const std::string line = fs::exists(path) ? last_line(read_file(path)) : "";
  if (line.empty()) return "  stands    before its first step\n";
  const Json metrics = parse_json(line, path);
  return "  stands    at step " + said(metrics.at("step")) + " of " + said(config.at("steps")) +
         ", loss " + shown(metrics.at("loss").get<double>(), Measure::loss) + "\n";
}

std::string one_run(const std::string& folder, const Json& config) {
  std::string text =
      folder + ": " + said(config.at("encoding")) + " trained on " + said(config.at("task")) +
      " to length " + said(config.at("length")) + "\n" +
      (config.contains("from") ? "  goes on   from " + said(config["from"]) + "\n" : "") +
      settings(config) + where_training_stands(folder, config);
  std::vector<std::string> files;
  if (fs::exists(folder + "/checkpoints"))
    for (const auto& file : fs::directory_iterator(folder + "/checkpoints"))
      if (const std::string path = file.path().string();
          path.ends_with(".safetensors") && !path.ends_with(".state.safetensors"))
        files.push_back(path);
  std::sort(files.begin(), files.end());
  for (const std::string& file : files) text += "  checkpoint " + file + "\n";
  return text;
}

std::string whole_sweep(const std::string& folder, const Json& config, const Look& look) {
  std::string text = folder + ": a sweep over encodings, trained on " + said(config.at("task")) +
                     " to length " + said(config.at("length")) + "\n  encodings " +
                     listed(config.at("encodings")) + "\n  lengths   " +
                     listed(config.at("lengths")) + "\n" + settings(config);
  int done = 0, all = 0;
  std::string failed;
  for (const auto& cell : fs::directory_iterator(folder + "/cells")) {
    ++all;
    if (fs::exists(cell.path() / "DONE")) ++done;
    if (const fs::path why = cell.path() / "FAILED"; fs::exists(why))
      failed += "  failed    " + cell.path().filename().string() + ": " + read_file(why.string());
  }
  text += "  stands    " + std::to_string(done) + " of " + std::to_string(all) +
          " cells begun are done\n" + failed;
  if (!fs::exists(folder + "/results.json"))
    return text + "  results   none yet; the command that started it goes on with --resume\n";
  return text + "\n" + report(read_study(folder), folder, look);
}

}  // namespace

std::string describe_run(const std::string& folder, const Look& look) try {
  const std::string path = folder + "/config.json";
  if (!fs::exists(path))
    throw FileError(folder + ": there is no run here (no config.json); give the folder of --out");
  const Json config = parse_json(read_file(path), path);
  if (config.contains("encodings")) return whole_sweep(folder, config, look);
  return one_run(folder, config);
} catch (const Json::exception&) {
  throw FileError(folder + "/config.json: this is no configuration of yonder; train again");
}

}  // namespace yonder
