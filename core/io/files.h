#pragma once
#include <string>
#include <string_view>
#include <vector>

/// \file
/// The only door to the disk: whole files read and written.
/// Readers refuse what is truncated, overlapping, of impossible extents or of another format with a
/// FileError that names the file; writers leave the old file or the new one, never a half of it,
/// and throw DiskError.
namespace yonder {

/// FileError for anything but a regular file, and for one larger than the free memory.
std::string read_file(const std::string& path);
/// To a temporary name, fsynced, renamed, folder fsynced.
void write_file(const std::string& path, const std::string& content);
/// Appends to a file, which is created if it does not exist and must be no link: for logs, which
/// may end in half a line. It is certain to be on the disk only after sync_file.
void append_file(const std::string& path, const std::string& content);
/// Waits until a file that has been appended to is on the disk.
void sync_file(const std::string& path);
/// 32 hexadecimal digits that differ if the content differs, but for chance (2⁻¹²⁸).
/// XXH3, 128 bits: github.com/Cyan4973/xxHash. It finds damage, not malice.
std::string checksum(std::string_view content);
void make_folders(const std::string& path);  ///< and those above it, as far as they are missing
/// The files below a folder, sorted by path, without names that begin with a dot; `path` itself if
/// it is not a folder.
std::vector<std::string> list_files(const std::string& path);
/// Removes a file, or a folder with all that is in it, if there is one.
void remove_all(const std::string& path);

/// Puts a folder in the place of another one, which is removed.
void replace_folder(const std::string& old, const std::string& by);
/// A new folder that nobody else uses, where temporary files belong; it goes with this object.
struct TemporaryFolder {
  std::string path;    ///< of the folder
  TemporaryFolder();   ///< makes it
  ~TemporaryFolder();  ///< removes it, if it can
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
};

/// Removes what writes that were killed have left in a folder.
void remove_temporaries(const std::string& folder);

/// Locks a folder for one process as long as this object lives, by flock on its file .lock: the
/// kernel releases it when the process ends, however it does. UsageError, which names the process,
/// if another one holds it; DiskError if nothing can be written there.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder);  ///< fails if another process holds the lock
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  std::string path_;
  int file_ = -1;
};

}  // namespace yonder
