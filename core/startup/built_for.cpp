// Constants only, no code: this file is compiled with a -march that the processor may lack.
#include "core/startup/features.h"
#include "core/startup/processor.h"

namespace yonder::processor {

// An undefined macro expands to its own name, a defined one to 1.
#define YONDER_TEXT(macro) #macro
#define YONDER_BIT(name, macro, ...) (YONDER_TEXT(macro)[0] == '1' ? 1ull : 0ull),

namespace {

constexpr Features bits[] = {YONDER_FEATURES(YONDER_BIT)};

[[maybe_unused]] constexpr Features all() {
  Features features = 0;
  for (int i = 0; i < int(sizeof bits / sizeof *bits); ++i) features |= bits[i] << i;
  return features;
}

}  // namespace

// Compilers for ARM also define one of these macros: compare-and-swap of 16 bytes.
#ifdef __x86_64__
constinit const Features built_for = all();
#else
constinit const Features built_for = 0;
#endif

}  // namespace yonder::processor
