#include "core/startup/processor.h"

#include "core/startup/features.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif

namespace yonder::processor {
namespace {

#define YONDER_NAME(name, ...) #name,
const char* const names[] = {YONDER_FEATURES(YONDER_NAME)};
const int count = sizeof names / sizeof *names;
static_assert(count <= 64, "Features has a bit for each");

#define YONDER_ONE(...) +1
const Features x86_64_v3 = (1ull << (0 YONDER_FEATURES_V3(YONDER_ONE))) - 1;

/// A line of limited length.
struct Line {
  char* text;
  int size;
  int used = 0;

  void add(const char* words) {
    for (; *words && used < size - 1; ++words) text[used++] = *words;
    text[used] = 0;
  }
  void add(int number) {
    if (number > 9) add(number / 10);
    const char digit[] = {char('0' + number % 10), 0};
    add(digit);
  }
};

#ifdef __x86_64__
enum Registers { nothing, ymm, zmm };

// The largest registers that the kernel saves on a context switch.
Registers kept() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  const unsigned osxsave = 1u << 27;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & osxsave)) return nothing;
  asm("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
  const unsigned of_ymm = 0x6, of_zmm = 0xe6;
  if ((eax & of_zmm) == of_zmm) return zmm;
  return (eax & of_ymm) == of_ymm ? ymm : nothing;
}
#endif

}  // namespace

Features present() {
  Features features = 0;
#ifdef __x86_64__
  const Registers kept_here = kept();
  int i = 0;
  const auto ask = [&](unsigned leaf, unsigned subleaf, auto answer, int bit, Registers needs) {
    unsigned registers[4] = {};
    __get_cpuid_count(leaf, subleaf, &registers[0], &registers[1], &registers[2], &registers[3]);
    const bool there = (registers[answer] >> bit & 1) && kept_here >= needs;
    features |= Features(there) << i++;
  };
  enum { eax, ebx, ecx, edx };
#define YONDER_ASK(name, macro, ...) ask(__VA_ARGS__);
  YONDER_FEATURES(YONDER_ASK)
#endif
  return features;
}

int describe(Features lacking, char* text, int size) {
  Line line{text, size};
  line.add("yonder: this program was built for a processor with ");
  const int shown_at_most = 4;
  int seen = 0;
  for (int i = 0; i < count; ++i) {
    if (!(lacking >> i & 1) || ++seen > shown_at_most) continue;
    if (seen > 1) line.add(", ");
    line.add(names[i]);
  }
  if (seen > shown_at_most) {
    line.add(" and ");
    line.add(seen - shown_at_most);
    line.add(" more");
  }
  line.add(", which this one lacks; build it here");
  if (!(lacking & x86_64_v3)) line.add(", or with --preset portable for any x86-64-v3");
  line.add("\n");
  return line.used;
}

}  // namespace yonder::processor
