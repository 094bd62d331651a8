// SPDX-License-Identifier: Apache-2.0
// cast.h: the self-test functions behind casts.h, one file an algorithm family; only engine.cpp calls them. Each
// computes on the given lane and compares with known_answers.h. With broken set (inject.h: never in a release) it flips
// a bit in what the lane computed, or in what it is asked to accept, before it compares: the comparison itself is what
// the tests exercise.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/bytes.h"
#include "crypto/base/ct.h"
#include "crypto/base/lane.h"
#include "crypto/base/status.h"

namespace cm::selftest {

bool cast_sha256(Lane lane, bool broken);
bool cast_hmac_sha256(Lane lane, bool broken);
bool cast_sha1(Lane lane, bool broken);
bool cast_sha512(Lane lane, bool broken);
bool cast_sha3(Lane lane, bool broken);
bool cast_hmac_sha1(Lane lane, bool broken);
bool cast_hmac_sha512(Lane lane, bool broken);
bool cast_hmac_sha3(Lane lane, bool broken);
bool cast_kmac(Lane lane, bool broken);
bool cast_sha3_multi(Lane lane, bool broken);
bool cast_sha_multi(Lane lane, bool broken);
bool cast_hmac_multi(Lane lane, bool broken);
bool cast_aes_encrypt(Lane lane, bool broken);
bool cast_aes_decrypt(Lane lane, bool broken);
bool cast_gcm_seal(Lane lane, bool broken);
bool cast_gcm_open(Lane lane, bool broken);
bool cast_gcm_siv_seal(Lane lane, bool broken);
bool cast_gcm_siv_open(Lane lane, bool broken);
bool cast_chacha_seal(Lane lane, bool broken);
bool cast_chacha_open(Lane lane, bool broken);
bool cast_kwp_wrap(Lane lane, bool broken);
bool cast_kwp_unwrap(Lane lane, bool broken);
bool cast_cbc_encrypt(Lane lane, bool broken);
bool cast_cbc_decrypt(Lane lane, bool broken);
bool cast_cfb_encrypt(Lane lane, bool broken);
bool cast_cfb_decrypt(Lane lane, bool broken);
bool cast_ofb(Lane lane, bool broken);
bool cast_ctr(Lane lane, bool broken);
bool cast_xts_encrypt(Lane lane, bool broken);
bool cast_xts_decrypt(Lane lane, bool broken);
bool cast_cmac(Lane lane, bool broken);
bool cast_ccm_seal(Lane lane, bool broken);
bool cast_ccm_open(Lane lane, bool broken);
bool cast_cbc_encrypt_multi(Lane lane, bool broken);
bool cast_cmac_multi(Lane lane, bool broken);
bool cast_ccm_seal_multi(Lane lane, bool broken);
bool cast_ccm_open_multi(Lane lane, bool broken);
bool cast_kw_wrap(Lane lane, bool broken);
bool cast_kw_unwrap(Lane lane, bool broken);
bool cast_pbkdf2(Lane lane, bool broken);
bool cast_pbkdf2_multi(Lane lane, bool broken);
bool cast_drbg_instantiate(Lane lane, bool broken);
bool cast_drbg_reseed(Lane lane, bool broken);
bool cast_drbg_generate(Lane lane, bool broken);
bool cast_hkdf(Lane lane, bool broken);
bool cast_tls13_kdf(Lane lane, bool broken);
bool cast_tls12_prf(Lane lane, bool broken);
bool cast_kbkdf_counter(Lane lane, bool broken);
bool cast_kbkdf_feedback(Lane lane, bool broken);
bool cast_kbkdf_pipeline(Lane lane, bool broken);
bool cast_kbkdf_cmac(Lane lane, bool broken);
bool cast_kbkdf_kmac(Lane lane, bool broken);
bool cast_one_step_hash(Lane lane, bool broken);
bool cast_one_step_hmac(Lane lane, bool broken);
bool cast_one_step_kmac(Lane lane, bool broken);
bool cast_two_step_hmac(Lane lane, bool broken);
bool cast_two_step_cmac(Lane lane, bool broken);
bool cast_x963_kdf(Lane lane, bool broken);
bool cast_ssh_kdf(Lane lane, bool broken);
bool cast_entropy(bool broken);

// digest_lane: where the digests of outputs are computed that are too long to be kept: the fastest lane of SHA-256 that
// this CPU runs. Every lane of SHA-256 has had its own test before the tests that ask.
Lane digest_lane();

// matches: whether got is the answer, after the fault that a test asked for.
inline bool matches(uint8_t* got, const uint8_t* expected, size_t size, bool broken) {
  if (broken) got[size / 2] ^= 0x10;
  return ct::declassify(ct::equal_bytes(got, expected, size));
}

inline bool is_zero(const uint8_t* p, size_t size) {
  uint8_t all = 0;
  for (size_t i = 0; i < size; ++i) all = static_cast<uint8_t>(all | p[i]);
  return all == 0;
}

}  // namespace cm::selftest
