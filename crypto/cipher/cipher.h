// SPDX-License-Identifier: Apache-2.0
// cipher.h: AES in the confidentiality modes of SP 800-38A and its addendum (ciphertext stealing), as a stream: a
// message comes in pieces of any size. A state refers to its key, which must outlive it; it is no bigger than what a
// mode must remember, and cipher_final zeroises it. No allocation, no locks.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/aes/aes.h"

namespace cm {

enum class CipherMode : uint8_t {
  kEcb,     // 6.1
  kCbc,     // 6.2
  kCbcCs1,  // addendum: the short block stands where it always does
  kCbcCs2,  // the last two blocks change places where the last one is short
  kCbcCs3,  // they always do
  kCtr,     // 6.5, one 128-bit big-endian counter
  kCfb128,  // 6.3, segments of 128 bits
  kCfb8,    // 6.3, segments of 8 bits
  kOfb,     // 6.4
};

enum class Direction : uint8_t { kEncrypt, kDecrypt };

inline constexpr size_t kCipherMaxHeld = 2 * kAesBlock;  // what cipher_final writes at most

struct CipherState {
  const AesKey* key;
  CipherMode mode;
  Direction direction;
  uint8_t held_size;  // kEcb, kCbc*: bytes in held; kCtr, kCfb128, kOfb: bytes of the current block already used
  alignas(16) uint8_t chain[kAesBlock];  // the next counter, the last ciphertext, or the current block of the stream
  uint8_t held[kCipherMaxHeld];          // input that waits for more; kCtr: the current block of keystream
};

// cipher_init: iv has 16 bytes, with kCtr the first counter; with kEcb it is not read.
void cipher_init(CipherState& state, const AesKey& key, CipherMode mode, Direction direction, const uint8_t* iv);

// cipher_update_size: how many bytes cipher_update writes for in_size more bytes. With h bytes held and s = h +
// in_size:
//   kCtr, kCfb128, kCfb8, kOfb   in_size
//   kEcb, kCbc                   s / 16 * 16; h = s % 16 afterwards
//   kCbcCs1, kCbcCs2, kCbcCs3    0 where s < 33, else (s - 17) / 16 * 16; 17 to 32 bytes are held back for the end
size_t cipher_update_size(const CipherState& state, size_t in_size);

// cipher_update: writes cipher_update_size(state, in_size) bytes and returns their number. out may be in, or lie before
// it by what is held, so that a message is worked in place; other overlap is not allowed.
size_t cipher_update(CipherState& state, uint8_t* out, const uint8_t* in, size_t in_size);

// cipher_final_size: how many bytes cipher_final writes now, or the error it would end with.
Result<size_t> cipher_final_size(const CipherState& state);

// cipher_final: writes what was held back, 0 to kCipherMaxHeld bytes, and zeroises the state. kLength, and nothing
// written, where the message of kEcb or kCbc is no multiple of a block, or that of kCbcCs* is shorter than a block.
Status cipher_final(CipherState& state, uint8_t* out, size_t* out_size);

}  // namespace cm
