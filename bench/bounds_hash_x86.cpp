// SPDX-License-Identifier: Apache-2.0
// bounds_hash_x86.cpp: the bounds of hash functions; see bounds_x86.h.
#include "bench/bounds_loop.h"
#include "bench/bounds_x86.h"

namespace cm::bench {
namespace {

constexpr double kTimes = 36;  // an instruction in a loop of repeat_on_twelve

#define CM_LOOP(body)                                                                                \
  [](uint64_t count) {                                                                               \
    __asm__ volatile("1:\n\t" body "sub $1, %0\n\tjnz 1b" : "+r"(count) : : "cc", CM_LOW_REGISTERS); \
  }

// CM_ON_TWELVE: an instruction with \\r for the number of a register, on twelve of them by turns.
#define CM_ON_TWELVE(instruction) ".rept 3\n\t.irp r,0,1,2,3,4,5,6,7,8,9,10,11\n\t" instruction "\n\t.endr\n\t.endr\n\t"
#define CM_ON_GENERAL(instruction) \
  ".rept 3\n\t.irp r,rax,rcx,rdx,rsi,rdi,r8,r9,r10,r11,rax,rcx,rdx\n\t" instruction "\n\t.endr\n\t.endr\n\t"

#define CM_GENERAL_LOOP(body)                                                              \
  [](uint64_t count) {                                                                     \
    __asm__ volatile("1:\n\t" body "sub $1, %0\n\tjnz 1b"                                  \
                     : "+r"(count)                                                         \
                     :                                                                     \
                     : "cc", "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"); \
  }

// additions, shifts: cycles each.
double additions(Width width, double ghz) {
  switch (width) {
    case Width::kGeneral:
      return best_cycles(CM_GENERAL_LOOP(CM_ON_GENERAL("add $9, %%\\r")), ghz) / kTimes;
    case Width::kXmm:
      return best_cycles(CM_LOOP(CM_ON_TWELVE("vpaddd %%xmm15, %%xmm\\r, %%xmm\\r")), ghz) / kTimes;
    case Width::kYmm:
      return best_cycles(CM_LOOP(CM_ON_TWELVE("vpaddd %%ymm15, %%ymm\\r, %%ymm\\r")), ghz) / kTimes;
    case Width::kZmm:
      return best_cycles(CM_LOOP(CM_ON_TWELVE("vpaddd %%zmm15, %%zmm\\r, %%zmm\\r")), ghz) / kTimes;
  }
  return 0;
}

// Shifts of zmm stand for its rotations, and for those of xmm where AVX-512 is: one costs as much as the other.
double shifts(Width width, double ghz) {
  switch (width) {
    case Width::kGeneral:
      return best_cycles(CM_GENERAL_LOOP(CM_ON_GENERAL("rorx $9, %%\\r, %%\\r")), ghz) / kTimes;
    case Width::kXmm:
      return best_cycles(CM_LOOP(CM_ON_TWELVE("vpsrld $9, %%xmm\\r, %%xmm\\r")), ghz) / kTimes;
    case Width::kYmm:
      return best_cycles(CM_LOOP(CM_ON_TWELVE("vpsrld $9, %%ymm\\r, %%ymm\\r")), ghz) / kTimes;
    case Width::kZmm:
      return best_cycles(CM_LOOP(CM_ON_TWELVE("vprold $9, %%zmm\\r, %%zmm\\r")), ghz) / kTimes;
  }
  return 0;
}

// sha256_chain, two_sha256_blocks: the low half of xmm0 holds message words, which the instruction takes from there.
constexpr auto sha256_chain =
    CM_LOOP(".rept 16\n\tsha256rnds2 %%xmm0, %%xmm1, %%xmm2\n\tsha256rnds2 %%xmm0, %%xmm2, %%xmm1\n\t.endr\n\t");
constexpr auto two_sha256_blocks = CM_LOOP(
    ".rept 8\n\t.irp r,1,2,3,4,5,6,7,8\n\tsha256rnds2 %%xmm0, %%xmm15, %%xmm\\r\n\t.endr\n\t"
    "sha256msg1 %%xmm15, %%xmm9\n\tsha256msg2 %%xmm15, %%xmm10\n\tsha256msg1 %%xmm15, %%xmm11\n\t"
    "sha256msg2 %%xmm15, %%xmm12\n\tsha256msg1 %%xmm15, %%xmm13\n\tsha256msg2 %%xmm15, %%xmm14\n\t.endr\n\t");
constexpr auto sha1_chain = CM_LOOP(".rept 20\n\tsha1rnds4 $1, %%xmm0, %%xmm1\n\t.endr\n\t");

void sha512_chain(uint64_t count) {
  uint64_t e = 1;
  __asm__ volatile(
      "1:\n\t.rept 80\n\t"
      "mov %0, %%rax\n\tmov %0, %%rcx\n\trol $50, %%rax\n\trol $46, %%rcx\n\trol $23, %0\n\t"
      "xor %%rax, %0\n\txor %%rcx, %0\n\tadd $3, %0\n\tadd $5, %0\n\t"
      ".endr\n\tsub $1, %1\n\tjnz 1b"
      : "+r"(e), "+r"(count)
      :
      : "cc", "rax", "rcx");
}

}  // namespace

double cycles_of_sha256_block(double ghz) { return best_cycles(sha256_chain, ghz); }
double cycles_of_sha1_block(double ghz) { return best_cycles(sha1_chain, ghz); }
double cycles_of_two_sha256_blocks(double ghz) { return best_cycles(two_sha256_blocks, ghz); }
double cycles_of_sha512_block(double ghz) { return best_cycles(sha512_chain, ghz); }

double cycles_of_operations(Width width, Operations operations, double ghz) {
  return std::max((operations.shifts + operations.others) * additions(width, ghz),
                  operations.shifts * shifts(width, ghz));
}

}  // namespace cm::bench
