// SPDX-License-Identifier: Apache-2.0
// cast_kdf_inputs.h: what the self-tests of key derivation share: the pattern inputs of known_answers.h, the fixed
// input of SP 800-108 from them, and the comparison.
#pragma once
#include <cstring>

#include "crypto/kdf/kbkdf.h"
#include "selftest/cast.h"
#include "selftest/known_answers.h"

namespace cm::selftest {

struct KdfInputs {
  KdfInputs() {
    known::fill_pattern(secret, sizeof secret, known::kKdfSecretSeed);
    known::fill_pattern(salt, sizeof salt, known::kKdfSaltSeed);
    known::fill_pattern(label, sizeof label, known::kKdfLabelSeed);
    known::fill_pattern(context, sizeof context, known::kKdfContextSeed);
    known::fill_pattern(iv, sizeof iv, known::kKdfIvSeed);
  }
  uint8_t secret[known::kKdfSecretSize];
  uint8_t salt[known::kKdfSaltSize];
  uint8_t label[known::kKdfLabelSize];
  uint8_t context[known::kKdfContextSize];
  uint8_t iv[known::kKdfIvSize];
};

// KdfFixedInput: a counter of 32 bits, label, zero, context, length in bits (SP 800-108 section 4). The inputs must
// outlive it.
class KdfFixedInput {
 public:
  explicit KdfFixedInput(const KdfInputs& in)
      : parts_{{in.label, sizeof in.label}, {&zero_, 1}, {in.context, sizeof in.context}, {length_, sizeof length_}} {
    store_be32(length_, 8 * known::kKdfSize);
  }
  KdfFixedInput(const KdfFixedInput&) = delete;
  KdfFixedInput& operator=(const KdfFixedInput&) = delete;
  KbkdfInput input(KbkdfMode mode) const { return {mode, 32, {}, nullptr, 0, parts_, 4}; }

 private:
  uint8_t zero_ = 0;
  uint8_t length_[4];
  KbkdfPart parts_[4];
};

// derives: whether derive(out, size) gives the answer, after the fault that a test asked for.
template <size_t N, class Derive>
bool derives(const uint8_t (&expected)[N], bool broken, Derive derive) {
  uint8_t out[N];
  return succeeded(derive(out, N)) && matches(out, expected, N, broken);
}

}  // namespace cm::selftest
