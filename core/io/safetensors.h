#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/tensor.h"

namespace yonder {

/// Tensors by name, in the order of the file.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// A safetensors file: tensors in f32 by name, in order, and the string map `__metadata__`.
/// github.com/huggingface/safetensors, "Format". Files of types other than F32, or with
/// empty tensors, are rejected.
struct Safetensors {
  NamedTensors tensors;                         ///< in f32
  std::map<std::string, std::string> metadata;  ///< `__metadata__`
};
Safetensors read_safetensors(const std::string& path);  ///< throws FileError if rejected
/// The same from a file's content; `path` is for error messages.
Safetensors parse_safetensors(const std::string& content, const std::string& path);
/// The content of such a file.
std::string format_safetensors(const Safetensors&);
void write_safetensors(const std::string& path, const Safetensors&);  ///< throws DiskError

/// Copies each tensor of `from` into the one of the same name in `to`. Throws UsageError, before
/// anything is copied, if a name is missing from either or shapes differ.
void copy_tensors(const NamedTensors& from, const NamedTensors& to);

}  // namespace yonder
