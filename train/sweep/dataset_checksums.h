#pragma once
#include <string>

#include "train/sweep/experiment.h"

/// \file
/// texts.txt: the texts of a sweep, so that it is not resumed with others.
namespace yonder {

/// A line "CHECKSUM text.path = FILE" for each text that the tasks read; "" if none.
std::string texts_of(const Experiment&);

/// Throws UsageError, naming the text, if the file `path` has a text that `now` lacks: one table
/// would mix cells of two texts.
void require_same_texts(const std::string& now, const std::string& path);

}  // namespace yonder
