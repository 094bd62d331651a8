// SPDX-License-Identifier: Apache-2.0
// kwp.cpp: AES key wrap with padding, KWP-AE and KWP-AD (SP 800-38F 6.3). Unwrapping
// must not tell why it refused: all checks are computed without branches and meet in one mask, and on refusal the
// unverified plaintext is zeroised before the function returns.
#include "crypto/keywrap/kwp.h"

#include "crypto/base/bytes.h"
#include "crypto/base/secret.h"
#include "crypto/keywrap/wrap_rounds.h"

namespace cm {
namespace {

constexpr uint32_t kIcv2 = 0xa65959a6;          // SP 800-38F 6.3, the alternative initial value
constexpr size_t kMinWrapped = 2 * kSemiblock;  // bytes

// check_plain: whether A is the initial value with a length that fits n semiblocks and whether the padding is zero.
// The length is secret until the answer is known, so the last semiblock is read whole and masked.
ct::Mask check_plain(uint64_t a, const uint8_t* r, size_t n) {
  const uint64_t length = a & 0xffffffff;
  const uint64_t padding = n * kSemiblock - length;  // a length that is too large wraps to a huge value
  const ct::Mask prefix = ct::Mask::equal(a >> 32, kIcv2);
  const ct::Mask fits = ct::Mask::is_zero(padding >> 3);  // 0..7 bytes
  const uint64_t last = load_be64(r + (n - 1) * kSemiblock);
  const uint64_t padding_bits = (uint64_t{1} << ((padding & 7) * 8)) - 1;
  return prefix & fits & ct::Mask::is_zero(last & padding_bits);
}

}  // namespace

Status kwp_wrap(const AesKey& kek, uint8_t* out, const uint8_t* plain, size_t plain_size) {
  if (plain_size == 0 || plain_size > kKwpMaxPlain) return Status::kLength;
  const size_t n = (plain_size + kSemiblock - 1) / kSemiblock;
  uint8_t* r = out + kSemiblock;
  std::memset(r + (n - 1) * kSemiblock, 0, kSemiblock);
  std::memcpy(r, plain, plain_size);
  SecretArray<kAesBlock> block;
  store_be32(block.expose(), kIcv2);
  store_be32(block.expose() + 4, static_cast<uint32_t>(plain_size));
  if (n == 1) {
    std::memcpy(block.expose() + kSemiblock, r, kSemiblock);
    aes_encrypt_blocks(kek, out, block.expose(), 1);
    return Status::kOk;
  }
  wrap_rounds(kek, block.expose(), r, n);
  std::memcpy(out, block.expose(), kSemiblock);
  return Status::kOk;
}

Status kwp_unwrap(const AesKey& kek, uint8_t* out, size_t* plain_size, const uint8_t* wrapped, size_t wrapped_size) {
  const size_t room = wrapped_size < kSemiblock ? 0 : wrapped_size - kSemiblock;
  if (wrapped_size < kMinWrapped || wrapped_size > kwp_wrapped_size(kKwpMaxPlain) || wrapped_size % kSemiblock != 0) {
    zeroise(out, room);
    return Status::kAuth;
  }
  const size_t n = room / kSemiblock;
  SecretArray<kAesBlock> block;
  std::memcpy(block.expose(), wrapped, kSemiblock);
  std::memmove(out, wrapped + kSemiblock, room);
  if (n == 1) {
    std::memcpy(block.expose() + kSemiblock, out, kSemiblock);
    aes_decrypt_blocks(kek, block.expose(), block.expose(), 1);
    std::memcpy(out, block.expose() + kSemiblock, kSemiblock);
  } else {
    unwrap_rounds(kek, block.expose(), out, n);
  }
  const uint64_t a = load_be64(block.expose());
  if (!ct::declassify(check_plain(a, out, n))) {
    zeroise(out, room);
    return Status::kAuth;
  }
  *plain_size = static_cast<size_t>(a & 0xffffffff);
  return Status::kOk;
}

}  // namespace cm
