#pragma once
#include <string>

#include "core/options.h"

/// \file
/// Formats the help texts of options.
namespace yonder {

inline constexpr std::size_t meaning_column = 30;  ///< where the meaning of a flag begins
inline constexpr std::size_t help_width = 100;     ///< maximum characters per line

/// The text followed by the words, wrapped; all lines but the first are indented by `indent`, and
/// all but the last end in `more`.
std::string wrapped(std::string text, const std::string& words, std::size_t indent,
                    const std::string& more = "");
/// The placeholder of the option's value after its flag: "N".
std::string placeholder(const Option&);
/// The option's help, its choices, and its default in brackets.
std::string meaning(const Option&);

}  // namespace yonder
