#include "datasets/base/documents.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "core/io/files.h"

namespace yonder {
namespace {

using Size = Rooms::Size;

Size bytes_of(const std::vector<std::string>& documents) {
  return std::accumulate(documents.begin(), documents.end(), Size(0),
                         [](Size n, const std::string& d) { return n + Size(d.size()); });
}

// Cuts a document short near `near`, after a line break if one is within a hundredth; the rest.
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

}  // namespace

Documents Documents::read(const std::string& path) {
  Documents d;
  for (const std::string& file : list_files(path)) {
    d.train.push_back(read_file(file));
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

Rooms::Place Rooms::operator[](Size number) const {
  const auto d = std::upper_bound(ends_.begin(), ends_.end(), number) - ends_.begin();
  return {&documents_[d], number - (d ? ends_[d - 1] : 0)};
}

}  // namespace yonder
