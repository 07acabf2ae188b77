#pragma once
#include <string>
#include <string_view>
#include <vector>

/// \file
/// The only interface to the disk: reads and writes whole files.
/// Readers reject truncated files, overlapping tensors, impossible extents and other formats with a
/// FileError that names the file; writers leave the old file or the new one, never part of one, and
/// throw DiskError.
namespace yonder {

/// Throws FileError if it is not a regular file, or larger than the free memory.
std::string read_file(const std::string& path);
/// Atomic replace: written to a temporary name, fsynced, renamed, folder fsynced.
void write_file(const std::string& path, const std::string& content);
/// Appends to a file, which is created if it does not exist and must not be a link: for logs, which
/// may end in a partial line. It is sure to be on the disk only after sync_file().
void append_file(const std::string& path, const std::string& content);
/// Waits until a file that has been appended to is on the disk.
void sync_file(const std::string& path);
/// 32 hexadecimal digits; different contents have the same by chance only (2⁻¹²⁸).
/// XXH3, 128 bits: github.com/Cyan4973/xxHash. It detects corruption, not tampering.
std::string checksum(std::string_view content);
void make_folders(const std::string& path);  ///< creates it and missing parents
/// The files below a folder, sorted by path, except names that begin with a dot; `path` itself if
/// it is not a folder.
std::vector<std::string> list_files(const std::string& path);
/// Removes a file, or a folder with its contents, if it exists.
void remove_all(const std::string& path);

/// Removes folder `old` and renames folder `by` to it.
void replace_folder(const std::string& old, const std::string& by);
/// A new, private folder where temporary files belong; it is removed with this object.
struct TemporaryFolder {
  std::string path;    ///< of the folder
  TemporaryFolder();   ///< creates it
  ~TemporaryFolder();  ///< removes it if possible
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string operator/(const std::string& f) const { return path + "/" + f; }  ///< path of f
};

/// Removes the temporary files that killed writes have left in a folder.
void remove_temporaries(const std::string& folder);

/// Locks a folder for one process as long as this object lives, by flock on its file .lock: the
/// kernel releases it however the process ends. Throws UsageError, naming the process, if another
/// one holds it; DiskError if the folder is not writable.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder);  ///< throws if another process holds the lock
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  std::string path_;
  int file_ = -1;
};

}  // namespace yonder
