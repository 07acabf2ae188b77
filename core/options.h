#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "core/text.h"

namespace yonder {

/// The value that an option holds or is assigned. A whole number is an integer, even if the
/// option's field is a double.
using Value = std::variant<bool, std::int64_t, double, std::string>;

/// Parses a text: true or false, a number if it is written as text_of() writes that number, else
/// the text itself. text_of() inverts it.
Value parse_value(const std::string& text);
/// Shortest digits that read back to the same number; true/false; the text.
std::string text_of(const Value&);

/// Type-erased access to an enum field, whose values index the option's choices.
struct EnumField {
  void* field;                          ///< an enum or optional enum; null: no field
  int (*get)(const void* field);        ///< returns an index
  void (*set)(void* field, int index);  ///< index of a choice

  explicit operator bool() const { return field; }  ///< whether there is a field
};

/// One named setting, pointing at the field that holds it; the field's initial value is the
/// default. The single source for flags, configuration files, checkpoints and documentation.
struct Option {
  std::string name;  ///< as flags and files spell it
  /// An optional's default depends on the model; it is empty until build() resolves it.
  std::variant<int*, double*, bool*, std::string*, std::optional<bool>*, EnumField> value;
  std::string help;                                         ///< one phrase for --help
  double least = -std::numeric_limits<double>::infinity();  ///< lower limit of a number
  double most = std::numeric_limits<double>::infinity();    ///< upper limit of a number
  bool open = false;                                        ///< the limits themselves are excluded
  std::vector<std::string> choices;  ///< for a text or an enum; empty: any text
  bool inference_time = false;       ///< inference-time override allowed, (T) in the docs
  bool affects_result = true;        ///< false: runs are bit-identical for any value
  bool per_machine = false;          ///< how to use a machine; not stored in configurations
  bool later = false;                ///< checkpoints may lack it and then have the default
  std::string default_text;  ///< shown instead of the value if the default depends on the model
  std::string placeholder;   ///< for the value in --help: "DIR"; empty: by its type
  std::string former;        ///< name in earlier versions, still accepted
  std::string synonym;       ///< alias on the command line
  std::vector<std::pair<std::string, std::string>> former_choices;  ///< and their new names
  bool advanced = false;                                            ///< shown only in the full help
  std::string (*canonical)(const std::string&) = nullptr;  ///< maps a text to its stored form

  /// @{
  /// Sets limits, choices and flags of a new option: Option{…}.at_least(0).at_inference().
  Option at_least(double x) && { return with(&Option::least, x); }
  Option within(double low, double high) && {
    least = low;
    return with(&Option::most, high);
  }
  Option between(double low, double high) && {
    open = true;
    return std::move(*this).within(low, high);
  }
  Option one_of(std::vector<std::string> c) && { return with(&Option::choices, std::move(c)); }
  Option at_inference() && { return with(&Option::inference_time, true); }
  Option added_later() && { return with(&Option::later, true); }
  Option without_effect() && { return with(&Option::affects_result, false); }
  Option of_machine() && {
    per_machine = true;
    return std::move(*this).without_effect();
  }
  Option shown_as(std::string text) && { return with(&Option::default_text, std::move(text)); }
  Option takes(std::string what) && { return with(&Option::placeholder, std::move(what)); }
  Option formerly(std::string before) && { return with(&Option::former, std::move(before)); }
  Option also(std::string other_name) && { return with(&Option::synonym, std::move(other_name)); }
  Option choice_formerly(std::string before, std::string now) && {
    former_choices.emplace_back(std::move(before), std::move(now));
    return std::move(*this);
  }
  Option kept_as(std::string (*f)(const std::string&)) && { return with(&Option::canonical, f); }
  Option for_experts() && { return with(&Option::advanced, true); }
  /// @}

  /// Sets one field.
  template <class T>
  Option with(T Option::*field, std::type_identity_t<T> x) {
    this->*field = std::move(x);
    return std::move(*this);
  }
};
using Options = std::vector<Option>;  ///< all options of one owner

/// An enum for options: a function `names`, declared next to it, returns the texts of its values in
/// order.
template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E e) {
  names(e);
};
/// The text of a value.
template <NamedEnum E>
std::string text_of(E e) {
  return names(e)[std::size_t(e)];
}
/// An option that holds an enum.
template <NamedEnum E>
Option choice(std::string name, E* field, std::string help) {
  const EnumField it{field, [](const void* f) { return int(*static_cast<const E*>(f)); },
                     [](void* f, int index) { *static_cast<E*>(f) = E(index); }};
  return Option{std::move(name), it, std::move(help)}.one_of(names(E()));
}
/// The same for an optional enum; "auto", the first choice, leaves it empty.
template <NamedEnum E>
Option choice(std::string name, std::optional<E>* field, std::string help) {
  using Field = std::optional<E>;
  const EnumField it{field,
                     [](const void* f) {
                       const Field& e = *static_cast<const Field*>(f);
                       return e ? 1 + int(*e) : 0;
                     },
                     [](void* f, int index) {
                       *static_cast<Field*>(f) = index > 0 ? Field(E(index - 1)) : Field();
                     }};
  std::vector<std::string> all = names(E());
  all.insert(all.begin(), "auto");
  return Option{std::move(name), it, std::move(help)}.one_of(std::move(all));
}

/// Whether `given` is `name` or `former`, its name in earlier versions, which note_renamed() then
/// records. '-' and '_' are the same.
bool is_named(const std::string& given, const std::string& name, const std::string& former);
/// Adds "`former` is now `name`" to renamed_notes(), once per process.
void note_renamed(const std::string& former, const std::string& name);
std::string snake_case(std::string name);  ///< replaces '-' by '_', as in files
std::string kebab_case(std::string name);  ///< replaces '_' by '-', as in flags

/// Returns the option called `name` (see is_named()), if there is one.
std::optional<Option> find(const Options& options, const std::string& name);

/// Assigns `value` to the field of `option`. Throws UsageError, which begins with `owner` + "." +
/// name and says what is allowed, if it is out of range or not a choice. A number or boolean may be
/// given as text, without trailing characters.
void assign(const Option& option, const std::string& owner, const Value& value);

/// Returns the field's value; "auto" for an optional one that is not resolved yet.
Value value_of(const Option& option);
/// The same as text.
std::string text_of(const Option& option);
/// Returns `value` converted to the option's type, or unchanged if it can't be.
Value typed(const Option& option, const Value& value);

/// A read-only view of an option.
struct OptionView {
  std::string name;                                  ///< the option's name
  Value value;                                       ///< the field's value
  bool inference_time, affects_result, per_machine;  ///< see Option
};
std::vector<OptionView> views(const Options&);  ///< of all options, in their order

/// What is allowed, in words: "a number ≥ 1", "direct, linear or ntk".
std::string allowed(const Option& option);

/// The parts of `list` between the characters `at`, empty ones too; "" is one empty part.
std::vector<std::string> split(const std::string& list, char at);

/// The candidate nearest to `name` by edit distance, or "" if none is near.
std::string nearest(const std::string& name, const std::vector<std::string>& candidates);

/// "; did you mean 'rope'?" or "" if no candidate is near.
std::string did_you_mean(const std::string& name, const std::vector<std::string>& candidates);

}  // namespace yonder
