// SPDX-License-Identifier: Apache-2.0
// cast_kwp.cpp: known-answer tests of AES-KWP (SP 800-38F; FIPS 140-3 IG 10.3.A), wrapping and unwrapping apart, with
// one and with several semiblocks; unwrapping must also refuse a changed text and leave no plaintext behind.
#include "crypto/keywrap/kwp.h"
#include "selftest/cast.h"
#include "selftest/known_answers.h"

namespace cm::selftest {
namespace {

constexpr size_t kMaxWrapped = sizeof known::kKwpWrapped256;

bool wraps(const AesKey& kek, ByteView plain, ByteView wrapped, bool broken) {
  uint8_t out[kMaxWrapped];
  if (kwp_wrap(kek, out, plain.data(), plain.size()) != Status::kOk) return false;
  return matches(out, wrapped.data(), wrapped.size(), broken);
}

bool unwraps(const AesKey& kek, ByteView plain, ByteView wrapped, bool broken) {
  uint8_t in[kMaxWrapped];
  uint8_t out[kMaxWrapped];
  size_t plain_size = 0;
  std::memcpy(in, wrapped.data(), wrapped.size());
  if (broken) in[wrapped.size() / 2] ^= 0x10;  // what it must accept is no longer authentic
  if (kwp_unwrap(kek, out, &plain_size, in, wrapped.size()) != Status::kOk) return false;
  if (plain_size != plain.size() || !matches(out, plain.data(), plain_size, false)) return false;
  in[wrapped.size() - 1] ^= 0x01;
  const bool refused = kwp_unwrap(kek, out, &plain_size, in, wrapped.size()) == Status::kAuth;
  return refused && is_zero(out, wrapped.size() - 8);
}

// all_cases: check on the RFC 5649 pairs and on the AES-256 pair.
bool all_cases(Lane lane, bool broken, bool (*check)(const AesKey&, ByteView, ByteView, bool)) {
  AesKey kek;
  if (aes_key_init(kek, lane, known::kKwpKey192, sizeof known::kKwpKey192) != Status::kOk) return false;
  if (!check(kek, ByteView(known::kKwpPlain20), ByteView(known::kKwpWrapped20), broken)) return false;
  if (!check(kek, ByteView(known::kKwpPlain7), ByteView(known::kKwpWrapped7), broken)) return false;
  uint8_t raw[32];
  uint8_t plain[known::kKwpPlain256Size];
  known::fill_pattern(raw, sizeof raw, known::kKwpKeySeed);
  known::fill_pattern(plain, sizeof plain, known::kKwpPlainSeed);
  if (aes_key_init(kek, lane, raw, sizeof raw) != Status::kOk) return false;
  return check(kek, ByteView(plain), ByteView(known::kKwpWrapped256), broken);
}

}  // namespace

bool cast_kwp_wrap(Lane lane, bool broken) { return all_cases(lane, broken, wraps); }
bool cast_kwp_unwrap(Lane lane, bool broken) { return all_cases(lane, broken, unwraps); }

}  // namespace cm::selftest
