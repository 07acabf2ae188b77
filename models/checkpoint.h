#pragma once
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/io/safetensors.h"
#include "models/transformer.h"

/// \file
/// A checkpoint is a safetensors file with all that is needed to rebuild and evaluate a model: the
/// parameters by name and, in `__metadata__` under the key `yonder`, one JSON text with the model's
/// extents, its encoding with all options, its task, step and seed.
namespace yonder {

/// Where a model comes from, as stored in its checkpoint.
struct Origin {
  nlohmann::ordered_json task;  ///< {"name": "copy", …its options}
  int step = 0;                 ///< training steps done
  std::uint64_t seed = 0;       ///< of the training run
};

/// The content of a checkpoint.
std::string format_model(const Transformer&, const Origin&);
/// Throws DiskError.
void save_model(const std::string& path, const Transformer&, const Origin&);

/// A checkpoint file as read, from which its model can be built repeatedly.
struct CheckpointFile {
  std::string path;     ///< where it was read from
  Safetensors content;  ///< parameters and metadata
};
/// Throws FileError, naming the file, if it can't be read, is not a safetensors file, or does not
/// match its manifest (manifest.h).
CheckpointFile read_checkpoint(const std::string& path);

/// A loaded model.
struct Checkpoint {
  std::unique_ptr<Transformer> model;  ///< rebuilt, with its parameters
  Origin origin;                       ///< where it comes from
};

/// Rebuilds the model of a checkpoint, with `inference_options` ({"rope.scaling", "yarn"}) as
/// inference-time overrides. Throws FileError, naming the file, if anything in it is missing,
/// unknown or inconsistent; UsageError for an override that is unknown, frozen or not allowed.
Checkpoint load_model(const CheckpointFile&, const Overrides& inference_options = {});
/// The same, reading the file first.
Checkpoint load_model(const std::string& path, const Overrides& inference_options = {});

}  // namespace yonder
