// SPDX-License-Identifier: Apache-2.0
// ccm.cpp: AES-CCM (SP 800-38C): the ragged ends of AAD and text, and the tag. Whole blocks of text go through
// aes_ccm_encrypt and aes_ccm_decrypt. It must not check sizes: its callers did.
#include "crypto/ccm/ccm.h"

#include "crypto/aes/aes_modes.h"
#include "crypto/base/bytes.h"
#include "crypto/base/secret.h"
#include "crypto/ccm/ccm_format.h"

namespace cm {
namespace {

// Message: what a call works on; all of it but the counter is as secret as the text or the tag.
struct Message {
  SecretArray<kAesBlock> mac;
  SecretArray<kAesBlock> tag_mask;  // S0: E(counter block 0)
  uint8_t counter[kAesBlock];
};

// mac_padded: bytes into the MAC, the last block padded with zeros.
void mac_padded(const AesKey& key, uint8_t* mac, const uint8_t* p, size_t size) {
  const size_t blocks = size / kAesBlock, straight = blocks * kAesBlock;
  aes_cbc_mac(key, mac, p, blocks);
  if (size == straight) return;
  SecretArray<kAesBlock> last;
  std::memcpy(last.expose(), p + straight, size - straight);
  aes_cbc_mac(key, mac, last.expose(), 1);
}

// start: B0 and the AAD into the MAC, the mask of the tag, and the first counter of the text (A.2, A.3).
void start(const AesKey& key, Message& m, size_t tag_size, const CcmInput& in) {
  SecretArray<kCcmHead> bytes;
  const CcmHead head = ccm_format_head(bytes.expose(), tag_size, in);
  aes_cbc_mac(key, m.mac.expose(), bytes.expose(), head.blocks);
  if (head.aad_taken != in.aad_size)
    mac_padded(key, m.mac.expose(), in.aad + head.aad_taken, in.aad_size - head.aad_taken);
  ccm_format_counter(m.counter, in);
  aes_encrypt_block(key, m.tag_mask.expose(), m.counter);
  m.counter[kAesBlock - 1] = 1;
}

using Pass = void (*)(const AesKey&, uint8_t* counter, uint8_t* mac, uint8_t* out, const uint8_t* in, size_t count);

// text: all of it into the MAC and through the keystream; the last block, if it is short, through a padded copy.
template <Pass WholeBlocks, bool kSeal>
void text(const AesKey& key, Message& m, uint8_t* out, const CcmInput& in) {
  const size_t blocks = in.text_size / kAesBlock, straight = blocks * kAesBlock, rest = in.text_size - straight;
  if (blocks != 0) WholeBlocks(key, m.counter, m.mac.expose(), out, in.text, blocks);
  if (rest == 0) return;
  SecretArray<kAesBlock> plain, stream;
  aes_encrypt_block(key, stream.expose(), m.counter);
  for (size_t i = 0; i < rest; ++i) {
    const uint8_t byte = in.text[straight + i], other = byte ^ stream.expose()[i];
    plain.expose()[i] = kSeal ? byte : other;
    out[straight + i] = other;
  }
  aes_cbc_mac(key, m.mac.expose(), plain.expose(), 1);
}

// tag_of: T XOR S0 (6.1 steps 4 and 8), all 16 bytes in the place of the MAC.
const uint8_t* tag_of(Message& m) {
  for (size_t i = 0; i < kAesBlock; ++i) m.mac.expose()[i] ^= m.tag_mask.expose()[i];
  return m.mac.expose();
}

}  // namespace

bool ccm_sizes_fit(const CcmInput& in, size_t tag_size) {
  if (in.nonce_size < kCcmMinNonce || in.nonce_size > kCcmMaxNonce) return false;
  if (tag_size < 4 || tag_size > kCcmMaxTag || tag_size % 2 != 0) return false;
  const size_t q = kAesBlock - 1 - in.nonce_size;
  return q == 8 || uint64_t{in.text_size} >> (8 * q) == 0;
}

void ccm_seal(const AesKey& key, uint8_t* out, uint8_t* tag, size_t tag_size, const CcmInput& in) {
  Message m;
  start(key, m, tag_size, in);
  text<aes_ccm_encrypt, true>(key, m, out, in);
  std::memcpy(tag, tag_of(m), tag_size);
}

ct::Mask ccm_open(const AesKey& key, uint8_t* out, const uint8_t* tag, size_t tag_size, const CcmInput& in) {
  Message m;
  start(key, m, tag_size, in);
  text<aes_ccm_decrypt, false>(key, m, out, in);
  const ct::Mask right = ct::equal_bytes(tag_of(m), tag, tag_size);
  if (!ct::declassify(right)) zeroise(out, in.text_size);
  return right;
}

}  // namespace cm
