// SPDX-License-Identifier: Apache-2.0
// cbc_cs.cpp: ciphertext stealing (addendum to SP 800-38A). Of the last two blocks of ciphertext, the first, c1, is cut
// to the d bytes that the last block of text has; the second, c2, is whole and holds what was cut off.
#include "crypto/cipher/cbc_cs.h"

#include "crypto/aes/aes_modes.h"
#include "crypto/base/secret.h"

namespace cm {
namespace {

// swaps: whether C2 stands before the short form of C1.
bool swaps(CipherMode mode, size_t d) {
  return mode == CipherMode::kCbcCs3 || (mode == CipherMode::kCbcCs2 && d != kAesBlock);
}

void encrypt_end(const CipherState& s, uint8_t* out, size_t d) {
  SecretArray<2 * kAesBlock> text;  // padded with zeros
  std::memcpy(text.expose(), s.held, kAesBlock + d);
  uint8_t iv[kAesBlock], c[2 * kAesBlock];
  std::memcpy(iv, s.chain, kAesBlock);
  aes_cbc_encrypt(*s.key, iv, c, text.expose(), 2);
  const bool swap = swaps(s.mode, d);
  std::memcpy(out + (swap ? kAesBlock : 0), c, d);
  std::memcpy(out + (swap ? 0 : d), c + kAesBlock, kAesBlock);
}

void decrypt_end(const CipherState& s, uint8_t* out, size_t d) {
  const bool swap = swaps(s.mode, d);
  const uint8_t* const c1 = s.held + (swap ? kAesBlock : 0);
  const uint8_t* const c2 = s.held + (swap ? 0 : d);
  // c2 is the cipher of the last text, padded with zeros, XOR c1: behind the text stands what was cut off from c1.
  SecretArray<kAesBlock> last;
  aes_decrypt_blocks(*s.key, last.expose(), c2, 1);
  for (size_t i = 0; i < d; ++i) out[kAesBlock + i] = last.expose()[i] ^ c1[i];
  std::memcpy(last.expose(), c1, d);
  uint8_t iv[kAesBlock];
  std::memcpy(iv, s.chain, kAesBlock);
  aes_cbc_decrypt(*s.key, iv, out, last.expose(), 1);
}

}  // namespace

void cbc_cs_end(const CipherState& state, uint8_t* out) {
  const size_t d = state.held_size - kAesBlock;
  const bool encrypt = state.direction == Direction::kEncrypt;
  if (d != 0) return encrypt ? encrypt_end(state, out, d) : decrypt_end(state, out, d);
  // One block is the whole message.
  uint8_t iv[kAesBlock];
  std::memcpy(iv, state.chain, kAesBlock);
  if (encrypt)
    aes_cbc_encrypt(*state.key, iv, out, state.held, 1);
  else
    aes_cbc_decrypt(*state.key, iv, out, state.held, 1);
}

}  // namespace cm
