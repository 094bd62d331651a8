// SPDX-License-Identifier: Apache-2.0
// multi_x86_aesni.cpp: the chains of multi_x86_chains.h with AES-NI, one a register. Built with its own -m flags: only
// the entry points may have external linkage, and no inline function of another header may be called here.
#include "crypto/multi/multi_x86_chains.h"

#include "crypto/cpu/wipe_x86.h"

namespace cm {
namespace {

struct Reg128 {
  using V = __m128i;
  static constexpr bool kPairs = false;

  static V key(const MultiLanes& l, int j, uint32_t r) {
    return _mm_load_si128(reinterpret_cast<const V*>(l.schedule[r][j]));
  }
  static V chain(const MultiLanes& l, int j) { return _mm_load_si128(reinterpret_cast<const V*>(l.chain[j])); }
  static void set_chain(MultiLanes& l, int j, V v) { _mm_store_si128(reinterpret_cast<V*>(l.chain[j]), v); }
  static V exclusive_or(V a, V b) { return _mm_xor_si128(a, b); }
  static V enc(V v, V k) { return _mm_aesenc_si128(v, k); }
  static V enc_last(V v, V k) { return _mm_aesenclast_si128(v, k); }
  static V text(const MultiLanes& l, int j, size_t at) { return load128(l.in[j] + at); }
  static void put(const MultiLanes& l, int j, size_t at, V v) { store128(l.out[j] + at, v); }
  static V turn(const MultiLanes& l, int j, uint32_t, V text) { return exclusive_or(text, key(l, j, kTurnKey)); }
  static V after_turn(const MultiLanes& l, int j, uint32_t rounds, V v, V turn) {
    return exclusive_or(exclusive_or(v, turn), key(l, j, rounds));
  }
};

}  // namespace

void aes_multi_encrypt_4_x86_aesni(MultiLanes& lanes, uint32_t rounds, size_t blocks) {
  run_chains<Reg128, 4, 2, true>(lanes, rounds, blocks);
  wipe_xmm();
}

void aes_multi_mac_4_x86_aesni(MultiLanes& lanes, uint32_t rounds, size_t blocks) {
  run_chains<Reg128, 4, 2, false>(lanes, rounds, blocks);
  wipe_xmm();
}

void aes_multi_encrypt_8_x86_aesni(MultiLanes& lanes, uint32_t rounds, size_t blocks) {
  run_chains<Reg128, 8, 0, true>(lanes, rounds, blocks);
  wipe_xmm();
}

void aes_multi_mac_8_x86_aesni(MultiLanes& lanes, uint32_t rounds, size_t blocks) {
  run_chains<Reg128, 8, 0, false>(lanes, rounds, blocks);
  wipe_xmm();
}

}  // namespace cm
