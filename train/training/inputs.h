#pragma once
#include <memory>
#include <string>

#include "datasets/base/documents.h"

namespace yonder {

struct CheckpointFile;

/// What the runs of this process read besides their configuration: each text once, and a checkpoint
/// once until another is requested. Copies share it, and so do processes that are forked later.
class Inputs {
 public:
  Inputs();

  /// The texts read so far.
  const Corpora& texts() const { return texts_; }
  /// The checkpoint at `path`, or the last one if `path` is the folder of a run. Throws FileError
  /// like read_checkpoint().
  std::shared_ptr<const CheckpointFile> checkpoint(const std::string& path) const;

 private:
  struct Last;
  Corpora texts_;
  std::shared_ptr<Last> last_;
};

}  // namespace yonder
