#include "train/training/inputs.h"

#include "models/checkpoint.h"
#include "train/training/run_dir.h"

namespace yonder {

struct Inputs::Last {
  std::string path;
  std::shared_ptr<const CheckpointFile> file;
};

Inputs::Inputs() : last_(std::make_shared<Last>()) {}

std::shared_ptr<const CheckpointFile> Inputs::checkpoint(const std::string& path) const {
  if (!last_->file || last_->path != path) {
    last_->file.reset();  // frees its memory before the next is read
    last_->file =
        std::make_shared<const CheckpointFile>(read_checkpoint(RunFolder::checkpoint_in(path)));
    last_->path = path;
  }
  return last_->file;
}

}  // namespace yonder
