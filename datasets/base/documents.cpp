#include "datasets/base/documents.h"

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <set>

#include "core/error.h"
#include "core/io/files.h"

namespace yonder {
namespace {

namespace fs = std::filesystem;
using Size = Slots::Size;

Size bytes_of(const std::vector<std::string>& documents) {
  return std::accumulate(documents.begin(), documents.end(), Size(0),
                         [](Size n, const std::string& d) { return n + Size(d.size()); });
}

// Truncates a document near `near`, after a line break if one is within 1 %; returns the rest.
std::string cut(std::string& text, std::size_t near) {
  const std::size_t line = text.rfind('\n', near - 1);
  const bool close = line != std::string::npos && near - line <= text.size() / 100;
  const std::size_t at = close ? line + 1 : near;
  std::string rest = text.substr(at);
  text.resize(at);
  return rest;
}

std::string last_of(std::vector<std::string>& documents) {
  std::string last = std::move(documents.back());
  documents.pop_back();
  return last;
}

std::vector<std::string> hold_out_tenth(std::vector<std::string>& documents) {
  std::vector<std::string> held;
  if (documents.size() == 1) {
    std::string& all = documents[0];
    return {cut(all, all.size() - all.size() / 10)};
  }
  const Size bytes = bytes_of(documents);
  while (documents.size() > 1 && 10 * bytes_of(held) < bytes) {
    std::string& last = documents.back();
    const Size wanted = bytes / 10 - bytes_of(held), size = Size(last.size());
    const bool too_much = 5 * (bytes_of(held) + size) > bytes && wanted > 0;
    held.insert(held.begin(),
                too_much ? cut(last, std::size_t(size - wanted)) : last_of(documents));
    if (too_much) break;
  }
  return held;
}

std::vector<std::string> hold_out_twentieth(std::vector<std::string>& documents) {
  std::vector<std::string> held;
  Size wanted = bytes_of(documents) / 20;
  while (documents.size() > 1 && wanted >= Size(documents.back().size())) {
    wanted -= Size(documents.back().size());
    held.insert(held.begin(), last_of(documents));
  }
  std::string& last = documents.back();
  if (wanted > 0) held.insert(held.begin(), cut(last, last.size() - std::size_t(wanted)));
  return held;
}

// The files of a folder, sorted by path, including those of linked folders, each folder once. Omits
// names that begin with a dot.
std::vector<std::string> files_in(const std::string& folder) {
  std::set<fs::path> seen{fs::canonical(folder)};
  std::vector<std::string> files;
  const auto follow = fs::directory_options::follow_directory_symlink;
  for (auto i = fs::recursive_directory_iterator(folder, follow); i != fs::end(i); ++i) {
    if (i->path().filename().string()[0] == '.') i.disable_recursion_pending();
    else if (i->is_regular_file()) files.push_back(i->path().string());
    else if (i->is_directory() && !seen.insert(fs::canonical(i->path())).second)
      i.disable_recursion_pending();
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> files_of(const std::string& path) try {
  if (fs::is_directory(path)) return files_in(path);
  if (fs::exists(path) && !fs::is_regular_file(path))
    throw FileError(path +
                    ": this is not a regular file, and a text is read more than once; save " +
                    "what comes from a pipe to a file");
  return {path};
} catch (const fs::filesystem_error& e) {
  throw FileError(path + ": can't be read: " + e.code().message());
}

void require_text(const std::string& content, const std::string& path) {
  // gzip, bzip2, xz, zip, zstd, PDF, ELF; and UTF-16. Any other bytes are accepted.
  const char* const starts[] = {"\x1f\x8b",
                                "BZh",
                                "\xfd\x37zXZ",
                                "PK\x03\x04",
                                "\x28\xb5\x2f\xfd",
                                "%PDF",
                                "\x7f"
                                "ELF",
                                "\xff\xfe",
                                "\xfe\xff"};
  const bool packed =
      std::any_of(std::begin(starts), std::end(starts),
                  [&content](const char* start) { return content.starts_with(start); });
  if (packed)
    throw FileError(path + ": this is a compressed or binary file, or UTF-16; decompress it, or " +
                    "convert it to UTF-8");
}

}  // namespace

Documents Documents::read(const std::string& path) {
  Documents d;
  for (const std::string& file : files_of(path)) {
    d.train.push_back(read_file(file));
    require_text(d.train.back(), file);
    if (d.train.back().empty()) d.train.pop_back();
  }
  if (d.train.empty()) throw FileError(path + ": it contains no text; name another file or folder");
  d.test = hold_out_tenth(d.train);
  d.validation = hold_out_twentieth(d.train);
  std::string sums;
  for (const auto* part : {&d.train, &d.validation, &d.test})
    for (const std::string& document : *part) sums += yonder::checksum(document);
  d.checksum = yonder::checksum(sums);
  return d;
}

std::shared_ptr<const Documents> Corpora::operator[](const std::string& path) const {
  std::shared_ptr<const Documents>& text = (*texts_)[path];
  if (!text) text = std::make_shared<const Documents>(Documents::read(path));
  return text;
}

Slots::Place Slots::operator[](Size number) const {
  const auto d = std::upper_bound(ends_.begin(), ends_.end(), number) - ends_.begin();
  return {&documents_[d], number - (d ? ends_[d - 1] : 0)};
}

}  // namespace yonder
