// SPDX-License-Identifier: Apache-2.0
// kbkdf.h: key derivation with pseudorandom functions (SP 800-108 rev. 1 section 4): counter, feedback and
// double-pipeline mode with HMAC or AES-CMAC, and the function with KMAC, which has neither counter nor mode.
#pragma once
#include "crypto/base/status.h"
#include "crypto/cmac/cmac.h"
#include "crypto/hmac/hmac.h"

namespace cm {

enum class KbkdfMode : uint8_t { kCounter, kFeedback, kDoublePipeline };

struct KbkdfPart {
  const uint8_t* p;
  size_t size;
};

// KbkdfInput: what goes into the function beside the counter: the parts before it in their order, then those after it.
// Which of label, a zero byte, context and length these are is the caller's business (SP 800-108 section 4: the order
// may be chosen). In feedback mode the value fed back comes first of all, in double-pipeline mode A(i); with
// counter_first the counter is before that, which counter mode has no use for.
struct KbkdfInput {
  KbkdfMode mode;
  uint32_t counter_bits;  // 8, 16, 24, 32; 0 without, which counter mode does not allow
  KbkdfPart iv;           // of feedback mode
  const KbkdfPart* before;
  size_t before_count;
  const KbkdfPart* after;
  size_t after_count;
  bool counter_first = false;
};

// kArgument: counter_bits; kLength: out_size is 0, or more than the counter can count (without one: 2^32 - 1 blocks).
Status kbkdf_hmac(const HmacKey& key, uint8_t* out, size_t out_size, const KbkdfInput& input);
Status kbkdf_cmac(const CmacKey& key, uint8_t* out, size_t out_size, const KbkdfInput& input);

// kbkdf_kmac: section 4.4, KMAC(key, context, L, label). security_bits 128 or 256; keccak is a lane of Keccak. kLength:
// out_size is 0 or more than kHashMaxInput.
Status kbkdf_kmac(Lane keccak, uint32_t security_bits, const uint8_t* key, size_t key_size, uint8_t* out,
                  size_t out_size, const uint8_t* label, size_t label_size, const uint8_t* context,
                  size_t context_size);

}  // namespace cm
