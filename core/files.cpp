#include "core/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "core/error.h"

namespace yonder {
namespace {

/// An open file that is closed in any case.
struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

/// A name that is removed again unless the file got its own.
struct Temporary {
  std::string name;
  bool renamed = false;
  ~Temporary() {
    if (!renamed) ::unlink(name.c_str());
  }
};

[[noreturn]] void unreadable(const std::string& path, const std::string& why) {
  throw FileError(path + ": can't be read: " + why + "; check the name");
}

[[noreturn]] void unwritable(const std::string& path, int error) {
  throw DiskError(path + ": can't be written: " + std::strerror(error) +
                  "; free some space or choose another place");
}

void write_all(int file, const std::string& content, const std::string& path) {
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t n = ::write(file, content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) unwritable(path, errno);
    done += std::size_t(n);
  }
}

// A rename is on the disk only when its folder is.
void sync_folder(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const std::string folder = parent.empty() ? "." : parent;
  const Descriptor open{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (open.number < 0) unwritable(path, errno);
  // EINVAL: a file system that has no such thing.
  if (::fsync(open.number) < 0 && errno != EINVAL) unwritable(path, errno);
}

}  // namespace

std::string read_file(const std::string& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.number < 0) unreadable(path, std::strerror(errno));
  struct stat about {};
  if (::fstat(file.number, &about) < 0) unreadable(path, std::strerror(errno));
  if (S_ISDIR(about.st_mode)) unreadable(path, "it is a folder");
  std::string content;
  content.reserve(std::size_t(about.st_size));
  char piece[1 << 16];
  for (;;) {
    const ssize_t n = ::read(file.number, piece, sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) unreadable(path, std::strerror(errno));
    if (n == 0) return content;
    content.append(piece, std::size_t(n));
  }
}

void write_file(const std::string& path, const std::string& content) {
  // A rename would put a plain file in the place of /dev/null.
  struct stat about {};
  if (::stat(path.c_str(), &about) == 0 && !S_ISREG(about.st_mode))
    unwritable(path, S_ISDIR(about.st_mode) ? EISDIR : EEXIST);
  static std::atomic<unsigned> writes{0};
  Temporary temporary{path + "." + std::to_string(::getpid()) + "." + std::to_string(writes++) +
                      ".tmp"};
  {
    const Descriptor file{
        ::open(temporary.name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
    if (file.number < 0) unwritable(path, errno);
    write_all(file.number, content, path);
    if (::fsync(file.number) < 0) unwritable(path, errno);
  }
  if (::rename(temporary.name.c_str(), path.c_str()) < 0) unwritable(path, errno);
  temporary.renamed = true;
  sync_folder(path);
}

void append_file(const std::string& path, const std::string& content) {
  const Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)};
  if (file.number < 0) unwritable(path, errno);
  write_all(file.number, content, path);
}

void sync_file(const std::string& path) {
  const Descriptor file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  // EINVAL: a file system that has no such thing.
  if (file.number < 0 || (::fsync(file.number) < 0 && errno != EINVAL)) unwritable(path, errno);
}

std::string checksum(std::string_view content) {
  const XXH128_hash_t hash = XXH3_128bits(content.data(), content.size());
  char digits[33];
  std::snprintf(digits, sizeof digits, "%016llx%016llx",
                static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return digits;
}

void remove_all(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) unwritable(path, error.value());
}

void make_folders(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) unwritable(path, error.value());
}

std::vector<std::string> list_files(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::is_directory(path, error)) return {path};
  std::vector<std::string> files;
  try {
    for (auto i = fs::recursive_directory_iterator(path); i != fs::end(i); ++i)
      if (i->path().filename().string()[0] == '.') i.disable_recursion_pending();
      else if (i->is_regular_file()) files.push_back(i->path().string());
  } catch (const fs::filesystem_error& e) { unreadable(path, e.code().message()); }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace yonder
