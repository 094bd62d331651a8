// SPDX-License-Identifier: Apache-2.0
// kw.cpp: AES key wrap, KW-AE and KW-AD (SP 800-38F 6.2). On refusal the unverified plaintext is zeroised before the
// function returns.
#include "crypto/keywrap/kw.h"

#include "crypto/base/bytes.h"
#include "crypto/base/secret.h"
#include "crypto/keywrap/wrap_rounds.h"

namespace cm {
namespace {

constexpr uint64_t kIcv1 = 0xa6a6a6a6a6a6a6a6;  // SP 800-38F 6.2, the default initial value

bool is_plain_size(size_t size) { return size >= kKwMinPlain && size <= kKwMaxPlain && size % kSemiblock == 0; }

}  // namespace

Status kw_wrap(const AesKey& kek, uint8_t* out, const uint8_t* plain, size_t plain_size) {
  if (!is_plain_size(plain_size)) return Status::kLength;
  uint8_t* const r = out + kSemiblock;
  std::memcpy(r, plain, plain_size);
  SecretArray<kAesBlock> block;
  store_be64(block.expose(), kIcv1);
  wrap_rounds(kek, block.expose(), r, plain_size / kSemiblock);
  std::memcpy(out, block.expose(), kSemiblock);
  return Status::kOk;
}

Status kw_unwrap(const AesKey& kek, uint8_t* out, const uint8_t* wrapped, size_t wrapped_size) {
  const size_t plain_size = wrapped_size < kSemiblock ? 0 : wrapped_size - kSemiblock;
  if (!is_plain_size(plain_size)) {
    zeroise(out, plain_size);
    return Status::kAuth;
  }
  SecretArray<kAesBlock> block;
  std::memcpy(block.expose(), wrapped, kSemiblock);
  std::memmove(out, wrapped + kSemiblock, plain_size);
  unwrap_rounds(kek, block.expose(), out, plain_size / kSemiblock);
  if (!ct::declassify(ct::Mask::equal(load_be64(block.expose()), kIcv1))) {
    zeroise(out, plain_size);
    return Status::kAuth;
  }
  return Status::kOk;
}

}  // namespace cm
