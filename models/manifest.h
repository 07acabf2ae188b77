#pragma once
#include <nlohmann/json.hpp>
#include <string>

/// \file
/// A manifest, step-N.json, accompanies the files of a checkpoint, is written after them, and holds
/// their checksums, so that damage is detected before a file is used:
///
///   {"format": 1, …, "files": {"step-N.safetensors": {"bytes": 1234, "xxh3": "…"}, …},
///    "xxh3": "…"}
///
/// The last entry is the checksum of all the text before it.
namespace yonder {

/// What "files" says of a file of this content.
nlohmann::ordered_json described(const std::string& content);
/// A manifest's text: an object and, as its last entry, the checksum.
std::string sealed(const nlohmann::ordered_json& manifest);
/// The object again. FileError, beginning with `path`, if a single bit is not as it was written.
nlohmann::json unsealed(const std::string& text, const std::string& path);

/// FileError if the manifest of `path`, if there is one, lists another content than this. A file
/// without a manifest, or that its manifest does not list, is accepted as it is.
void require_whole(const std::string& path, const std::string& content);

}  // namespace yonder
