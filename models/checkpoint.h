#pragma once
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/io/safetensors.h"
#include "models/transformer.h"

/// \file
/// A checkpoint is a safetensors file that is enough to rebuild and test a model: the parameters
/// under their names and, in `__metadata__` under the key `yonder`, one JSON text with the extents
/// of the model, its encoding with all options, its task, step and seed.
namespace yonder {

/// What a checkpoint says of where a model comes from.
struct Origin {
  nlohmann::ordered_json task;  ///< {"name": "copy", …its options}
  int step = 0;                 ///< training steps done
  std::uint64_t seed = 0;       ///< the training's
};

/// The content of a checkpoint.
std::string format_model(const Transformer&, const Origin&);
/// Throws DiskError.
void save_model(const std::string& path, const Transformer&, const Origin&);

/// A checkpoint's file as it was read, from which its model can be built again and again.
struct CheckpointFile {
  std::string path;     ///< where it was read from
  Safetensors content;  ///< parameters and metadata
};
/// FileError, which names the file, if it can't be read, is not a safetensors file, or is not what
/// its manifest (manifest.h) says.
CheckpointFile read_checkpoint(const std::string& path);

/// A loaded model.
struct Checkpoint {
  std::unique_ptr<Transformer> model;  ///< rebuilt, with its parameters
  Origin origin;                       ///< where it comes from
};

/// The model of a checkpoint, with `test_options` of its encoding ({"rope.scaling", "yarn"})
/// changed for testing. Throws FileError, which names the file, for anything in it that is missing,
/// unknown or does not fit; UsageError for a test option that is unknown, frozen or not allowed.
Checkpoint load_model(const CheckpointFile&, const Overrides& test_options = {});
/// The same of a file that is read for it.
Checkpoint load_model(const std::string& path, const Overrides& test_options = {});

}  // namespace yonder
