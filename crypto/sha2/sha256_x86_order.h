// SPDX-License-Identifier: Apache-2.0
// sha256_x86_order.h: how words come to the SHA instructions, and states in memory in the order that they have them,
// for the kernels of several messages. Internal linkage: a kernel file includes this header and is compiled with flags
// that other CPUs do not have.
#pragma once
#include <immintrin.h>

#include <cstdint>

namespace cm {
namespace {  // NOLINT(cert-dcl59-cpp): internal linkage is what this header is for

alignas(16) constexpr uint32_t kSwap[4] = {0x00010203, 0x04050607, 0x08090a0b, 0x0c0d0e0f};  // of the bytes of a word

[[gnu::always_inline]] inline __m128i load(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
[[gnu::always_inline]] inline void store(void* p, __m128i v) { _mm_storeu_si128(static_cast<__m128i*>(p), v); }
[[gnu::always_inline]] inline __m128i constant(const uint32_t* p) {
  return _mm_load_si128(reinterpret_cast<const __m128i*>(p));
}

// message_words: four of a block, from its bytes.
[[gnu::always_inline]] inline __m128i message_words(const uint8_t* p) {
  return _mm_shuffle_epi8(load(p), constant(kSwap));
}

// to_instruction_order: {a,b,c,d}, {e,f,g,h} in memory -> the instruction's {f,e,b,a}, {h,g,d,c}, in place.
[[gnu::always_inline]] inline void to_instruction_order(uint32_t* state) {
  const __m128i badc = _mm_shuffle_epi32(load(state), 0xb1);
  const __m128i hgfe = _mm_shuffle_epi32(load(state + 4), 0x1b);
  store(state, _mm_alignr_epi8(badc, hgfe, 8));
  store(state + 4, _mm_blend_epi16(hgfe, badc, 0xf0));
}

[[gnu::always_inline]] inline void to_host_order(uint32_t* state) {
  const __m128i abef_reversed = _mm_shuffle_epi32(load(state), 0x1b);
  const __m128i ghcd = _mm_shuffle_epi32(load(state + 4), 0xb1);
  store(state, _mm_blend_epi16(abef_reversed, ghcd, 0xf0));
  store(state + 4, _mm_alignr_epi8(ghcd, abef_reversed, 8));
}

// forget_loads: what was read before is read again after, instead of being kept in a register or on the stack; no code.
[[gnu::always_inline]] inline void forget_loads() { __asm__ volatile("" : : : "memory"); }

}  // namespace
}  // namespace cm
