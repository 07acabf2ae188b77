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

/// What a command understands, and its help.
class CommandLine {
 public:
  /// `examples` open the help: whole commands that work as they stand.
  CommandLine(std::string command, std::string summary, std::vector<std::string> examples);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// One flag for each option under a heading of the help: "--width N" of "model.width"; of one
  /// that is true or false a switch, which "--json=false" turns off.
  void add(const std::string& heading, const Options&);
  /// A flag that takes whole numbers with commas between: "--ranks 8,64". Each is 1..2^24.
  void numbers(const std::string& heading, const Option& named, std::vector<int>& value);
  /// A flag that takes lengths and bins of lengths with commas between: "--eval-lengths 1-25,50".
  void lengths(const std::string& heading, const Option& named, std::vector<int>& value,
               LengthBins&);
  /// A flag that takes names with commas between, as entries_of() parts them: "--encodings
  /// rope,rope@0-2,none@3,alibi" are three.
  void names(const std::string& heading, const Option& named, std::vector<std::string>& value);
  /// A flag that may be given several times; each value is added.
  void repeated(const std::string& heading, const Option& named, std::vector<std::string>& values);
  /// Whether an argument has to be given.
  enum class Presence { required, optional };
  /// An argument without a flag.
  void argument(const std::string& placeholder, std::string& value, const std::string& help,
                Presence);
  /// All arguments without a flag, at least one.
  void arguments(const std::string& placeholder, std::vector<std::string>& values,
                 const std::string& help);

  /// When options are changed.
  enum class When { training, testing };
  /// Flags for the options of every registered encoding ("--rope.base"), a heading each; only those
  /// of test time if `when` says so. What was given goes to `given`, the later value of a key last.
  void encodings(Overrides& given, When when);
  /// The same for tasks ("--copy.alphabet"), and "--text PATH".
  void tasks(Overrides& given, When when);

  /// Reads the arguments after the command and does as apply(). False if they asked for help, which
  /// is then on stdout: --help has the general options and those of encodings and tasks that are
  /// named beside it, --help-all every one. UsageError with a "did you mean" for what is not known.
  bool parse(const std::vector<std::string>& arguments);
  /// Puts what was given into its fields, which may have taken other values since.
  void apply() const;
  /// An option that was given.
  struct Given {
    OptionKey key;        ///< its name
    bool affects_result;  ///< Option::affects_result
  };
  /// All that were given.
  std::vector<Given> given() const;
  /// As --help has it.
  std::string short_help() const;

 private:
  struct Line;
  std::unique_ptr<Line> line_;
};

/// A task whose options alone are given is meant: "--text FILE" is for the task "text".
void imply_task(const CommandLine&, RunConfig&);

}  // namespace yonder
