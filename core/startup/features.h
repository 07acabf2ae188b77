#pragma once

/// \file
/// Instruction sets enabled by -march, if the compiler uses them by itself, or our sources or
/// library headers do when a macro is defined.
/// X(name, macro, leaf, subleaf, register, bit, needs): CPUID's answer to (leaf, subleaf) has `bit`
/// set in `register`, and the kernel saves the registers that it `needs`.
/// Intel's manual, volume 2, "CPUID"; AMD's, volume 3, appendix E.
// clang-format off
/// The features of x86-64-v3.
#define YONDER_FEATURES_V3(X)                                                                     \
  X(sse3,               __SSE3__,                                    1, 0, ecx,  0, nothing)      \
  X(ssse3,              __SSSE3__,                                   1, 0, ecx,  9, nothing)      \
  X(sse4_1,             __SSE4_1__,                                  1, 0, ecx, 19, nothing)      \
  X(sse4_2,             __SSE4_2__,                                  1, 0, ecx, 20, nothing)      \
  X(popcnt,             __POPCNT__,                                  1, 0, ecx, 23, nothing)      \
  X(cx16,               __GCC_HAVE_SYNC_COMPARE_AND_SWAP_16,         1, 0, ecx, 13, nothing)      \
  X(lahf,               __LAHF_SAHF__,                      0x80000001, 0, ecx,  0, nothing)      \
  X(avx,                __AVX__,                                     1, 0, ecx, 28, ymm)          \
  X(avx2,               __AVX2__,                                    7, 0, ebx,  5, ymm)          \
  X(bmi,                __BMI__,                                     7, 0, ebx,  3, nothing)      \
  X(bmi2,               __BMI2__,                                    7, 0, ebx,  8, nothing)      \
  X(f16c,               __F16C__,                                    1, 0, ecx, 29, ymm)          \
  X(fma,                __FMA__,                                     1, 0, ecx, 12, ymm)          \
  X(lzcnt,              __LZCNT__,                          0x80000001, 0, ecx,  5, nothing)      \
  X(movbe,              __MOVBE__,                                   1, 0, ecx, 22, nothing)
/// Features that x86-64-v3 lacks.
#define YONDER_FEATURES_BEYOND(X)                                                                 \
  X(avx512f,            __AVX512F__,                                 7, 0, ebx, 16, zmm)          \
  X(avx512cd,           __AVX512CD__,                                7, 0, ebx, 28, zmm)          \
  X(avx512dq,           __AVX512DQ__,                                7, 0, ebx, 17, zmm)          \
  X(avx512bw,           __AVX512BW__,                                7, 0, ebx, 30, zmm)          \
  X(avx512vl,           __AVX512VL__,                                7, 0, ebx, 31, zmm)          \
  X(avx512ifma,         __AVX512IFMA__,                              7, 0, ebx, 21, zmm)          \
  X(avx512vbmi,         __AVX512VBMI__,                              7, 0, ecx,  1, zmm)          \
  X(avx512vbmi2,        __AVX512VBMI2__,                             7, 0, ecx,  6, zmm)          \
  X(avx512vnni,         __AVX512VNNI__,                              7, 0, ecx, 11, zmm)          \
  X(avx512bitalg,       __AVX512BITALG__,                            7, 0, ecx, 12, zmm)          \
  X(avx512vpopcntdq,    __AVX512VPOPCNTDQ__,                         7, 0, ecx, 14, zmm)          \
  X(avx512vp2intersect, __AVX512VP2INTERSECT__,                      7, 0, edx,  8, zmm)          \
  X(avx512fp16,         __AVX512FP16__,                              7, 0, edx, 23, zmm)          \
  X(avx512bf16,         __AVX512BF16__,                              7, 1, eax,  5, zmm)          \
  X(fma4,               __FMA4__,                           0x80000001, 0, ecx, 16, ymm)          \
  X(xop,                __XOP__,                            0x80000001, 0, ecx, 11, ymm)          \
  X(tbm,                __TBM__,                            0x80000001, 0, ecx, 21, nothing)      \
  X(adx,                __ADX__,                                     7, 0, ebx, 19, nothing)      \
  X(aes,                __AES__,                                     1, 0, ecx, 25, nothing)      \
  X(pclmul,             __PCLMUL__,                                  1, 0, ecx,  1, nothing)      \
  X(sha,                __SHA__,                                     7, 0, ebx, 29, nothing)      \
  X(gfni,               __GFNI__,                                    7, 0, ecx,  8, nothing)      \
  X(vaes,               __VAES__,                                    7, 0, ecx,  9, ymm)          \
  X(vpclmulqdq,         __VPCLMULQDQ__,                              7, 0, ecx, 10, ymm)          \
  X(avxvnni,            __AVXVNNI__,                                 7, 1, eax,  4, ymm)          \
  X(avxifma,            __AVXIFMA__,                                 7, 1, eax, 23, ymm)          \
  X(avxvnniint8,        __AVXVNNIINT8__,                             7, 1, edx,  4, ymm)          \
  X(avxneconvert,       __AVXNECONVERT__,                            7, 1, edx,  5, ymm)          \
  X(avxvnniint16,       __AVXVNNIINT16__,                            7, 1, edx, 10, ymm)
// clang-format on
/// Both lists.
#define YONDER_FEATURES(X) YONDER_FEATURES_V3(X) YONDER_FEATURES_BEYOND(X)
