// SPDX-License-Identifier: Apache-2.0
// cipher.cpp: the streaming modes of cipher.h: modes that put a stream over the text, and modes of whole blocks, which
// hold back what does not fill one. It must not know lanes: the passes over whole blocks are those of aes_modes.h.
#include "crypto/cipher/cipher.h"

#include "crypto/aes/aes_modes.h"
#include "crypto/base/bytes.h"
#include "crypto/base/check.h"
#include "crypto/base/secret.h"
#include "crypto/cipher/cbc_cs.h"

namespace cm {
namespace {

bool is_encrypting(const CipherState& s) { return s.direction == Direction::kEncrypt; }

bool is_stealing(CipherMode mode) {
  return mode == CipherMode::kCbcCs1 || mode == CipherMode::kCbcCs2 || mode == CipherMode::kCbcCs3;
}

bool is_stream(CipherMode mode) {
  switch (mode) {
    case CipherMode::kCtr:
    case CipherMode::kCfb128:
    case CipherMode::kCfb8:
    case CipherMode::kOfb:
      return true;
    case CipherMode::kEcb:
    case CipherMode::kCbc:
    case CipherMode::kCbcCs1:
    case CipherMode::kCbcCs2:
    case CipherMode::kCbcCs3:
      break;
  }
  return false;
}

// pass: whole blocks through the mode; with kCfb8, bytes.
void pass(CipherState& s, uint8_t* out, const uint8_t* in, size_t count) {
  const bool encrypt = is_encrypting(s);
  switch (s.mode) {
    case CipherMode::kEcb:
      return encrypt ? aes_encrypt_blocks(*s.key, out, in, count) : aes_decrypt_blocks(*s.key, out, in, count);
    case CipherMode::kCbc:
    case CipherMode::kCbcCs1:
    case CipherMode::kCbcCs2:
    case CipherMode::kCbcCs3:
      return encrypt ? aes_cbc_encrypt(*s.key, s.chain, out, in, count)
                     : aes_cbc_decrypt(*s.key, s.chain, out, in, count);
    case CipherMode::kCtr:
      return aes_ctr(*s.key, s.chain, out, in, count);
    case CipherMode::kCfb128:
      return encrypt ? aes_cfb128_encrypt(*s.key, s.chain, out, in, count)
                     : aes_cfb128_decrypt(*s.key, s.chain, out, in, count);
    case CipherMode::kCfb8:
      return encrypt ? aes_cfb8_encrypt(*s.key, s.chain, out, in, count)
                     : aes_cfb8_decrypt(*s.key, s.chain, out, in, count);
    case CipherMode::kOfb:
      return aes_ofb(*s.key, s.chain, out, in, count);
  }
  fail_stop();
}

// begin_block: the stream for a block that will be used in parts. With kCfb128 and kOfb it stands in the chaining value
// itself, where ciphertext takes its place byte by byte, or where it stays.
void begin_block(CipherState& s) {
  if (s.mode == CipherMode::kCtr)
    aes_ctr_keystream(*s.key, s.chain, s.held, 1);
  else
    aes_encrypt_block(*s.key, s.chain, s.chain);
}

// use_block: size bytes from the current block on, not past its end.
void use_block(CipherState& s, uint8_t* out, const uint8_t* in, size_t size) {
  uint8_t* const stream = (s.mode == CipherMode::kCtr ? s.held : s.chain) + s.held_size;
  for (size_t i = 0; i < size; ++i) {
    const uint8_t text = in[i], other = text ^ stream[i];
    if (s.mode == CipherMode::kCfb128) stream[i] = is_encrypting(s) ? other : text;
    out[i] = other;
  }
  s.held_size = static_cast<uint8_t>((s.held_size + size) % kAesBlock);
}

void update_stream(CipherState& s, uint8_t* out, const uint8_t* in, size_t size) {
  if (s.mode == CipherMode::kCfb8) return pass(s, out, in, size);
  if (s.held_size != 0) {
    const size_t room = kAesBlock - s.held_size, now = size < room ? size : room;
    use_block(s, out, in, now);
    out += now;
    in += now;
    size -= now;
  }
  const size_t blocks = size / kAesBlock, whole = blocks * kAesBlock;
  if (blocks != 0) pass(s, out, in, blocks);
  if (size == whole) return;
  begin_block(s);
  use_block(s, out + whole, in + whole, size - whole);
}

// hold: in is kept behind what is held.
void hold(CipherState& s, const uint8_t* in, size_t size) {
  if (size == 0) return;
  std::memcpy(s.held + s.held_size, in, size);
  s.held_size = static_cast<uint8_t>(s.held_size + size);
}

// update_through: as update_blocks, by way of a buffer: held bytes make the output lag behind the input, and where both
// are the same memory, input must be read before output takes its place.
void update_through(CipherState& s, uint8_t* out, size_t out_size, const uint8_t* in, size_t in_size) {
  constexpr size_t kRoom = 32 * kAesBlock;
  SecretArray<kCipherMaxHeld + kRoom> buffer;
  uint8_t* const b = buffer.expose();
  size_t filled = s.held_size, read = 0, written = 0;
  std::memcpy(b, s.held, filled);
  while (written != out_size) {
    const size_t left = in_size - read, now = left < kRoom ? left : kRoom;
    std::memcpy(b + filled, in + read, now);
    filled += now;
    read += now;
    const size_t end = read == in_size ? out_size : read / kAesBlock * kAesBlock;
    const size_t size = (end < out_size ? end : out_size) - written;
    pass(s, b, b, size / kAesBlock);
    std::memcpy(out + written, b, size);
    written += size;
    filled -= size;
    std::memmove(b, b + size, filled);
  }
  s.held_size = 0;
  hold(s, b, filled);
  hold(s, in + read, in_size - read);
}

// update_blocks: modes that hold back; out_size is what they must write, a multiple of a block.
void update_blocks(CipherState& s, uint8_t* out, size_t out_size, const uint8_t* in, size_t in_size) {
  if (out_size == 0) return hold(s, in, in_size);
  const size_t lag = s.held_size;
  // What is held leaves first, in whole blocks that the new input fills up; the rest goes straight through.
  const size_t first = (lag + kAesBlock - 1) / kAesBlock * kAesBlock, fill = first - lag;
  if (first > out_size || (lag != 0 && overlaps(out, out_size, in, in_size) && out + lag != in))
    return update_through(s, out, out_size, in, in_size);
  if (lag != 0) {
    std::memcpy(s.held + lag, in, fill);
    pass(s, out, s.held, first / kAesBlock);
  }
  const size_t straight = out_size - first, used = fill + straight;
  SecretArray<kCipherMaxHeld> rest;
  std::memcpy(rest.expose(), in + used, in_size - used);
  if (straight != 0) pass(s, out + first, in + fill, straight / kAesBlock);
  s.held_size = 0;
  hold(s, rest.expose(), in_size - used);
}

}  // namespace

void cipher_init(CipherState& state, const AesKey& key, CipherMode mode, Direction direction, const uint8_t* iv) {
  state.key = &key;
  state.mode = mode;
  state.direction = direction;
  state.held_size = 0;
  std::memset(state.chain, 0, sizeof state.chain);
  std::memset(state.held, 0, sizeof state.held);
  if (mode != CipherMode::kEcb) std::memcpy(state.chain, iv, kAesBlock);
}

size_t cipher_update_size(const CipherState& state, size_t in_size) {
  if (is_stream(state.mode)) return in_size;
  const size_t all = state.held_size + in_size;
  if (!is_stealing(state.mode)) return all / kAesBlock * kAesBlock;
  return all <= kCipherMaxHeld ? 0 : (all - kAesBlock - 1) / kAesBlock * kAesBlock;
}

size_t cipher_update(CipherState& state, uint8_t* out, const uint8_t* in, size_t in_size) {
  const size_t out_size = cipher_update_size(state, in_size);
  if (in_size == 0) return 0;
  if (is_stream(state.mode))
    update_stream(state, out, in, in_size);
  else
    update_blocks(state, out, out_size, in, in_size);
  return out_size;
}

Result<size_t> cipher_final_size(const CipherState& state) {
  if (is_stealing(state.mode)) {
    if (state.held_size < kAesBlock) return Status::kLength;
    return size_t{state.held_size};
  }
  if (!is_stream(state.mode) && state.held_size != 0) return Status::kLength;
  return size_t{0};
}

Status cipher_final(CipherState& state, uint8_t* out, size_t* out_size) {
  const Result<size_t> size = cipher_final_size(state);
  *out_size = size.value;
  if (size.value != 0) cbc_cs_end(state, out);
  zeroise(&state, sizeof state);
  return size.status;
}

}  // namespace cm
