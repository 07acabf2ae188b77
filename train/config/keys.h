#pragma once
#include <optional>
#include <string>

#include "datasets/base/dataset.h"
#include "train/config/run_config.h"

/// \file
/// One key per setting of a run, in configuration files (as section and key) and in sweeps:
///   model.encoding model.width …    data.task data.train_length data.copy.alphabet
///   train.lr train.from …           encoding.rope.base
/// Sections may be omitted: `lr`, `copy.alphabet`, `rope.base`. `encoding.rope@0-2.base` is the
/// option of rope in some layers (encodings/base/encoding.h).
namespace yonder {

/// Canonical form of a key, if it is known.
std::optional<OptionKey> find_key(const OptionKey&);
/// Canonical form of a key: "lr" becomes "train.lr", "data.length" "data.train_length". Throws
/// UsageError, suggesting the nearest key, if it is unknown.
OptionKey known(const OptionKey&);

/// With its section: "encoding.rope.base".
std::string full_text(const OptionKey&);

/// The flag of a key: "--lr", "--rope.base", "--text".
std::string flag_of(const OptionKey&);

/// The evaluation protocol with this current or former name. Throws UsageError for any other.
Protocol protocol_named(const std::string&);

/// Whether the key is an option of an encoding, or of the switch from one to another.
bool is_of_encoding(const OptionKey&);
/// Whether the key is an option of a task.
bool is_of_task(const OptionKey&);

/// Sets one key. Throws UsageError for an unknown key, and for a value that a field of RunConfig
/// does not accept; values of encoding and task options are checked only when they are applied.
void set_key(RunConfig&, const OptionKey&, const Value&);

/// The value converted to the type of the key's option, if it can be (core/options.h).
Value typed(const OptionKey&, const Value&);

/// Whether the encoding's option may be overridden at inference time and its value would change.
bool changes_at_inference(Encoding&, const Override&);

}  // namespace yonder
