// SPDX-License-Identifier: Apache-2.0
// gcm_siv.cpp: AES-GCM-SIV (RFC 8452 sections 4 and 5) from what the lane of the key has for other modes: its block
// cipher and key schedule, POLYVAL beside its GHASH, and CTR. It must not check lengths: its callers did.
#include "crypto/gcm_siv/gcm_siv.h"

#include "crypto/aes/aes_modes.h"
#include "crypto/base/bytes.h"
#include "crypto/base/check.h"
#include "crypto/base/secret.h"
#include "crypto/gcm/gcm.h"
#include "crypto/gcm/gcm_kernels.h"

namespace cm {
namespace {

// MessageKeys: what belongs to one nonce: the message-authentication key, and as a GCM key the schedule of the
// message-encryption key with room for the powers that POLYVAL wants.
struct MessageKeys {
  SecretArray<kAesBlock> authentication;
  GcmKey gcm;

  ~MessageKeys() { zeroise(&gcm, sizeof gcm); }
};

// derive_keys (section 4): the first halves of the ciphers of 0, 1, ... and the nonce.
void derive_keys(MessageKeys& m, const GcmSivKey& key, const uint8_t* nonce) {
  constexpr size_t kHalf = kAesBlock / 2, kMostBlocks = 6;
  const size_t key_size = key.aes.rounds == 10 ? 16 : 32;
  const size_t blocks = (kAesBlock + key_size) / kHalf;
  SecretArray<kMostBlocks * kAesBlock> derived;
  uint8_t* const d = derived.expose();
  for (size_t i = 0; i < blocks; ++i) {
    store_le32(d + kAesBlock * i, static_cast<uint32_t>(i));
    std::memcpy(d + kAesBlock * i + 4, nonce, kGcmSivNonce);
  }
  aes_encrypt_blocks(key.aes, d, d, blocks);
  for (size_t i = 1; i < blocks; ++i) std::memcpy(d + kHalf * i, d + kAesBlock * i, kHalf);
  std::memcpy(m.authentication.expose(), d, kAesBlock);
  if (!succeeded(aes_key_init(m.gcm.aes, key.aes.lane, d + kAesBlock, key_size))) fail_stop();
}

void polyval(MessageKeys& m, uint8_t* s, const GcmInput& in) {
  const uint8_t* const h = m.authentication.expose();
  switch (m.gcm.aes.lane) {
    case Lane::kPortable:
      return gcm_polyval_portable(m.gcm, s, h, in);
    case Lane::kAesni:
      return gcm_polyval_x86_aesni(m.gcm, s, h, in);
    case Lane::kVaes256:
      return gcm_polyval_x86_vaes256(m.gcm, s, h, in);
    case Lane::kVaes512:
      return gcm_polyval_x86_vaes512(m.gcm, s, h, in);
    default:  // no lane of this algorithm
      break;
  }
  fail_stop();
}

// make_tag: of AAD and plaintext: the cipher of their POLYVAL, with the nonce in it and the highest bit clear.
void make_tag(MessageKeys& m, uint8_t* tag, const uint8_t* plain, const GcmSivInput& in) {
  SecretArray<kAesBlock> s;
  uint8_t* const b = s.expose();
  polyval(m, b, {in.nonce, kGcmSivNonce, in.aad, in.aad_size, plain, in.text_size});
  for (size_t i = 0; i < kGcmSivNonce; ++i) b[i] ^= in.nonce[i];
  b[kAesBlock - 1] &= 0x7f;
  aes_encrypt_block(m.gcm.aes, tag, b);
}

// apply_ctr: the first counter is the tag with its highest bit set. The tag goes over the wire, so a kernel may branch
// where the counter wraps.
void apply_ctr(const MessageKeys& m, uint8_t* out, const uint8_t* tag, const GcmSivInput& in) {
  const size_t blocks = in.text_size / kAesBlock, straight = blocks * kAesBlock;
  uint8_t counter[kAesBlock];
  std::memcpy(counter, tag, sizeof counter);
  counter[kAesBlock - 1] |= 0x80;
  ct::unpoison(counter, sizeof counter);
  aes_ctr_le32(m.gcm.aes, counter, out, in.text, blocks);
  if (straight == in.text_size) return;
  SecretArray<kAesBlock> stream;
  aes_encrypt_block(m.gcm.aes, stream.expose(), counter);
  for (size_t i = straight; i < in.text_size; ++i) out[i] = in.text[i] ^ stream.expose()[i - straight];
}

}  // namespace

Status gcm_siv_key_init(GcmSivKey& key, Lane lane, const uint8_t* raw, size_t raw_size) {
  if (raw_size != 16 && raw_size != 32) return Status::kLength;
  return aes_key_init(key.aes, lane, raw, raw_size);
}

void gcm_siv_seal(const GcmSivKey& key, uint8_t* out, uint8_t* tag, const GcmSivInput& in) {
  MessageKeys m;
  derive_keys(m, key, in.nonce);
  make_tag(m, tag, in.text, in);
  apply_ctr(m, out, tag, in);
}

ct::Mask gcm_siv_open(const GcmSivKey& key, uint8_t* out, const uint8_t* tag, const GcmSivInput& in) {
  MessageKeys m;
  SecretArray<kGcmSivTag> right_tag;  // of a forgery, this is the tag the forger wants
  derive_keys(m, key, in.nonce);
  apply_ctr(m, out, tag, in);
  make_tag(m, right_tag.expose(), out, in);
  const ct::Mask right = ct::equal_bytes(right_tag.expose(), tag, kGcmSivTag);
  if (!ct::declassify(right)) zeroise(out, in.text_size);
  return right;
}

}  // namespace cm
