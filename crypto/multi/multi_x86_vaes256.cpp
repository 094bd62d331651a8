// SPDX-License-Identifier: Apache-2.0
// multi_x86_vaes256.cpp: the chains of multi_x86_chains.h with VAES on 256-bit registers, two a register. Built with
// its own -m flags: only the entry points may have external linkage, and no inline function of another header may be
// called here.
#include "crypto/multi/multi_x86_chains.h"

#include "crypto/cpu/wipe_x86.h"

namespace cm {
namespace {

struct Reg256 {
  using V = __m256i;
  static constexpr bool kPairs = false;

  static V key(const MultiLanes& l, int j, uint32_t r) {
    return _mm256_load_si256(reinterpret_cast<const V*>(l.schedule[r][2 * j]));
  }
  static V chain(const MultiLanes& l, int j) { return _mm256_load_si256(reinterpret_cast<const V*>(l.chain[2 * j])); }
  static void set_chain(MultiLanes& l, int j, V v) { _mm256_store_si256(reinterpret_cast<V*>(l.chain[2 * j]), v); }
  static V exclusive_or(V a, V b) { return _mm256_xor_si256(a, b); }
  static V enc(V v, V k) { return _mm256_aesenc_epi128(v, k); }
  static V enc_last(V v, V k) { return _mm256_aesenclast_epi128(v, k); }
  static V text(const MultiLanes& l, int j, size_t at) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(load128(l.in[2 * j] + at)), load128(l.in[2 * j + 1] + at), 1);
  }
  static void put(const MultiLanes& l, int j, size_t at, V v) {
    store128(l.out[2 * j] + at, _mm256_castsi256_si128(v));
    store128(l.out[2 * j + 1] + at, _mm256_extracti128_si256(v, 1));
  }
  static V turn(const MultiLanes& l, int j, uint32_t, V text) { return exclusive_or(text, key(l, j, kTurnKey)); }
  static V after_turn(const MultiLanes& l, int j, uint32_t rounds, V v, V turn) {
    return exclusive_or(exclusive_or(v, turn), key(l, j, rounds));
  }
};

}  // namespace

void aes_multi_encrypt_8_x86_vaes256(MultiLanes& lanes, uint32_t rounds, size_t blocks) {
  run_chains<Reg256, 4, 1, true>(lanes, rounds, blocks);
  wipe_ymm();
}

void aes_multi_mac_8_x86_vaes256(MultiLanes& lanes, uint32_t rounds, size_t blocks) {
  run_chains<Reg256, 4, 1, false>(lanes, rounds, blocks);
  wipe_ymm();
}

void aes_multi_encrypt_16_x86_vaes256(MultiLanes& lanes, uint32_t rounds, size_t blocks) {
  run_chains<Reg256, 8, 0, true>(lanes, rounds, blocks);
  wipe_ymm();
}

void aes_multi_mac_16_x86_vaes256(MultiLanes& lanes, uint32_t rounds, size_t blocks) {
  run_chains<Reg256, 8, 0, false>(lanes, rounds, blocks);
  wipe_ymm();
}

}  // namespace cm
