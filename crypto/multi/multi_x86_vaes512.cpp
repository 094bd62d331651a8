// SPDX-License-Identifier: Apache-2.0
// multi_x86_vaes512.cpp: the chains of multi_x86_chains.h with VAES on 512-bit registers, four a register. Built with
// its own -m flags: only the entry points may have external linkage, and no inline function of another header may be
// called here.
#if defined(__GNUC__) && !defined(__clang__)
// gcc 12 warns inside its own AVX-512 headers (GCC bug 105593: _mm512_undefined_epi32).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include "crypto/multi/multi_x86_chains.h"

#include "crypto/cpu/wipe_x86.h"

namespace cm {
namespace {

struct Reg512 {
  using V = __m512i;
  static constexpr bool kPairs = true;

  static __m256i load256(const uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
  static void store256(uint8_t* p, __m256i v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
  static __m256i pair(__m128i a, __m128i b) { return _mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1); }
  static V key(const MultiLanes& l, int j, uint32_t r) { return _mm512_load_si512(l.schedule[r][4 * j]); }
  static V chain(const MultiLanes& l, int j) { return _mm512_load_si512(l.chain[4 * j]); }
  static void set_chain(MultiLanes& l, int j, V v) { _mm512_store_si512(l.chain[4 * j], v); }
  static V exclusive_or(V a, V b) { return _mm512_xor_si512(a, b); }
  static V enc(V v, V k) { return _mm512_aesenc_epi128(v, k); }
  static V enc_last(V v, V k) { return _mm512_aesenclast_epi128(v, k); }
  static V text(const MultiLanes& l, int j, size_t at) {
    const uint8_t* const* const in = l.in + 4 * j;
    return _mm512_inserti64x4(_mm512_castsi256_si512(pair(load128(in[0] + at), load128(in[1] + at))),
                              pair(load128(in[2] + at), load128(in[3] + at)), 1);
  }
  static void texts(const MultiLanes& l, int j, size_t at, V& first, V& second) {
    const uint8_t* const* const in = l.in + 4 * j;
    const V a = _mm512_inserti64x4(_mm512_castsi256_si512(load256(in[0] + at)), load256(in[1] + at), 1);
    const V b = _mm512_inserti64x4(_mm512_castsi256_si512(load256(in[2] + at)), load256(in[3] + at), 1);
    first = _mm512_shuffle_i64x2(a, b, 0x88);
    second = _mm512_shuffle_i64x2(a, b, 0xdd);
  }
  static void puts(const MultiLanes& l, int j, size_t at, V first, V second) {
    uint8_t* const* const out = l.out + 4 * j;
    const __m256i low1 = _mm512_castsi512_si256(first), high1 = _mm512_extracti64x4_epi64(first, 1);
    const __m256i low2 = _mm512_castsi512_si256(second), high2 = _mm512_extracti64x4_epi64(second, 1);
    store256(out[0] + at, _mm256_inserti128_si256(low1, _mm256_castsi256_si128(low2), 1));
    store256(out[1] + at, _mm256_permute2x128_si256(low1, low2, 0x31));
    store256(out[2] + at, _mm256_inserti128_si256(high1, _mm256_castsi256_si128(high2), 1));
    store256(out[3] + at, _mm256_permute2x128_si256(high1, high2, 0x31));
  }
  static void put(const MultiLanes& l, int j, size_t at, V v) {
    uint8_t* const* const out = l.out + 4 * j;
    const __m256i low = _mm512_castsi512_si256(v), high = _mm512_extracti64x4_epi64(v, 1);
    store128(out[0] + at, _mm256_castsi256_si128(low));
    store128(out[1] + at, _mm256_extracti128_si256(low, 1));
    store128(out[2] + at, _mm256_castsi256_si128(high));
    store128(out[3] + at, _mm256_extracti128_si256(high, 1));
  }
  static V turn(const MultiLanes& l, int j, uint32_t, V text) { return exclusive_or(text, key(l, j, kTurnKey)); }
  static V after_turn(const MultiLanes& l, int j, uint32_t rounds, V v, V turn) {
    return _mm512_ternarylogic_epi64(v, turn, key(l, j, rounds), 0x96);
  }
};

// With four registers of chains: one more would spill.
constexpr int kHeldEncrypt = 3, kHeldMac = 4;

}  // namespace

void aes_multi_encrypt_8_x86_vaes512(MultiLanes& lanes, uint32_t rounds, size_t blocks) {
  run_chains<Reg512, 2, kHeldEncrypt, true>(lanes, rounds, blocks);
  wipe_zmm();
}

void aes_multi_mac_8_x86_vaes512(MultiLanes& lanes, uint32_t rounds, size_t blocks) {
  run_chains<Reg512, 2, kHeldMac, false>(lanes, rounds, blocks);
  wipe_zmm();
}

void aes_multi_encrypt_16_x86_vaes512(MultiLanes& lanes, uint32_t rounds, size_t blocks) {
  run_chains<Reg512, 4, kHeldEncrypt, true>(lanes, rounds, blocks);
  wipe_zmm();
}

void aes_multi_mac_16_x86_vaes512(MultiLanes& lanes, uint32_t rounds, size_t blocks) {
  run_chains<Reg512, 4, kHeldMac, false>(lanes, rounds, blocks);
  wipe_zmm();
}

}  // namespace cm
