#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/options.h"
#include "train/config/run_config.h"

/// \file
/// The command line of one verb. Tables of options (core/options.h) become flags, so that limits,
/// defaults and meanings are written once.
namespace yonder {

class Flags {
 public:
  /// `examples` open the help: whole commands that work as they stand.
  Flags(std::string verb, std::string summary, std::vector<std::string> examples);
  ~Flags();
  Flags(const Flags&) = delete;
  Flags& operator=(const Flags&) = delete;

  /// One flag for each option, e.g. "--width N", under a heading of the help.
  void add(const std::string& heading, const Options&);
  /// A flag that takes a text: "--out DIR".
  void text(const std::string& heading, const std::string& flag, const std::string& placeholder,
            std::string& value, const std::string& help);
  /// A flag that takes whole numbers with commas between: "--lengths 32,64". Each is 1..2^24.
  void numbers(const std::string& heading, const std::string& flag, std::vector<int>& value,
               const std::string& help);
  /// A flag that takes names with commas between, as entries_of() parts them: "--encodings
  /// rope,rope@0-2,none@3,alibi" are three.
  void names(const std::string& heading, const std::string& flag, const std::string& placeholder,
             std::vector<std::string>& value, const std::string& help);
  /// A flag that may be given several times; each value is added.
  void repeated(const std::string& heading, const std::string& flag, const std::string& placeholder,
                std::vector<std::string>& values, const std::string& help);
  /// A flag that takes nothing.
  void on(const std::string& heading, const std::string& flag, bool& value,
          const std::string& help);
  /// An argument without a flag. `required` ones must be given.
  enum class Presence { required, optional };
  void argument(const std::string& placeholder, std::string& value, const std::string& help,
                Presence);
  /// All arguments without a flag, at least one.
  void arguments(const std::string& placeholder, std::vector<std::string>& values,
                 const std::string& help);

  /// Flags for the options of every registered encoding ("--rope.base"), a heading each; only those
  /// of test time if `when` says so. What was given goes to `given`.
  enum class When { training, testing };
  void encodings(Overrides& given, When when);
  /// The same for tasks ("--copy.alphabet"), and "--text PATH".
  void tasks(Overrides& given, When when);

  /// Reads the arguments after the verb. False if they asked for help, which is then on stdout.
  /// UsageError with a "did you mean" for what is not known.
  bool parse(const std::vector<std::string>& arguments);

 private:
  struct Line;
  std::unique_ptr<Line> line_;
};

}  // namespace yonder
