#include "core/io/files.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "core/error.h"
#include "core/io/control_groups.h"
#include "core/io/fault_injection.h"

namespace yonder {
namespace {

/// An open file, closed on destruction.
struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

/// A temporary file, removed on destruction unless it has been renamed.
struct Temporary {
  std::string name;
  bool renamed = false;
  ~Temporary() {
    if (!renamed) ::unlink(name.c_str());
  }
};

[[noreturn]] void unreadable(const std::string& path, const std::string& why,
                             const std::string& advice = "check the name") {
  throw FileError(fmt::format("{}: can't be read: {}; {}", path, why, advice));
}

[[noreturn]] void unwritable(const std::string& path, int error) {
  const std::string text = path + ": can't be written: ";
  if (error == ELOOP) throw DiskError(text + "it is a link; remove it or choose another place");
  throw DiskError(text + std::strerror(error) +
                  (error == ENOSPC || error == EDQUOT ? "; free some space or choose another place"
                                                      : "; choose another place"));
}

Faults faults;

// Makes a system call on `path`, again if a signal interrupts it. `call` returns −1 and sets errno
// if it fails.
template <class F>
auto uncut(Call kind, const std::string& path, F call) {
  for (;;) {
    const int fault = faults ? faults(kind, path) : 0;
    if (fault > 0) errno = fault;
    const auto result = fault > 0 ? decltype(call(fault))(-1) : call(fault);
    if (result >= 0 || errno != EINTR) return result;
  }
}

int open_file(const std::string& path, int flags) {
  return uncut(Call::open, path,
               [&](int) { return ::open(path.c_str(), flags | O_CLOEXEC, 0666); });
}

// Size in bytes of a file, which must be regular and fit in memory. Files in /proc report 0.
std::size_t size_of(int file, const std::string& path) {
  struct stat about {};
  if (::fstat(file, &about) < 0) unreadable(path, std::strerror(errno));
  if (S_ISDIR(about.st_mode)) unreadable(path, "it is a folder");
  if (!S_ISREG(about.st_mode))
    unreadable(path, "it is a pipe or a device", "save what comes from it as a regular file first");
  constexpr off_t small = 1 << 26;
  if (about.st_size > small && double(about.st_size) > memory_left())
    unreadable(path, fmt::format("{} bytes are more than memory has free", about.st_size),
               "take a smaller file");
  return std::size_t(about.st_size);
}

void write_all(int file, const std::string& content, const std::string& path) {
  std::size_t done = 0;
  while (done < content.size()) {
    const std::size_t left = content.size() - done;
    const ssize_t n = uncut(Call::write, path, [&](int fault) {
      return ::write(file, content.data() + done, fault == half ? (left + 1) / 2 : left);
    });
    if (n < 0) unwritable(path, errno);
    done += std::size_t(n);
  }
}

void sync(int file, const std::string& path) {
  // EINVAL: the file system does not support fsync.
  if (uncut(Call::sync, path, [&](int) { return ::fsync(file); }) < 0 && errno != EINVAL)
    unwritable(path, errno);
}

// A rename is on the disk only once its folder is synced.
void sync_folder(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const std::string folder = parent.empty() ? "." : parent;
  const Descriptor open{open_file(folder, O_RDONLY | O_DIRECTORY)};
  if (open.number < 0) unwritable(path, errno);
  sync(open.number, path);
}

// Reports an error of std::filesystem as a system call does.
int result_of(const std::error_code& error) {
  errno = error.value();
  return error ? -1 : 0;
}

const std::string temporary_end = ".tmp";

// Flags for a file that is changed in place: a link would lead out of the folder, a pipe would
// block until it has a reader.
constexpr int in_place = O_NOFOLLOW | O_NONBLOCK;

// "NAME.{process}.{number}.tmp", as write_file() names an unfinished file.
bool is_temporary(std::string name) {
  if (!name.ends_with(temporary_end)) return false;
  name.resize(name.size() - temporary_end.size());
  for (int part = 0; part < 2; ++part) {
    const std::size_t last = name.find_last_not_of("0123456789");
    if (last == name.npos || last + 1 == name.size() || name[last] != '.') return false;
    name.resize(last);
  }
  return !name.empty();
}

// Whether a process with this id is alive; a zombie has already released what it held.
bool lives(int process) {
  if (::kill(process, 0) < 0 && errno == ESRCH) return false;
  std::string stat;
  try {
    stat = read_file(fmt::format("/proc/{}/stat", process));
  } catch (const FileError&) { return true; }
  const std::size_t name = stat.rfind(") ");  // "123 (yonder) S …"
  return name == stat.npos || (stat[name + 2] != 'Z' && stat[name + 2] != 'X');
}

}  // namespace

void set_faults(Faults f) { faults = std::move(f); }

std::string read_file(const std::string& path) {
  const Descriptor file{
      open_file(path, O_RDONLY | O_NONBLOCK)};  // a pipe would block until it has a writer
  if (file.number < 0) unreadable(path, std::strerror(errno));
  std::string content;
  content.reserve(size_of(file.number, path));
  char piece[1 << 16];
  for (;;) {
    const ssize_t n =
        uncut(Call::read, path, [&](int) { return ::read(file.number, piece, sizeof piece); });
    if (n < 0) unreadable(path, std::strerror(errno));
    if (n == 0) return content;
    content.append(piece, std::size_t(n));
  }
}

void write_file(const std::string& path, const std::string& content) {
  // A rename would replace /dev/null with a regular file.
  struct stat about {};
  if (::stat(path.c_str(), &about) == 0 && !S_ISREG(about.st_mode))
    unwritable(path, S_ISDIR(about.st_mode) ? EISDIR : EEXIST);
  static std::atomic<unsigned> writes{0};
  Temporary temporary{fmt::format("{}.{}.{}{}", path, ::getpid(), writes++, temporary_end)};
  {
    const Descriptor file{open_file(temporary.name, O_WRONLY | O_CREAT | O_TRUNC)};
    if (file.number < 0) unwritable(path, errno);
    write_all(file.number, content, path);
    sync(file.number, path);
  }
  if (uncut(Call::rename, path,
            [&](int) { return ::rename(temporary.name.c_str(), path.c_str()); }) < 0)
    unwritable(path, errno);
  temporary.renamed = true;
  sync_folder(path);
}

void append_file(const std::string& path, const std::string& content) {
  const Descriptor file{open_file(path, O_WRONLY | O_CREAT | O_APPEND | in_place)};
  if (file.number < 0) unwritable(path, errno);
  write_all(file.number, content, path);
}

void sync_file(const std::string& path) {
  const Descriptor file{open_file(path, O_WRONLY | in_place)};
  if (file.number < 0) unwritable(path, errno);
  sync(file.number, path);
}

std::string checksum(std::string_view content) {
  const XXH128_hash_t hash = XXH3_128bits(content.data(), content.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

void remove_all(const std::string& path) {
  std::error_code error;
  auto call = [&](int) { return std::filesystem::remove_all(path, error), result_of(error); };
  if (uncut(Call::remove, path, call) < 0) unwritable(path, errno);
}

void replace_folder(const std::string& old, const std::string& by) {
  remove_all(old);
  if (uncut(Call::rename, old, [&](int) { return ::rename(by.c_str(), old.c_str()); }) < 0)
    unwritable(old, errno);
  sync_folder(old);
}

TemporaryFolder::TemporaryFolder() {
  std::error_code error;
  path = std::filesystem::temp_directory_path(error).string() + "/yonder-XXXXXX";
  auto call = [&](int) { return ::mkdtemp(path.data()) ? 0 : -1; };
  if (uncut(Call::make_folder, path, call) < 0) unwritable(path, errno);
}

TemporaryFolder::~TemporaryFolder() {
  try {
    remove_all(path);
  } catch (const DiskError&) {  // leftovers in /tmp are harmless
  }
}

void remove_temporaries(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> left;
  for (const auto& file : std::filesystem::directory_iterator(folder, error))
    if (is_temporary(file.path().filename().string())) left.push_back(file.path().string());
  for (const std::string& path : left) remove_all(path);
}

void make_folders(const std::string& path) {
  std::error_code error;
  auto call = [&](int) {
    return std::filesystem::create_directories(path, error), result_of(error);
  };
  if (uncut(Call::make_folder, path, call) < 0) unwritable(path, errno);
}

FolderLock::FolderLock(const std::string& folder) : path_(folder + "/.lock") {
  struct stat held {
  }, there{};
  for (int waits = 0;;) {  // again if its last owner has removed the opened file
    if (file_ >= 0) ::close(file_);
    file_ = open_file(path_, O_RDWR | O_CREAT | in_place);
    if (file_ < 0) unwritable(path_, errno);
    // Only EWOULDBLOCK means that another process has it: some file systems have no locks.
    if (::flock(file_, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
      ::close(file_);
      const std::string text = read_file(path_), owner = text.substr(0, text.find('\n'));
      // After a sweep is killed, its runs' processes still save and hold the lock they inherited.
      const int process = std::atoi(owner.c_str());
      if (process > 0 && !lives(process) && ++waits < 600) {
        file_ = -1;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        continue;
      }
      throw UsageError(fmt::format(
          "{}: process {} is at work in it; wait for it or choose another folder", folder, owner));
    }
    ::fstat(file_, &held);
    if (::stat(path_.c_str(), &there) == 0 && held.st_ino == there.st_ino) break;
  }
  try {
    if (::ftruncate(file_, 0) < 0) unwritable(path_, errno);
    write_all(file_, fmt::format("{}\n", ::getpid()), path_);
  } catch (const DiskError&) {
    ::close(file_);
    throw;
  }
}

FolderLock::~FolderLock() {
  ::unlink(path_.c_str());
  ::close(file_);
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
