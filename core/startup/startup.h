#pragma once

/// \file
/// What an executable does before the constructors of its libraries run. Linked into yonder and its
/// tests, not into the library, so other programs are not affected.
///
/// - If the processor lacks features that the program was built for, prints them and exits with 1.
/// - Records the processors that the process may use in `affinity_at_start`, since libgomp binds
///   the first thread to one of them under OMP_PROC_BIND or OMP_PLACES.
/// - libgomp's threads spin for milliseconds at the end of every loop, which makes a program with
///   small loops twenty times slower as soon as another one needs the processors. Only libgomp's
///   constructor reads the spin count from the environment, so GOMP_SPINCOUNT is set there until
///   main() begins. The user's own settings are kept.
namespace yonder {

/// Restores the user's environment; to be called first in main().
void end_startup();

}  // namespace yonder
