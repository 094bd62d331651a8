// SPDX-License-Identifier: Apache-2.0
// features.cpp: CPU features from CPUID, and from XGETBV where the operating system must save the registers too. It
// must not read any environment variable, file or /proc entry: which lanes are tested and latched (ISO/IEC 19790
// 7.10.3.2, IG 10.3.A) depends on the processor alone. Bits: Intel SDM volume 2A, CPUID; volume 1, 13.3 (XCR0).
#include "crypto/cpu/features.h"

#include <cpuid.h>

#include <atomic>

#include "selftest/inject.h"

namespace cm {
namespace {

constexpr FeatureMask kKnown = 1u << 31;  // the cache holds a result, even where it is empty
std::atomic<FeatureMask> cached{0};
static_assert(std::atomic<FeatureMask>::is_always_lock_free);

struct CpuidLeaf {
  uint32_t eax, ebx, ecx, edx;
};

// read_leaf: all zero where the CPU does not have the leaf.
CpuidLeaf read_leaf(uint32_t leaf) {
  CpuidLeaf r{};
  if (__get_cpuid_count(leaf, 0, &r.eax, &r.ebx, &r.ecx, &r.edx) == 0) return {};
  return r;
}

constexpr bool has(uint32_t reg, uint32_t bits) { return (reg & bits) == bits; }

// saved_state: XCR0, the register state the operating system saves; 0 where it saves no extended state.
uint64_t saved_state(const CpuidLeaf& leaf1) {
  if (!has(leaf1.ecx, bit_OSXSAVE)) return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t{high} << 32) | low;
}

// is_amd_19h: vendor and family (AMD APM volume 3, appendix E.3.1, E.3.2).
bool is_amd_19h(const CpuidLeaf& leaf1) {
  const CpuidLeaf vendor = read_leaf(0);
  const uint32_t family = leaf1.eax >> 8 & 0xf, extended = leaf1.eax >> 20 & 0xff;
  return vendor.ebx == signature_AMD_ebx && vendor.edx == signature_AMD_edx && vendor.ecx == signature_AMD_ecx &&
         family == 0xf && family + extended == 0x19;
}

FeatureMask detect() {
  constexpr uint64_t kYmmState = 0x06;  // SSE, AVX
  constexpr uint64_t kZmmState = 0xe6;  // and opmask, upper halves of zmm0-15, zmm16-31
  constexpr uint32_t kInvariantTsc = 1u << 8;
  const CpuidLeaf l1 = read_leaf(1);
  const CpuidLeaf l7 = read_leaf(7);
  const CpuidLeaf power = read_leaf(0x80000007);
  const uint64_t state = saved_state(l1);
  const bool ymm = (state & kYmmState) == kYmmState && has(l1.ecx, bit_AVX);
  const bool zmm = ymm && (state & kZmmState) == kZmmState;

  FeatureMask f = kFeatureNone;
  if (has(l1.ecx, bit_SSSE3 | bit_SSE4_1)) f |= kFeatureSse41;
  if (has(l1.ecx, bit_AES | bit_PCLMUL)) f |= kFeatureAesni;
  if (has(l7.ebx, bit_SHA)) f |= kFeatureShani;
  if (has(l7.ebx, bit_BMI | bit_BMI2)) f |= kFeatureBmi2;
  if (ymm && has(l7.ebx, bit_AVX2)) f |= kFeatureAvx2;
  if (zmm && has(l7.ebx, bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL)) f |= kFeatureAvx512;
  if (ymm && has(l7.ecx, bit_VAES | bit_VPCLMULQDQ)) f |= kFeatureVaes;
  if (has(l7.ebx, bit_RDSEED)) f |= kFeatureRdseed;
  if (has(power.edx, kInvariantTsc)) f |= kFeatureInvariantTsc;
  if (zmm && has(l7.ebx, bit_AVX512IFMA)) f |= kFeatureIfma;
  if (has(l7.ebx, bit_SHA) && is_amd_19h(l1)) f |= kFeatureQuickSha;
  return f;
}

}  // namespace

FeatureMask cpu_features_detected() {
  FeatureMask f = cached.load(std::memory_order_relaxed);
  if (f == 0) {
    // Threads that race here compute and store the same value.
    f = detect() | kKnown;
    cached.store(f, std::memory_order_relaxed);
  }
  return f & ~kKnown;
}

FeatureMask cpu_features() { return cpu_features_detected() & ~inject::hidden_features(); }

}  // namespace cm
