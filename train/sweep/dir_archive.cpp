#include "train/sweep/dir_archive.h"

#include <filesystem>

#include "core/io/files.h"

namespace yonder {
namespace fs = std::filesystem;

// For each file, a line "{bytes} {path}" and its content.
std::string packed(const std::string& folder) {
  std::string archive;
  std::error_code error;
  if (!fs::is_directory(folder, error)) return archive;
  for (const std::string& path : list_files(folder)) {
    const std::string content = read_file(path);
    archive += std::to_string(content.size()) + " " + path.substr(folder.size() + 1) + "\n";
    archive += content;
  }
  return archive;
}

void unpack(const std::string& archive, const std::string& folder) {
  make_folders(folder);
  for (std::size_t at = 0; at < archive.size();) {
    const std::size_t space = archive.find(' ', at), end = archive.find('\n', space);
    const std::size_t size = std::stoull(archive.substr(at, space - at));
    const std::string path = folder + "/" + archive.substr(space + 1, end - space - 1);
    make_folders(fs::path(path).parent_path().string());
    write_file(path, archive.substr(end + 1, size));
    at = end + 1 + size;
  }
}

}  // namespace yonder
