// SPDX-License-Identifier: Apache-2.0
// keywrap_fuzz: wrapped keys that come in. The input builds them from the inside: the value that stands for integrity,
// the length in it, the padding, then the permutation of SP 800-38F under the right wrapping key (by the system's
// libcrypto), so that a campaign gets to what is checked behind it; or gives bytes as they are. A key may come of it
// exactly where SP 800-38F and the key table say so, it must be the one that was wrapped, and nothing may be left when
// none does.
//
// Input: choices as service.h reads them.
#include <openssl/evp.h>

#include <algorithm>
#include <iterator>
#include <memory>

#include "crypto/module/key_algorithms.h"
#include "fuzz/service.h"
#include "tests/support/evp_oracle.h"

namespace {

using namespace cm::fuzz;  // NOLINT(google-build-using-namespace): the subject of this file

constexpr size_t kSemiblock = 8, kRawMax = 512, kWrappedMax = kRawMax + kSemiblock;
constexpr uint8_t kKwIv[kSemiblock] = {0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6};
constexpr uint8_t kKwpIv[4] = {0xa6, 0x59, 0x59, 0xa6};

struct Wrapping {
  uint32_t algorithm;
  Bytes raw;
  bool pads() const { return algorithm == CM_ALG_AES_KWP; }
};

// permuted: W of SP 800-38F 6.1 over first and rest, which is one block of AES where rest is one semiblock.
Bytes permuted(const Wrapping& w, const Bytes& first, const Bytes& rest) {
  if (rest.size() == kSemiblock) {
    Bytes block = first;
    block.insert(block.end(), rest.begin(), rest.end());
    return cm::test::evp_aes("ECB", w.raw, {}, block, true);
  }
  const EVP_CIPHER* cipher = w.raw.size() == 16   ? EVP_aes_128_wrap()
                             : w.raw.size() == 24 ? EVP_aes_192_wrap()
                                                  : EVP_aes_256_wrap();
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                EVP_CIPHER_CTX_free);
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  Bytes out(rest.size() + 2 * kSemiblock);
  int size = 0;
  cm::test::must(EVP_EncryptInit_ex(context.get(), cipher, nullptr, w.raw.data(), first.data()));
  cm::test::must(EVP_EncryptUpdate(context.get(), out.data(), &size, rest.data(), static_cast<int>(rest.size())));
  out.resize(static_cast<size_t>(size));
  return out;
}

// Blob: a wrapped key, and whether it is one; key: what is in it then.
struct Blob {
  Bytes wrapped, key;
  bool is_right;
};

// length_word: KWP: the last four bytes of the first semiblock.
uint32_t length_word(const Bytes& first) {
  return uint32_t{first[4]} << 24 | uint32_t{first[5]} << 16 | uint32_t{first[6]} << 8 | first[7];
}

// is_right: SP 800-38F 6.2 step 3 of KW-AD, 6.3 steps 5 to 8 of KWP-AD.
bool is_right(const Wrapping& w, const Bytes& first, const Bytes& rest) {
  if (!w.pads()) return std::equal(first.begin(), first.end(), kKwIv) && rest.size() >= 2 * kSemiblock;
  const uint32_t size = length_word(first);
  return std::equal(std::begin(kKwpIv), std::end(kKwpIv), first.begin()) && size <= rest.size() &&
         size + kSemiblock > rest.size() &&
         std::all_of(rest.begin() + size, rest.end(), [](uint8_t b) { return b == 0; });
}

// built: of a key of any size, with up to two bytes of what stands around it changed.
Blob built(Input& input, const Wrapping& w) {
  const size_t size = w.pads() ? 1 + input.size(kRawMax - 1) : 16 + input.size(kRawMax - 16) / 8 * 8;
  Bytes rest = input.noise(size), first(kKwIv, kKwIv + kSemiblock);
  rest.resize((size + 7) / 8 * 8);
  if (w.pads()) {
    std::copy(std::begin(kKwpIv), std::end(kKwpIv), first.begin());
    for (size_t i = 0; i < 4; ++i) first[4 + i] = static_cast<uint8_t>(size >> (24 - 8 * i));
  }
  if (input.rare()) first[input.byte() % kSemiblock] ^= input.byte();
  if (input.rare()) rest[rest.size() - 1 - input.byte() % kSemiblock] ^= input.byte();
  Blob blob{permuted(w, first, rest), {}, is_right(w, first, rest)};
  if (!blob.is_right) return blob;
  blob.key = rest;
  if (w.pads()) blob.key.resize(length_word(first));
  return blob;
}

Blob any_blob(Input& input, const Wrapping& w) {
  const uint8_t how = input.byte();
  if (how < 0xc0) return built(input, w);
  // As it is: right with a probability of 2^-64, of 2^-32 for padded ones of one block.
  Blob blob{input.bytes(input.size(kWrappedMax + 40)), {}, false};
  blob.wrapped.reserve(1);  // never null, which is an error of its own
  return blob;
}

