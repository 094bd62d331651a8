// SPDX-License-Identifier: Apache-2.0
// bounds_x86.cpp: see bounds_x86.h. Every register is overwritten without being a secret; the loops are assembly, so
// that no compiler adds or leaves out anything.
#include "bench/bounds_x86.h"

#include "bench/bounds_loop.h"

namespace cm::bench {
namespace {

// Rounds on up to fourteen registers, so that none waits for its last result; products go to a register that nobody
// reads.
#define CM_SSE_ROUND(n) "aesenc %%xmm15, %%xmm" #n "\n\t"
#define CM_SSE_PRODUCT(n) "movdqa %%xmm15, %%xmm14\n\tpclmulqdq $" #n ", %%xmm15, %%xmm14\n\t"
#define CM_YMM_ROUND(n) "vaesenc %%ymm15, %%ymm" #n ", %%ymm" #n "\n\t"
#define CM_YMM_PRODUCT(n) "vpclmulqdq $" #n ", %%ymm15, %%ymm15, %%ymm14\n\t"
#define CM_ZMM_ROUND(n) "vaesenc %%zmm15, %%zmm" #n ", %%zmm" #n "\n\t"
#define CM_ZMM_PRODUCT(n) "vpclmulqdq $" #n ", %%zmm15, %%zmm15, %%zmm14\n\t"

#define CM_TEN(R) R(0) R(1) R(2) R(3) R(4) R(5) R(6) R(7) R(8) R(9)
#define CM_FOURTEEN(R) CM_TEN(R) R(10) R(11) R(12) R(13)
#define CM_TEN_AND_THREE(R, P) R(0) R(1) P(0x00) R(2) R(3) R(4) P(0x11) R(5) R(6) R(7) P(0x00) R(8) R(9)
#define CM_FOURTEEN_AND_THREE(R, P) CM_TEN_AND_THREE(R, P) R(10) R(11) R(12) R(13)

#define CM_LOOP(body)                                                                                \
  [](uint64_t count) {                                                                               \
    __asm__ volatile("1:\n\t" body "sub $1, %0\n\tjnz 1b" : "+r"(count) : : "cc", CM_LOW_REGISTERS); \
  }

#define CM_MIXES(R, P)                                               \
  switch (mix) {                                                     \
    case Mix::kAes128:                                               \
      return best_cycles(CM_LOOP(CM_TEN(R)), ghz);                   \
    case Mix::kAes256:                                               \
      return best_cycles(CM_LOOP(CM_FOURTEEN(R)), ghz);              \
    case Mix::kGcm128:                                               \
      return best_cycles(CM_LOOP(CM_TEN_AND_THREE(R, P)), ghz);      \
    case Mix::kGcm256:                                               \
      return best_cycles(CM_LOOP(CM_FOURTEEN_AND_THREE(R, P)), ghz); \
  }                                                                  \
  return 0

double sse_mix(Mix mix, double ghz) { CM_MIXES(CM_SSE_ROUND, CM_SSE_PRODUCT); }
double ymm_mix(Mix mix, double ghz) { CM_MIXES(CM_YMM_ROUND, CM_YMM_PRODUCT); }
double zmm_mix(Mix mix, double ghz) { CM_MIXES(CM_ZMM_ROUND, CM_ZMM_PRODUCT); }

void round_chain(uint64_t count) {
  __asm__ volatile("1:\n\taesenc %%xmm15, %%xmm0\n\tsub $1, %0\n\tjnz 1b" : "+r"(count) : : "cc", CM_LOW_REGISTERS);
}

// A quarter round: four additions, four exclusive ors, and rotations, which AVX2 has none of: two as shuffles of bytes,
// two as two shifts and an or.
#define CM_FOUR(op, r)                                                                                            \
  op " %%" r "15, %%" r "0, %%" r "0\n\t" op " %%" r "15, %%" r "1, %%" r "1\n\t" op " %%" r "15, %%" r "2, %%" r \
     "2\n\t" op " %%" r "15, %%" r "3, %%" r "3\n\t"
#define CM_SHIFT(op, n) op " $7, %%ymm" n ", %%ymm" n "\n\t"

void quarter_round_ymm(uint64_t count) {
  __asm__ volatile("1:\n\t" CM_FOUR("vpaddd", "ymm") CM_FOUR("vpxor", "ymm")
                   "vpshufb %%ymm15, %%ymm4, %%ymm4\n\tvpshufb %%ymm15, %%ymm5, %%ymm5\n\t"
                   CM_SHIFT("vpslld", "6") CM_SHIFT("vpsrld", "7") "vpor %%ymm15, %%ymm8, %%ymm8\n\t"
                   CM_SHIFT("vpslld", "9") CM_SHIFT("vpsrld", "10") "vpor %%ymm15, %%ymm11, %%ymm11\n\t"
                   "sub $1, %0\n\tjnz 1b" : "+r"(count) : : "cc", CM_LOW_REGISTERS);
}
void quarter_round_zmm(uint64_t count) {
  __asm__ volatile("1:\n\t" CM_FOUR("vpaddd", "zmm") CM_FOUR("vpxord", "zmm")
                   "vprold $7, %%zmm4, %%zmm4\n\tvprold $7, %%zmm5, %%zmm5\n\t"
                   "vprold $7, %%zmm6, %%zmm6\n\tvprold $7, %%zmm7, %%zmm7\n\t"
                   "sub $1, %0\n\tjnz 1b" : "+r"(count) : : "cc", CM_LOW_REGISTERS);
}

}  // namespace

double bytes_of_register(Lane lane) {
  switch (lane) {
    case Lane::kAesni:
      return 16;
    case Lane::kVaes256:
      return 32;
    case Lane::kVaes512:
      return 64;
    default:  // no lane of this algorithm
      break;
  }
  return 0;
}

double cycles_of_mix(Mix mix, Lane lane, double ghz) {
  switch (lane) {
    case Lane::kAesni:
      return sse_mix(mix, ghz);
    case Lane::kVaes256:
      return ymm_mix(mix, ghz);
    case Lane::kVaes512:
      return zmm_mix(mix, ghz);
    default:  // no lane of this algorithm
      break;
  }
  return 0;
}

double cycles_of_block(int rounds, double ghz) { return rounds * best_cycles(round_chain, ghz); }

double bytes_of_chacha_cycle(Lane lane, double ghz) {
  // A register holds a word of as many blocks as it has words; a block of 64 bytes takes 80 quarter rounds.
  if (lane == Lane::kAvx2) return 8 * 64 / (80 * best_cycles(quarter_round_ymm, ghz));
  if (lane == Lane::kAvx512) return 16 * 64 / (80 * best_cycles(quarter_round_zmm, ghz));
  return 0;
}

}  // namespace cm::bench
