#include "datasets/base/bytes.h"

namespace yonder {
namespace {

/// Plain bytes. A window of L tokens is BOS and L − 1 bytes; targets are these and the next byte.
class Text final : public ByteTask {
  std::string name() const override { return "text"; }
};

const RegisterTask<Text> text_entry{
    {.name = "text",
     .title = "Byte-level language modelling",
     .form = "n bytes of a document, each predicted from those before it",
     .paper = "Press et al. 2022, arXiv:2108.12409"}};

}  // namespace
}  // namespace yonder
