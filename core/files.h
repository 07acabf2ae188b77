#pragma once
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/tensor.h"

/// \file
/// The only door to the disk: whole files read and written, safetensors and npy.
/// Readers refuse what is truncated, overlapping, of impossible extents or of another format with a
/// FileError that names the file; writers leave the old file or the new one, never a half of it,
/// and throw DiskError. The `parse_…` functions read a file's content from memory; `path` is the
/// name that their errors give it.
namespace yonder {

// files.cpp
std::string read_file(const std::string& path);
/// To a temporary name, fsynced, renamed, folder fsynced.
void write_file(const std::string& path, const std::string& content);
/// Adds to the end of a file, which is made if there is none: for logs, that may end in half a
/// line. It is on the disk for certain only after sync_file.
void append_file(const std::string& path, const std::string& content);
/// Waits until a file that has been appended to is on the disk.
void sync_file(const std::string& path);
/// 32 hexadecimal digits that differ if the content differs, but for chance (2⁻¹²⁸).
/// XXH3, 128 bits: github.com/Cyan4973/xxHash. It finds damage, not malice.
std::string checksum(std::string_view content);
void make_folders(const std::string& path);
/// The files below a folder, sorted by path, without names that begin with a dot; `path` itself if
/// it is no folder.
std::vector<std::string> list_files(const std::string& path);
/// Removes a file, or a folder with all that is in it, if there is one.
void remove_all(const std::string& path);

/// Puts a folder in the place of another one, which is removed.
void replace_folder(const std::string& old, const std::string& by);
/// A new folder that nobody else uses, where temporary files belong.
std::string make_temporary_folder();

/// Removes what writes that were killed have left in a folder.
void remove_temporaries(const std::string& folder);

/// Keeps a folder for one process as long as it lives, by flock on its file .lock: the kernel lets
/// go when the process ends, however it does. UsageError, which names the process, if another one
/// has it; DiskError if nothing can be written there.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  std::string path_;
  int file_ = -1;
};

// files_safetensors.cpp
/// A safetensors file: tensors in f32 by name, in order, and the string map `__metadata__`.
/// github.com/huggingface/safetensors, "Format". Files of other types than F32, or with a tensor of
/// no element, are refused.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;
struct Safetensors {
  NamedTensors tensors;
  std::map<std::string, std::string> metadata;
};
Safetensors read_safetensors(const std::string& path);
Safetensors parse_safetensors(const std::string& content, const std::string& path);
/// The content of such a file.
std::string format_safetensors(const Safetensors&);
void write_safetensors(const std::string& path, const Safetensors&);

/// Copies each tensor of `from` into the one of its name in `to`. UsageError, before anything is
/// copied, for a name that only one of them has and for another shape.
void copy_tensors(const NamedTensors& from, const NamedTensors& to);

/// JSON that may come from anywhere: FileError, beginning with `path`, for what is no JSON, names
/// something twice in one object, or nests deeper than any of our files does.
nlohmann::json parse_json(const std::string& text, const std::string& path);

// files_npy.cpp
/// An npy array (format 1.0 to 3.0, C order, little-endian) of int32 or int64 as ints. Values that
/// no int holds and arrays of no element are refused.  numpy.lib.format
struct IntArray {
  Shape shape;
  std::vector<int> values;
};
IntArray read_npy_ints(const std::string& path);
IntArray parse_npy_ints(const std::string& content, const std::string& path);
/// float32, C order.
void write_npy(const std::string& path, const Tensor&);

}  // namespace yonder
