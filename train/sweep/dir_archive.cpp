#include "train/sweep/dir_archive.h"

#include <filesystem>

#include "core/io/files.h"

namespace yonder {
namespace fs = std::filesystem;

// Of each file a line "{bytes} {path}" and its content.
std::string packed(const std::string& folder) {
  std::string parcel;
  std::error_code error;
  if (!fs::is_directory(folder, error)) return parcel;
  for (const std::string& path : list_files(folder)) {
    const std::string content = read_file(path);
    parcel += std::to_string(content.size()) + " " + path.substr(folder.size() + 1) + "\n";
    parcel += content;
  }
  return parcel;
}

void unpack(const std::string& parcel, const std::string& folder) {
  make_folders(folder);
  for (std::size_t at = 0; at < parcel.size();) {
    const std::size_t space = parcel.find(' ', at), end = parcel.find('\n', space);
    const std::size_t size = std::stoull(parcel.substr(at, space - at));
    const std::string path = folder + "/" + parcel.substr(space + 1, end - space - 1);
    make_folders(fs::path(path).parent_path().string());
    write_file(path, parcel.substr(end + 1, size));
    at = end + 1 + size;
  }
}

}  // namespace yonder
