#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/options.h"
#include "encodings/base/spec.h"
#include "train/config/eval_lengths.h"
#include "train/config/run_config.h"

/// \file
/// The command line of one command. Tables of options (core/options.h) become flags, so that
/// limits, defaults and meanings are written once.
namespace yonder {

/// The flags and arguments of a command, and its help.
class CommandLine {
 public:
  /// `examples` open the help: whole commands that work as they are.
  CommandLine(std::string command, std::string summary, std::vector<std::string> examples);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// Adds a flag for each option under a heading of the help: "--width N" for "model.width"; for a
  /// boolean a switch, which "--json=false" turns off.
  void add(const std::string& heading, const Options&);
  /// Adds a flag that takes comma-separated integers, 1..2^24 each: "--ranks 8,64".
  void numbers(const std::string& heading, const Option& named, std::vector<int>& value);
  /// Adds a flag that takes comma-separated lengths and bins of lengths: "--eval-lengths 1-25,50".
  void lengths(const std::string& heading, const Option& named, std::vector<int>& value,
               LengthBins&);
  /// Adds a flag that takes comma-separated names, split by entries_of(): "--encodings
  /// rope,rope@0-2,none@3,alibi" are three.
  void names(const std::string& heading, const Option& named, std::vector<std::string>& value);
  /// Adds a flag that may be given several times; `values` gets all its values.
  void repeated(const std::string& heading, const Option& named, std::vector<std::string>& values);
  /// Whether an argument has to be given.
  enum class Presence { required, optional };
  /// Adds a positional argument.
  void argument(const std::string& placeholder, std::string& value, const std::string& help,
                Presence);
  /// Adds a list of positional arguments, at least one.
  void arguments(const std::string& placeholder, std::vector<std::string>& values,
                 const std::string& help);

  /// Whether options are set for training or overridden at inference.
  enum class When { training, testing };
  /// Adds flags for all encodings' options ("--rope.base"), a heading each; the help omits those
  /// that `when` excludes. In `given`, a later value of a key replaces an earlier one.
  void encodings(Overrides& given, When when);
  /// The same for tasks ("--copy.alphabet"), and "--text PATH".
  void tasks(Overrides& given, When when);

  /// Parses the arguments after the command and calls apply(). Returns false after printing help to
  /// stdout: --help shows the general options and those of encodings and tasks named with it,
  /// --help-all every one. Throws UsageError with a "did you mean" for unknown flags.
  bool parse(const std::vector<std::string>& arguments);
  /// Assigns what was given to its fields, whose values may have changed since.
  void apply() const;
  /// An option that was given.
  struct Given {
    OptionKey key;        ///< its name
    bool affects_result;  ///< Option::affects_result
  };
  /// All options that were given.
  std::vector<Given> given() const;
  /// The text of --help.
  std::string short_help() const;

 private:
  struct Line;
  std::unique_ptr<Line> line_;
};

/// Selects the only task whose options are given: "--text FILE" implies the task "text".
void imply_task(const CommandLine&, RunConfig&);

}  // namespace yonder
