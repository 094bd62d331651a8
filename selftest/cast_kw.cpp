// SPDX-License-Identifier: Apache-2.0
// cast_kw.cpp: known-answer tests of AES-KW (SP 800-38F; FIPS 140-3 IG 10.3.A), wrapping and unwrapping apart, with all
// three key sizes; unwrapping must also refuse a changed text and leave no plaintext behind.
#include "crypto/keywrap/kw.h"
#include "selftest/cast.h"
#include "selftest/known_answers.h"

namespace cm::selftest {
namespace {

constexpr size_t kMaxWrapped = sizeof known::KwAnswer::wrapped;

bool init_kek(AesKey& kek, Lane lane, size_t key_size) {
  uint8_t raw[32];
  for (size_t i = 0; i < sizeof raw; ++i) raw[i] = static_cast<uint8_t>(i);
  return aes_key_init(kek, lane, raw, key_size) == Status::kOk;
}

}  // namespace

bool cast_kw_wrap(Lane lane, bool broken) {
  for (const known::KwAnswer& answer : known::kKwAnswers) {
    AesKey kek;
    uint8_t out[kMaxWrapped];
    if (!init_kek(kek, lane, answer.key_size)) return false;
    if (kw_wrap(kek, out, known::kKwPlain, answer.plain_size) != Status::kOk) return false;
    if (!matches(out, answer.wrapped, kw_wrapped_size(answer.plain_size), broken)) return false;
  }
  return true;
}

bool cast_kw_unwrap(Lane lane, bool broken) {
  for (const known::KwAnswer& answer : known::kKwAnswers) {
    const size_t size = kw_wrapped_size(answer.plain_size);
    AesKey kek;
    uint8_t in[kMaxWrapped], out[kMaxWrapped];
    if (!init_kek(kek, lane, answer.key_size)) return false;
    std::memcpy(in, answer.wrapped, size);
    if (broken) in[size / 2] ^= 0x10;  // what it must accept is no longer authentic
    if (kw_unwrap(kek, out, in, size) != Status::kOk) return false;
    if (!matches(out, known::kKwPlain, answer.plain_size, false)) return false;
    in[size - 1] ^= 0x01;
    if (kw_unwrap(kek, out, in, size) != Status::kAuth || !is_zero(out, answer.plain_size)) return false;
  }
  return true;
}

}  // namespace cm::selftest