// any_params: what the key is to become.
cm_key_params any_params(Input& input, const Blob& blob) {
  const size_t algorithm = input.byte();
  cm_key_params params =
      key_params(algorithm < 0x80 ? CM_ALG_HMAC_SHA256 : algorithm % (std::size(cm::kKeyAlgorithms) + 2));
  params.flags = CM_KEY_EXPORTABLE;
  if (input.rare()) params.bits = static_cast<uint32_t>(input.rare() ? input.byte() : blob.key.size() * 8);
  return params;
}

// fits: whether a key of that size may have these attributes.
bool fits(const cm_key_params& params, const Bytes& key) {
  const cm::KeyAlgorithmRow* row = cm::key_algorithm(params.algorithm);
  const auto bits = static_cast<uint32_t>(key.size() * 8);
  if (row == nullptr || (params.bits != 0 && params.bits != bits) || !cm::key_bits_fit(row->sizes, bits)) return false;
  const auto half = key.begin() + static_cast<std::ptrdiff_t>(key.size() / 2);
  return params.algorithm != CM_ALG_AES_XTS || !std::equal(key.begin(), half, half);
}

bool fits_size(const Wrapping& w, size_t size) {
  const size_t least = w.pads() ? 2 * kSemiblock : 3 * kSemiblock;
  return size >= least && size % kSemiblock == 0 && size <= kWrappedMax;
}

uint32_t keys_in_use() {
  cm_status_info info{};
  info.struct_size = sizeof info;
  require(cm_status(&info) == CM_OK, "no status");
  return static_cast<uint32_t>(info.keys_in_use);
}

// check_exported: the key goes out as it came in; a buffer that is too small is left alone.
void check_exported(Input& input, cm_key key, cm_key wrapping, const Bytes& wrapped) {
  Bytes out(wrapped.size(), 0xee);
  size_t size = 12345;
  if (input.rare()) {
    Bytes small(input.byte() % wrapped.size(), 0xee);
    require(
        cm_key_export_wrapped(session(), key, wrapping, small.data(), small.size(), &size) == CM_ERR_BUFFER_TOO_SMALL &&
            size == wrapped.size() && small == Bytes(small.size(), 0xee),
        "a small buffer has a wrong answer");
  }
  require(CM_SUCCEEDED(cm_key_export_wrapped(session(), key, wrapping, out.data(), out.size(), &size)), "no export");
  require(size == wrapped.size() && out == wrapped, "a key does not go out as it came in");
}

void check_import(Input& input, const Wrapping& w, cm_key wrapping, const Blob& blob) {
  const cm_key_params params = any_params(input, blob);
  const uint32_t before = keys_in_use();
  cm_key made{1};
  const cm_rc rc = cm_key_import_wrapped(session(), &made, &params, wrapping, blob.wrapped.data(), blob.wrapped.size());
  if (blob.is_right && fits(params, blob.key)) {
    require(CM_SUCCEEDED(rc) && made.v != 0, "a wrapped key is refused");
    check_exported(input, made, wrapping, blob.wrapped);
    return require(cm_key_destroy(session(), made) == CM_OK, "a key is not destroyed");
  }
  require(!CM_SUCCEEDED(rc) && made.v == 0 && keys_in_use() == before, "a key comes of what is none");
  const bool sized = fits_size(w, blob.wrapped.size());
  const bool is_none = rc == (sized ? CM_ERR_AUTH : CM_ERR_LENGTH);
  require(blob.is_right ? rc == CM_ERR_LENGTH || rc == CM_ERR_ARGUMENT : is_none,
          "what is no wrapped key has a wrong answer");
}

// tampered: one change of a right one.
Blob tampered(Input& input, const Blob& blob) {
  Blob bad{blob.wrapped, {}, false};
  const size_t at = input.size(bad.wrapped.size() - 1);
  switch (input.byte() % 4) {
    case 0:
      bad.wrapped.resize(at);
      break;
    case 1:
      bad.wrapped.resize(bad.wrapped.size() + 1 + at % 32);
      break;
    default:
      bad.wrapped[at] ^= static_cast<uint8_t>(1u << input.byte() % 8);
  }
  return bad;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  start_case(input);
  {
    const uint32_t algorithm = input.byte() % 2 == 0 ? CM_ALG_AES_KWP : CM_ALG_AES_KW;
    const Wrapping w{algorithm, any_raw_key(input, algorithm)};
    const Key wrapping(key_params(algorithm), w.raw);
    const Blob blob = any_blob(input, w);
    check_import(input, w, wrapping.get(), blob);
    if (blob.is_right) check_import(input, w, wrapping.get(), tampered(input, blob));
  }
  end_case();
  return 0;
}
