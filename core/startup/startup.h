#pragma once

/// \file
/// What an executable does before the constructors of its libraries run. It is linked into yonder
/// and its tests, not into the library: other programs start as they like.
///
/// - A processor that lacks what the program was built for: it says so and ends with 1.
/// - What processors the process may use is noted in `affinity_at_start`, as libgomp binds the
/// first
///   thread to one of them under OMP_PROC_BIND or OMP_PLACES.
/// - libgomp's threads spin for milliseconds at the end of every loop, which makes a program of
///   small loops twenty times slower as soon as another one wants the processors. How long is read
///   from the environment by libgomp's constructor alone, so GOMP_SPINCOUNT stands there until
///   main() begins. Settings of the user's own are kept.
namespace yonder {

/// First thing in main(): puts the environment back as the user has it.
void end_startup();

}  // namespace yonder
