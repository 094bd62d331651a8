// SPDX-License-Identifier: Apache-2.0
// ccm_format.cpp: see ccm_format.h. It must not check sizes: the callers of CCM did.
#include "crypto/ccm/ccm_format.h"

#include "crypto/base/bytes.h"

namespace cm {
namespace {

// format_b0 (A.2.1): flags, nonce, and the size of the text in the q bytes that are left.
void format_b0(uint8_t* b0, size_t tag_size, const CcmInput& in) {
  const size_t q = kAesBlock - 1 - in.nonce_size;
  store_be64(b0 + 8, in.text_size);  // the nonce covers what of it does not belong to q bytes
  b0[0] = static_cast<uint8_t>((in.aad_size != 0 ? 0x40 : 0) | ((tag_size - 2) / 2) << 3 | (q - 1));
  std::memcpy(b0 + 1, in.nonce, in.nonce_size);
}

// format_aad_size (A.2.2): returns how many bytes it wrote, at most ten.
size_t format_aad_size(uint8_t* out, uint64_t size) {
  if (size < 0xff00) {
    out[0] = static_cast<uint8_t>(size >> 8);
    out[1] = static_cast<uint8_t>(size);
    return 2;
  }
  out[0] = 0xff;
  if (size <= UINT32_MAX) {
    out[1] = 0xfe;
    store_be32(out + 2, static_cast<uint32_t>(size));
    return 6;
  }
  out[1] = 0xff;
  store_be64(out + 2, size);
  return 10;
}

}  // namespace

CcmHead ccm_format_head(uint8_t* head, size_t tag_size, const CcmInput& in) {
  std::memset(head, 0, kCcmHead);
  format_b0(head, tag_size, in);
  if (in.aad_size == 0) return {1, 0};
  const size_t at = kAesBlock + format_aad_size(head + kAesBlock, in.aad_size);
  const size_t taken = in.aad_size < kCcmHead - at ? in.aad_size : kCcmHead - at;
  std::memcpy(head + at, in.aad, taken);
  return {(at + taken + kAesBlock - 1) / kAesBlock, taken};
}

void ccm_format_counter(uint8_t* counter, const CcmInput& in) {
  std::memset(counter, 0, kAesBlock);
  counter[0] = static_cast<uint8_t>(kAesBlock - 2 - in.nonce_size);  // q - 1
  std::memcpy(counter + 1, in.nonce, in.nonce_size);
}

}  // namespace cm
