#pragma once

/// \file
/// Which processor features the program was built for, and which the current processor has.
/// The code runs before the program's first constructor and on any processor: it is compiled for
/// the oldest one and doesn't use the standard library, whose templates the linker might take from
/// a file that is compiled for a newer one.

/// The processor that the program runs on.
namespace yonder::processor {

/// One bit per row of YONDER_FEATURES, in order.
using Features = unsigned long long;

/// The features that -march enabled for the rest of the program.
extern const Features built_for;

/// The features that this processor and its kernel support; 0 if not x86-64.
Features present();

/// Writes why the program can't run on a processor that lacks the features `lacking`, as one line
/// of at most `size` − 1 characters and a terminating 0. Returns the number of characters.
int describe(Features lacking, char* text, int size);

}  // namespace yonder::processor
