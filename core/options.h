#pragma once
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace yonder {

/// One named setting, pointing at the field that holds it; the field's initial value is the
/// default. The single source for flags, configuration files, checkpoints and documentation.
struct Option {
  std::string name;
  /// An optional is a default that depends on the model, empty until build() resolves it.
  std::variant<int*, double*, bool*, std::string*, std::optional<bool>*> value;
  std::string help;
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  bool open = false;                 ///< the limits themselves are excluded
  std::vector<std::string> choices;  ///< of a string; empty: any
  bool test_time = false;            ///< may be changed on a trained checkpoint, (T) in the docs
  std::string default_text;  ///< shown instead of the value where the default depends on the model

  Option at_least(double x) && {
    least = x;
    return std::move(*this);
  }
  Option within(double low, double high) && {
    least = low, most = high;
    return std::move(*this);
  }
  Option between(double low, double high) && {
    open = true;
    return std::move(*this).within(low, high);
  }
  Option one_of(std::vector<std::string> c) && {
    choices = std::move(c);
    return std::move(*this);
  }
  Option at_test() && {
    test_time = true;
    return std::move(*this);
  }
  Option shown_as(std::string text) && {
    default_text = std::move(text);
    return std::move(*this);
  }
};
using Options = std::vector<Option>;

/// The option called `name`, or null.
Option* find(Options& options, const std::string& name);

/// Reads `text` into the field of `option`, within its limits; else a UsageError that begins with
/// `owner` + "." + name and says what is allowed. Numbers must be read to their last character.
void assign(const Option& option, const std::string& owner, const std::string& text);

/// The value as text: shortest digits that read back to the same number; true/false; the string.
std::string text_of(const Option& option);

/// What is allowed, in words: "a number ≥ 1", "direct, linear or ntk".
std::string allowed(const Option& option);

/// The parts of `list` between the characters `at`, empty ones too; "" is one empty part.
std::vector<std::string> split(const std::string& list, char at);

/// The candidate nearest to `name` by edit distance, or "" if none is near.
std::string nearest(const std::string& name, const std::vector<std::string>& candidates);

/// "; did you mean 'rope'?" or "" if no candidate is near.
std::string did_you_mean(const std::string& name, const std::vector<std::string>& candidates);

}  // namespace yonder
