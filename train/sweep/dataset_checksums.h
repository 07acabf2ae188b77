#pragma once
#include <string>

#include "train/sweep/experiment.h"

/// \file
/// texts.txt: which texts a sweep is about, so that it does not continue with others.
namespace yonder {

/// A line "CHECKSUM text.path = FILE" of each text that the tasks read; "" if they read none.
std::string texts_of(const Experiment&);

/// UsageError, which names the text, if the file `path` holds a line that `now` lacks: cells of two
/// texts would stand in one table.
void require_same_texts(const std::string& now, const std::string& path);

}  // namespace yonder
