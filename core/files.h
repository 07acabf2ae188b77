#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/tensor.h"

/// \file
/// The only door to the disk: whole files read and written, safetensors and npy.
/// Readers refuse what is truncated, overlapping, of impossible extents or of another format with a
/// FileError that names the file; writers leave the old file or the new one, never a half of it,
/// and throw DiskError.
namespace yonder {

std::string read_file(const std::string& path);
/// To a temporary name, fsynced, renamed, folder fsynced.
void write_file(const std::string& path, const std::string& content);
void make_folders(const std::string& path);

/// A safetensors file: tensors in f32 by name, in order, and the string map `__metadata__`.
struct Safetensors {
  std::vector<std::pair<std::string, Tensor>> tensors;
  std::map<std::string, std::string> metadata;
};
Safetensors read_safetensors(const std::string& path);
void write_safetensors(const std::string& path, const Safetensors&);

/// An npy array (format 1.0 to 3.0, C order, little-endian) of int32 or int64 as ints.
struct IntArray {
  Shape shape;
  std::vector<int> values;
};
IntArray read_npy_ints(const std::string& path);
/// float32, C order.
void write_npy(const std::string& path, const Tensor&);

}  // namespace yonder
