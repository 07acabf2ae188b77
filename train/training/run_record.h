#pragma once
#include <nlohmann/json.hpp>

#include "train/training/session.h"

namespace yonder {

/// {"name": "copy", "length": 32, …its options}, as checkpoints hold it; of a text also "checksum";
/// of a fine-tuned model also "from": {"length": 8, "step": 2000}, the training whose length N is
/// and the steps until it ended.
nlohmann::ordered_json task_json(const Trained&);

/// A configuration as it was given, as manifests of checkpoints hold it: each field by its name
/// and, under "options", those of encodings and task.
nlohmann::json record_of(const RunConfig&);
/// The same read back. What a record of an earlier version lacks has its default. Throws whatever
/// is wrong with it.
RunConfig config_of(const nlohmann::json& record);

/// Why a run can't go on that was recorded so: the first key, but for those that no bit depends on,
/// that is not as it was, with both values; "" if all are.
std::string unlike(const RunConfig& now, const nlohmann::json& record);

/// The run with every default resolved that depends on the model, and every option of its encoding
/// and its task: what config.toml holds.
RunConfig resolved(const Trained&);

/// What work begun now runs on: version, compiler, system, processor, threads, and the time.
nlohmann::ordered_json machine_json();

}  // namespace yonder
