#pragma once
#include <optional>
#include <string>

#include "datasets/base/dataset.h"
#include "train/config/run_config.h"

/// \file
/// The keys of a run's configuration, one name for each thing that can be chosen, in configuration
/// files (as section and key) and in sweeps:
///   model.encoding model.width …    data.task data.train_length data.copy.alphabet
///   train.lr train.from …           encoding.rope.base
/// Sections may be omitted: `lr`, `copy.alphabet`, `rope.base`. `encoding.rope@0-2.base` is the
/// option of some layers' rope (encodings/base/encoding.h).
namespace yonder {

/// The key as configurations have it, if it is known.
std::optional<OptionKey> find_key(const OptionKey&);
/// The key as configurations have it: "lr" becomes "train.lr", "data.length" "data.train_length".
/// UsageError, with the nearest that there is, if it is not known.
OptionKey known(const OptionKey&);

/// With its section: "encoding.rope.base".
std::string full_text(const OptionKey&);

/// The flag of a key: "--lr", "--rope.base", "--text".
std::string flag_of(const OptionKey&);

/// A protocol of evaluation by its present or a former name; UsageError for any other.
Protocol protocol_named(const std::string&);

/// Whether it is an option of an encoding, or says when which of them is used.
bool is_of_encoding(const OptionKey&);
/// Whether the key is an option of a task.
bool is_of_task(const OptionKey&);

/// Sets one key. UsageError for a key that is not known, and for a value that it does not take.
void set_key(RunConfig&, const OptionKey&, const Value&);

/// The value as the option of this key would hold it (core/options.h).
Value typed(const OptionKey&, const Value&);

/// Whether a test may set the option of an encoding, and would see a change.
bool changes_at_test(Encoding&, const Override&);

}  // namespace yonder
