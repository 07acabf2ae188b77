#include "core/startup/processor.h"

#include <cstring>
#include <string>
#include "tests/support/catch.h"

#include "core/startup/features.h"

using namespace yonder;

namespace {

enum class Number {
#define NUMBER(name, ...) name,
  YONDER_FEATURES(NUMBER)
};

std::string described(std::initializer_list<Number> lacking) {
  processor::Features features = 0;
  for (const Number n : lacking) features |= processor::Features(1) << int(n);
  char text[512];
  const int length = processor::describe(features, text, sizeof text);
  CHECK(length == int(std::strlen(text)));
  return text;
}

}  // namespace

TEST_CASE("the features that a processor lacks are named, at most four of them") {
  CHECK(described({Number::avx512f}) ==
        "yonder: this program was built for a processor with avx512f, which this one lacks; build "
        "it here, or with --preset portable for any x86-64-v3\n");
  CHECK(described({Number::avx512f, Number::avx512cd, Number::avx512dq, Number::avx512bw,
                   Number::avx512vl}) ==
        "yonder: this program was built for a processor with avx512f, avx512cd, avx512dq, avx512bw "
        "and 1 more, which this one lacks; build it here, or with --preset portable for any "
        "x86-64-v3\n");
}

TEST_CASE("the portable build is not suggested if the processor lacks one of its features") {
  CHECK(described({Number::movbe, Number::avx512f}) ==
        "yonder: this program was built for a processor with movbe, avx512f, which this one lacks; "
        "build it here\n");
}

TEST_CASE("a buffer that is too short truncates the sentence") {
  char text[24] = {};
  CHECK(processor::describe(1, text, 10) == 9);
  CHECK(text == std::string("yonder: t"));
}

TEST_CASE("the processor has the features that the tests were built for") {
  CHECK((processor::built_for & ~processor::present()) == 0);
#ifdef __AVX2__
  CHECK((processor::built_for >> int(Number::avx2) & 1) == 1);
#else
  CHECK((processor::built_for >> int(Number::avx2) & 1) == 0);
#endif
}

#ifdef __x86_64__
TEST_CASE("features are detected as by the compiler's own runtime") {
  __builtin_cpu_init();
  const processor::Features present = processor::present();
#define SAME(name) CHECK((present >> int(Number::name) & 1) == (__builtin_cpu_supports(#name) != 0))
  SAME(sse3);
  SAME(ssse3);
  SAME(popcnt);
  SAME(avx);
  SAME(avx2);
  SAME(bmi);
  SAME(bmi2);
  SAME(fma);
  SAME(fma4);
  SAME(xop);
  SAME(aes);
  SAME(pclmul);
  SAME(gfni);
  SAME(vpclmulqdq);
  SAME(avx512f);
  SAME(avx512cd);
  SAME(avx512dq);
  SAME(avx512bw);
  SAME(avx512vl);
  SAME(avx512ifma);
  SAME(avx512vbmi);
  SAME(avx512vbmi2);
  SAME(avx512vnni);
  SAME(avx512bitalg);
  SAME(avx512vpopcntdq);
  SAME(avx512bf16);
}
#endif
