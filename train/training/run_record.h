#pragma once
#include <nlohmann/json.hpp>

#include "train/training/session.h"

namespace yonder {

/// {"name": "copy", "length": 32, …its options}, as in checkpoints; for text also "checksum"; for a
/// fine-tuned model also "from": {"length": 8, "step": 2000}, the length that N comes from
/// and the steps before fine-tuning.
nlohmann::ordered_json task_json(const Trained&);

/// A configuration as it was given, in the form stored in manifests of checkpoints: each field by
/// its name and, under "options", those of encodings and task.
nlohmann::json record_of(const RunConfig&);
/// Reads it back. What a record of an earlier version lacks gets its default. Throws UsageError or
/// a JSON exception if the record is invalid.
RunConfig config_of(const nlohmann::json& record);

/// Why a run with this record can't be resumed: the first differing key with both values, ignoring
/// keys that affect no result; "" if there is none.
std::string unlike(const RunConfig& now, const nlohmann::json& record);

/// The run with every model-dependent default resolved and every option of its encoding and its
/// task: the content of config.toml.
RunConfig resolved(const Trained&);

/// The current environment: version, compiler, system, processor, threads, and the time.
nlohmann::ordered_json machine_json();

}  // namespace yonder
