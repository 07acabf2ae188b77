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

/// The entry in "files" for a file with this content.
nlohmann::ordered_json file_entry(const std::string& content);
/// The text of a manifest, with the checksum as its last entry.
std::string with_checksum(const nlohmann::ordered_json& manifest);
/// Parses it. Throws FileError, beginning with `path`, if a bit has changed or the format isn't 1.
nlohmann::json verified(const std::string& text, const std::string& path);

/// Throws FileError if `path` has a manifest that is damaged or lists a different content. A file
/// without a manifest, or that its manifest does not list, is accepted.
void require_whole(const std::string& path, const std::string& content);

}  // namespace yonder
