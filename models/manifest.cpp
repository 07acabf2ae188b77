#include "models/manifest.h"

#include <filesystem>

#include "core/error.h"
#include "core/io/files.h"
#include "core/io/json.h"

namespace yonder {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// The end of a manifest that begins with `text`.
std::string seal_of(const std::string& text) {
  return ",\n  \"xxh3\": \"" + checksum(text) + "\"\n}\n";
}

[[noreturn]] void damaged(const std::string& path, const std::string& what) {
  throw FileError(path + ": damaged: " + what + "; copy it again or take another checkpoint");
}

}  // namespace

ordered_json file_entry(const std::string& content) {
  return {{"bytes", content.size()}, {"xxh3", checksum(content)}};
}

std::string with_checksum(const ordered_json& manifest) {
  std::string text = manifest.dump(2, ' ', false, json::error_handler_t::replace);
  text.resize(text.size() - std::string("\n}").size());
  return text + seal_of(text);
}

json verified(const std::string& text, const std::string& path) {
  const std::size_t seal = seal_of("").size();
  const std::string said = text.size() > seal ? text.substr(0, text.size() - seal) : "";
  if (said.empty() || text != said + seal_of(said)) damaged(path, "its own checksum is wrong");
  json manifest = parse_json(text, path);
  if (!manifest.contains("format") || manifest["format"] != 1 || !manifest.contains("files") ||
      !manifest["files"].is_object())
    throw FileError(path +
                    ": this program can't read this manifest; use the version that wrote it");
  return manifest;
}

void require_whole(const std::string& path, const std::string& content) {
  std::filesystem::path beside(path);
  const std::string name = beside.filename().string();
  const std::string manifest = beside.replace_filename(name.substr(0, name.find('.')) + ".json");
  std::error_code error;
  if (!name.starts_with("step-") || !name.ends_with(".safetensors") ||
      !std::filesystem::exists(manifest, error))
    return;
  const json files = verified(read_file(manifest), manifest)["files"];
  if (files.contains(name) && files[name] != json(file_entry(content)))
    damaged(path, "it is not what " + manifest + " says");
}

}  // namespace yonder
