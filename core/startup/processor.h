#pragma once

/// \file
/// Which features of a processor the program was built for, and which the one it runs on has.
/// All of it runs before the program's first constructor and on any processor: it is compiled for
/// the oldest one, and uses nothing of the standard library, whose templates the linker might take
/// from a file that is not.

/// The processor that the program runs on.
namespace yonder::processor {

/// A bit for each row of YONDER_FEATURES, in their order.
using Features = unsigned long long;

/// What -march has let the compiler use in the rest of the program.
extern const Features built_for;

/// What this processor and its kernel have; 0 on others than x86-64.
Features present();

/// Writes why a program can't run where `lacking` is what it was built for and is not there, as
/// one line of at most `size` − 1 characters and a 0. Returns how many characters.
int describe(Features lacking, char* text, int size);

}  // namespace yonder::processor
