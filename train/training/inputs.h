#pragma once
#include <memory>
#include <string>

#include "datasets/base/documents.h"

namespace yonder {

struct CheckpointFile;

/// What the runs of this process read beside their configuration: each text once, and a checkpoint
/// once while no other is asked for. Copies share it, and so do processes that are forked later.
class Inputs {
 public:
  Inputs();

  /// The texts that were read.
  const Corpora& texts() const { return texts_; }
  /// The checkpoint of `path`, which is one or the folder of a run whose last one is meant.
  /// FileError as read_checkpoint().
  std::shared_ptr<const CheckpointFile> checkpoint(const std::string& path) const;

 private:
  struct Last;
  Corpora texts_;
  std::shared_ptr<Last> last_;
};

}  // namespace yonder
