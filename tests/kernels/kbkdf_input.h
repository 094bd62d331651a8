// SPDX-License-Identifier: Apache-2.0
// kbkdf_input.h: the key derivation of SP 800-108 with byte strings, for its tests.
#pragma once
#include <vector>

#include "crypto/kdf/kbkdf.h"
#include "tests/support/derived.h"

namespace cm::test {

// Input: of KbkdfInput, with byte strings.
struct Input {
  KbkdfMode mode;
  uint32_t counter_bits;
  Bytes iv;
  std::vector<Bytes> before, after;
  bool counter_first = false;
};

template <class Derive>
auto with_parts(const Input& in, Derive derive) {
  const auto parts = [](const std::vector<Bytes>& strings) {
    std::vector<KbkdfPart> all;
    for (const Bytes& s : strings) all.push_back({s.data(), s.size()});
    return all;
  };
  const auto before = parts(in.before), after = parts(in.after);
  return derive(KbkdfInput{in.mode,
                           in.counter_bits,
                           {in.iv.data(), in.iv.size()},
                           before.data(),
                           before.size(),
                           after.data(),
                           after.size(),
                           in.counter_first});
}

inline Bytes with_hmac(HashId id, Lane lane, const Bytes& raw, const Input& in, size_t size) {
  HmacKey key;
  hmac_key_init(key, id, lane, raw.data(), raw.size());
  return with_parts(in, [&](const KbkdfInput& input) {
    return derived(size, [&](uint8_t* out, size_t n) { return kbkdf_hmac(key, out, n, input); });
  });
}

inline Bytes with_cmac(Lane lane, const Bytes& raw, const Input& in, size_t size) {
  CmacKey key;
  EXPECT_EQ(cmac_key_init(key, lane, raw.data(), raw.size()), Status::kOk);
  return with_parts(in, [&](const KbkdfInput& input) {
    return derived(size, [&](uint8_t* out, size_t n) { return kbkdf_cmac(key, out, n, input); });
  });
}

}  // namespace cm::test
