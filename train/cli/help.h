#pragma once
#include <string>

#include "core/options.h"

/// \file
/// How a help speaks of options.
namespace yonder {

inline constexpr std::size_t meaning_column = 30;  ///< in which the meaning of a flag begins
inline constexpr std::size_t help_width = 100;     ///< characters of a line at most

/// The text and then these words, in lines that fit; all but the first begin in column `indent`,
/// and all but the last end in `more`.
std::string wrapped(std::string text, const std::string& words, std::size_t indent,
                    const std::string& more = "");
/// What stands for the option's value behind its flag: "N".
std::string placeholder(const Option&);
/// The option's help, what it takes, and its default in brackets.
std::string meaning(const Option&);

}  // namespace yonder
