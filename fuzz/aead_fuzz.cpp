// SPDX-License-Identifier: Apache-2.0
// aead_fuzz: AES-GCM on every lane this CPU can run against the system's libcrypto: all key sizes, any IV length, any
// lengths of AAD and text, every alignment, in place and out of place, tags cut short, and one bit of the input
// changed. The kernels are called without the module around them, which would spend the campaign on audit records. A
// difference ends the process; the bytes after every buffer must stay as they were.
//
// Input: 8 bytes of choices (struct Choices), then the pool that key, IV, AAD and text are cut from, in this order.
#include <openssl/evp.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "crypto/cpu/features.h"
#include "crypto/gcm/gcm.h"
#include "crypto/gcm/gcm_kernels.h"

namespace {

using Bytes = std::vector<uint8_t>;

[[noreturn]] void fail(const char* what, const char* lane) {
  std::fprintf(stderr, "aead_fuzz: lane %s: %s\n", lane, what);
  std::abort();
}

struct Choices {
  uint8_t key_size;   // % 3
  uint8_t iv_size;    // 0..255; 12 when below 128, the length that matters most
  uint16_t aad_size;  // at most what the pool holds
  uint8_t tag_size;   // % 13 + 4
  uint8_t in_place;   // bit 0
  uint8_t alignment;  // % 64, of text and output
  uint8_t flip;       // which bit is changed for the negative case
};
static_assert(sizeof(Choices) == 8);

struct Case {
  Bytes key, iv, aad, text;
  size_t tag_size, offset;
  bool in_place;
  uint8_t flip;
};

Bytes take(std::span<const uint8_t>& pool, size_t size) {
  const size_t given = std::min(size, pool.size());
  Bytes out(pool.begin(), pool.begin() + static_cast<std::ptrdiff_t>(given));
  out.resize(size);
  pool = pool.subspan(given);
  return out;
}

Case read_case(const uint8_t* data, size_t size) {
  Choices choices;
  std::memcpy(&choices, data, sizeof choices);
  std::span<const uint8_t> pool(data + sizeof choices, size - sizeof choices);
  Case c;
  c.key = take(pool, 16 + size_t{choices.key_size} % 3 * 8);
  c.iv = take(pool, choices.iv_size < 128 ? 12 : size_t{choices.iv_size} - 127);
  c.aad = take(pool, std::min<size_t>(choices.aad_size, pool.size()));
  c.text = take(pool, pool.size());
  c.tag_size = 4 + size_t{choices.tag_size} % 13;
  c.offset = choices.alignment % 64;
  c.in_place = (choices.in_place & 1) != 0;
  c.flip = choices.flip;
  return c;
}

// Expected: what libcrypto makes of the case.
struct Expected {
  Bytes sealed;
  uint8_t tag[16];
};

Expected with_libcrypto(const Case& c) {
  const EVP_CIPHER* cipher = c.key.size() == 16   ? EVP_aes_128_gcm()
                             : c.key.size() == 24 ? EVP_aes_192_gcm()
                                                  : EVP_aes_256_gcm();
  Expected e;
  e.sealed.resize(c.text.size() + 1);  // never empty: libcrypto must not see a null output
  EVP_CIPHER_CTX* ctx = EVP_CIPHER_CTX_new();
  int n = 0;
  const bool ok =
      EVP_EncryptInit_ex(ctx, cipher, nullptr, nullptr, nullptr) == 1 &&
      EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, static_cast<int>(c.iv.size()), nullptr) == 1 &&
      EVP_EncryptInit_ex(ctx, nullptr, nullptr, c.key.data(), c.iv.data()) == 1 &&
      (c.aad.empty() || EVP_EncryptUpdate(ctx, nullptr, &n, c.aad.data(), static_cast<int>(c.aad.size())) == 1) &&
      (c.text.empty() ||
       EVP_EncryptUpdate(ctx, e.sealed.data(), &n, c.text.data(), static_cast<int>(c.text.size())) == 1) &&
      EVP_EncryptFinal_ex(ctx, e.sealed.data() + c.text.size(), &n) == 1 &&
      EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, sizeof e.tag, e.tag) == 1;
  EVP_CIPHER_CTX_free(ctx);
  if (!ok) fail("the oracle refused the case", "libcrypto");
  e.sealed.pop_back();
  return e;
}

