#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace yonder {

/// What an option holds, and what is given to one. A whole number is an integer, whichever of the
/// two kinds of number the option has.
using Value = std::variant<bool, std::int64_t, double, std::string>;

/// The value of a text: true or false, a number if it is written as text_of() writes that number,
/// else the text itself. text_of() gives the text back.
Value parse_value(const std::string& text);
/// Shortest digits that read back to the same number; true/false; the text.
std::string text_of(const Value&);

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
  bool affects_result = true;        ///< else a run has the same bits whatever it holds
  bool per_machine = false;          ///< says how to use a machine, so no configuration keeps it
  bool later = false;        ///< added to what is saved already: what lacks it has the default
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
  Option added_later() && {
    later = true;
    return std::move(*this);
  }
  Option without_effect() && {
    affects_result = false;
    return std::move(*this);
  }
  Option of_machine() && {
    per_machine = true;
    return std::move(*this).without_effect();
  }
  Option shown_as(std::string text) && {
    default_text = std::move(text);
    return std::move(*this);
  }
};
using Options = std::vector<Option>;

/// The option called `name`, or null.
Option* find(Options& options, const std::string& name);

/// Puts `value` into the field of `option`, within its limits; else a UsageError that begins with
/// `owner` + "." + name and says what is allowed. A text may stand for a number, which must be read
/// to its last character, or for true or false.
void assign(const Option& option, const std::string& owner, const Value& value);

/// What the field holds: "auto" of an optional one that is not resolved yet.
Value value_of(const Option& option);
/// The same as text.
std::string text_of(const Option& option);
/// `value` as the option would hold it, if it would take it; else as it is.
Value typed(const Option& option, const Value& value);

/// An option without its field, for who may look at what it holds but not change it.
struct OptionView {
  std::string name;
  Value value;
  bool test_time, affects_result, per_machine;
};
std::vector<OptionView> views(const Options&);

/// What is allowed, in words: "a number ≥ 1", "direct, linear or ntk".
std::string allowed(const Option& option);

/// The parts of `list` between the characters `at`, empty ones too; "" is one empty part.
std::vector<std::string> split(const std::string& list, char at);

/// The candidate nearest to `name` by edit distance, or "" if none is near.
std::string nearest(const std::string& name, const std::vector<std::string>& candidates);

/// "; did you mean 'rope'?" or "" if no candidate is near.
std::string did_you_mean(const std::string& name, const std::vector<std::string>& candidates);

}  // namespace yonder
