#pragma once
#include <nlohmann/json.hpp>

#include "train/training/session.h"

namespace yonder {

/// {"name": "copy", "length": 32, …its options}, as checkpoints hold it; of a text also "checksum";
/// of a fine-tuned model also "from": {"length": 8, "step": 2000}, the training whose length N is
/// and the steps until it ended.
nlohmann::ordered_json task_json(const Trained&);

/// A run as the manifests of its checkpoints hold it: its flags by name and, under "options", every
/// option of its encoding and its task, with the defaults that depend on the model resolved.
nlohmann::ordered_json config_json(const Trained&);

/// The run with every default resolved that depends on the model, and every option of its encoding
/// and its task: what config.toml holds.
RunConfig resolved(const Trained&);

/// What work begun now runs on: version, compiler, system, processor, threads, and the time.
nlohmann::ordered_json machine_json();

}  // namespace yonder