// Guarded: a buffer of its exact size at a chosen alignment; the address sanitizer sees one byte beyond its end, the
// pattern sees what is written before it.
class Guarded {
 public:
  Guarded(size_t size, size_t offset) : offset_(offset), bytes_(offset + size, kGuard) {}
  uint8_t* data() { return bytes_.data() + offset_; }
  bool intact() const {
    return std::all_of(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(offset_),
                       [](uint8_t b) { return b == kGuard; });
  }

 private:
  static constexpr uint8_t kGuard = 0xa5;
  size_t offset_;
  Bytes bytes_;
};

void copy(uint8_t* to, const Bytes& from) {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}
bool equal(const uint8_t* a, const Bytes& b) { return b.empty() || std::memcmp(a, b.data(), b.size()) == 0; }

void check_seal(const Case& c, const Expected& e, const cm::GcmKey& key, const char* lane) {
  Guarded in(c.text.size(), c.offset);
  Guarded other(c.text.size(), 63 - c.offset);
  copy(in.data(), c.text);
  uint8_t* out = c.in_place ? in.data() : other.data();
  uint8_t tag[16];
  cm::gcm_seal(key, out, tag, {c.iv.data(), c.iv.size(), c.aad.data(), c.aad.size(), in.data(), c.text.size()});
  if (!equal(out, e.sealed)) fail("ciphertext differs", lane);
  if (std::memcmp(tag, e.tag, sizeof tag) != 0) fail("tag differs", lane);
  if (!c.in_place && !equal(in.data(), c.text)) fail("the input was changed", lane);
  if (!in.intact() || !other.intact()) fail("written outside the output", lane);
}

// check_open: text is what is given as ciphertext. good says whether the tag belongs to it.
void check_open(const Case& c, const cm::GcmKey& key, const Bytes& sealed, const uint8_t* tag, const Bytes& aad,
                bool good, const char* lane) {
  Guarded in(sealed.size(), c.offset);
  Guarded other(sealed.size(), 63 - c.offset);
  copy(in.data(), sealed);
  uint8_t* out = c.in_place ? in.data() : other.data();
  const cm::ct::Mask right = cm::gcm_open(key, out, tag, c.tag_size,
                                          {c.iv.data(), c.iv.size(), aad.data(), aad.size(), in.data(), sealed.size()});
  if (cm::ct::declassify(right) != good) fail(good ? "a right tag was refused" : "a wrong tag was accepted", lane);
  if (!equal(out, good ? c.text : Bytes(sealed.size(), 0)))
    fail(good ? "plaintext differs" : "output of a refused text is not zero", lane);
  if (!in.intact() || !other.intact()) fail("written outside the output", lane);
}

// check_refused: one bit of ciphertext, AAD or the used part of the tag is changed.
void check_refused(const Case& c, const Expected& e, const cm::GcmKey& key, const char* lane) {
  Bytes sealed = e.sealed;
  Bytes aad = c.aad;
  uint8_t tag[16];
  std::memcpy(tag, e.tag, sizeof tag);
  const size_t bit = size_t{c.flip} % 8;
  const size_t place = size_t{c.flip} * 0x9e3779b1u >> 3;
  if (!sealed.empty() && c.flip % 3 == 0) {
    sealed[place % sealed.size()] ^= static_cast<uint8_t>(1u << bit);
  } else if (!aad.empty() && c.flip % 3 == 1) {
    aad[place % aad.size()] ^= static_cast<uint8_t>(1u << bit);
  } else {
    tag[place % c.tag_size] ^= static_cast<uint8_t>(1u << bit);
  }
  check_open(c, key, sealed, tag, aad, false, lane);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < sizeof(Choices) || size > 65536) return -1;
  const Case c = read_case(data, size);
  const Expected e = with_libcrypto(c);
  for (const cm::KernelRow& row : cm::kGcmKernels) {
    if ((cm::cpu_features() & row.needs) != row.needs) continue;
    const char* lane = cm::lane_name(row.lane);
    cm::GcmKey key;
    if (!cm::succeeded(cm::gcm_key_init(key, row.lane, c.key.data(), c.key.size()))) fail("key refused", lane);
    check_seal(c, e, key, lane);
    check_open(c, key, e.sealed, e.tag, c.aad, true, lane);
    // A changed bit goes unseen with probability 2^-(8 * tag_size): not with short tags.
    if (c.tag_size >= 12) check_refused(c, e, key, lane);
  }
  return 0;
}
