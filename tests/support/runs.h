#pragma once
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/binary.h"
#include "tests/support/catch.h"
#include "train/training/session.h"

/// \file
/// Very short runs, interrupted and compared.
namespace yonder {

inline RunConfig tiny_run(const std::string& encoding) {
  RunConfig config{.encoding = encoding, .train_length = 4, .width = 16, .heads = 2, .layers = 1};
  config.steps = 12;
  config.batch = 4;
  config.warmup = 3;
  config.checkpoint_every = 4;
  config.threads = 1;
  return config;
}

struct Stopped {};

// Trains until `step` and stops there without saving, like a kill between two steps.
inline void train_until(int step, const RunConfig& config, const std::string& folder,
                        Existing existing) {
  try {
    train(config, folder, existing, [step](const Metrics& m) {
      if (m.step == step) throw Stopped();
    });
    FAIL("it did not get to step " << step);
  } catch (const Stopped&) {}
}

inline std::string model_in(const std::string& folder, int step) {
  return content_of(folder + "/checkpoints/step-" + std::to_string(step) + ".safetensors");
}

// The steps of metrics.jsonl with their losses.
inline std::vector<std::pair<int, double>> losses_in(const std::string& folder) {
  std::vector<std::pair<int, double>> all;
  std::istringstream lines(content_of(folder + "/metrics.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const auto said = nlohmann::json::parse(line);
    all.emplace_back(said["step"], said["loss"]);
  }
  return all;
}

}  // namespace yonder
