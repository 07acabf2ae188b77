#include "datasets/bytes.h"

namespace yonder {
namespace {

/// Bytes as they stand. A window of L tokens is BOS and L − 1 bytes; its targets are these and the
/// byte that follows.
class Text final : public ByteTask {
  std::string name() const override { return "text"; }
};

const RegisterTask<Text> registered{"text", "Bytes of a file or folder, each to be foretold"};

}  // namespace
}  // namespace yonder
