// SPDX-License-Identifier: Apache-2.0
// cm_cipher_*: every mode against libcrypto through the C interface, and every rule of cryptomod.h on sizes, buffers,
// contexts and keys.
#include <cstring>
#include <random>

#include "tests/module/fixture.h"
#include "tests/support/evp_oracle.h"

namespace cm::test {
namespace {

struct Mode {
  uint32_t algorithm;
  const char* name;    // in libcrypto
  const char* cts;     // its variant of ciphertext stealing
  size_t least, unit;  // sizes of a message: at least, and a multiple of
};
constexpr Mode kModes[] = {
    {CM_ALG_AES_ECB, "ECB", nullptr, 0, 16},       {CM_ALG_AES_CBC, "CBC", nullptr, 0, 16},
    {CM_ALG_AES_CBC_CS1, "CBC-CTS", "CS1", 16, 1}, {CM_ALG_AES_CBC_CS2, "CBC-CTS", "CS2", 16, 1},
    {CM_ALG_AES_CBC_CS3, "CBC-CTS", "CS3", 16, 1}, {CM_ALG_AES_CTR, "CTR", nullptr, 0, 1},
    {CM_ALG_AES_CFB128, "CFB", nullptr, 0, 1},     {CM_ALG_AES_CFB8, "CFB8", nullptr, 0, 1},
    {CM_ALG_AES_OFB, "OFB", nullptr, 0, 1},        {CM_ALG_AES_XTS, "XTS", nullptr, 16, 1},
};

bool fits(const Mode& mode, size_t size) { return size >= mode.least && size % mode.unit == 0; }

class CipherService : public Operational {
 protected:
  cm_key import(uint32_t algorithm, const Bytes& raw, uint32_t usage = 0) {
    cm_key_params params = key_params(algorithm);
    params.usage = usage;
    cm_key key{};
    EXPECT_EQ(cm_key_import(session_, &key, &params, raw.data(), raw.size()), CM_OK);
    return key;
  }
  Bytes iv_of(uint32_t algorithm) { return algorithm == CM_ALG_AES_ECB ? Bytes{} : random_bytes(rng_, 16); }
  cm_rc encrypt(cm_key key, const Bytes& iv, Bytes& out, const Bytes& in) {
    return cm_cipher_encrypt(session_, key, iv.data(), iv.size(), out.data(), out.size(), in.data(), in.size());
  }
  cm_rc decrypt(cm_key key, const Bytes& iv, Bytes& out, const Bytes& in) {
    return cm_cipher_decrypt(session_, key, iv.data(), iv.size(), out.data(), out.size(), in.data(), in.size());
  }
  // stream: in pieces of random sizes.
  cm_rc stream(cm_key key, uint32_t direction, const Bytes& iv, Bytes& out, const Bytes& in) {
    cm_cipher cipher{};
    if (const cm_rc rc = cm_cipher_init(session_, &cipher, key, direction, iv.data(), iv.size()); rc != CM_OK)
      return rc;
    out.assign(in.size() + 32, 0xee);
    size_t written = 0, n = 0;
    for (size_t at = 0; at < in.size();) {
      const size_t piece = std::min<size_t>(in.size() - at, rng_() % 70);
      EXPECT_EQ(
          cm_cipher_update(session_, cipher, out.data() + written, out.size() - written, &n, in.data() + at, piece),
          CM_OK);
      at += piece;
      written += n;
    }
    const cm_rc rc = cm_cipher_final(session_, cipher, out.data() + written, out.size() - written, &n);
    if (rc != CM_OK) {
      EXPECT_EQ(cm_cipher_free(session_, cipher), CM_OK);
    }
    out.resize(written + n);
    return rc;
  }
  void destroy(cm_key key) { EXPECT_EQ(cm_key_destroy(session_, key), CM_OK); }

  std::mt19937_64 rng_{20261122};
};

TEST_F(CipherService, does_what_libcrypto_does_in_every_mode) {
  for (const Mode& mode : kModes)
    for (const size_t key_size : {16, 24, 32}) {
      const bool xts = mode.algorithm == CM_ALG_AES_XTS;
      if (xts && key_size == 24) continue;
      const Bytes raw = random_bytes(rng_, xts ? 2 * key_size : key_size);
      const cm_key key = import(mode.algorithm, raw);
      for (const size_t size : {0, 1, 15, 16, 17, 31, 32, 33, 47, 48, 64, 100, 255, 256, 1000, 4096, 5000}) {
        SCOPED_TRACE(std::string(mode.name) + " " + std::to_string(key_size) + " " + std::to_string(size));
        const Bytes iv = iv_of(mode.algorithm), plain = random_bytes(rng_, size);
        Bytes out(size, 0xee), back(size, 0xee);
        if (!fits(mode, size)) {
          const Bytes before = out;
          EXPECT_EQ(encrypt(key, iv, out, plain), CM_ERR_LENGTH);
          EXPECT_EQ(decrypt(key, iv, out, plain), CM_ERR_LENGTH);
          EXPECT_EQ(out, before);
          continue;
        }
        ASSERT_EQ(encrypt(key, iv, out, plain), CM_OK);
        if (size != 0) {
          EXPECT_EQ(out, evp_aes(mode.name, raw, iv, plain, true, mode.cts));
        }
        ASSERT_EQ(decrypt(key, iv, back, out), CM_OK);
        EXPECT_EQ(back, plain);
        back = plain;
        ASSERT_EQ(encrypt(key, iv, back, back), CM_OK);
        EXPECT_EQ(back, out) << "in place";
      }
      destroy(key);
    }
}

TEST_F(CipherService, gives_the_same_in_pieces) {
  for (const Mode& mode : kModes) {
    if (mode.algorithm == CM_ALG_AES_XTS) continue;
    const cm_key key = import(mode.algorithm, random_bytes(rng_, 32));
    for (int round = 0; round < 60; ++round) {
      const size_t size = rng_() % 600;
      SCOPED_TRACE(std::string(mode.name) + " " + std::to_string(size));
      const Bytes iv = iv_of(mode.algorithm), plain = random_bytes(rng_, size);
      Bytes whole(size), out, back;
      if (!fits(mode, size)) {
        EXPECT_EQ(stream(key, CM_ENCRYPT, iv, out, plain), CM_ERR_LENGTH);
        continue;
      }
      ASSERT_EQ(encrypt(key, iv, whole, plain), CM_OK);
      ASSERT_EQ(stream(key, CM_ENCRYPT, iv, out, plain), CM_OK);
      EXPECT_EQ(out, whole);
      ASSERT_EQ(stream(key, CM_DECRYPT, iv, back, whole), CM_OK);
      EXPECT_EQ(back, plain);
    }
    destroy(key);
  }
}

TEST_F(CipherService, numbers_sectors_as_ieee_1619_does) {
  const Bytes raw = random_bytes(rng_, 64);
  const cm_key key = import(CM_ALG_AES_XTS, raw);
  for (const size_t sector : {16, 17, 512, 520, 4096}) {
    const Bytes plain = random_bytes(rng_, 5 * sector);
    Bytes out(plain.size()), back(plain.size());
    const uint64_t first = rng_() >> 8;
    ASSERT_EQ(
        cm_cipher_encrypt_sectors(session_, key, first, sector, out.data(), out.size(), plain.data(), plain.size()),
        CM_OK);
    for (size_t i = 0; i < 5; ++i) {
      Bytes tweak(16);
      const uint64_t number = first + i;
      std::memcpy(tweak.data(), &number, 8);
      const auto at = static_cast<std::ptrdiff_t>(i * sector), end = static_cast<std::ptrdiff_t>((i + 1) * sector);
      EXPECT_EQ(Bytes(out.begin() + at, out.begin() + end),
                evp_aes("XTS", raw, tweak, Bytes(plain.begin() + at, plain.begin() + end), true));
    }
    ASSERT_EQ(cm_cipher_decrypt_sectors(session_, key, first, sector, back.data(), back.size(), out.data(), out.size()),
              CM_OK);
    EXPECT_EQ(back, plain);
  }
  Bytes b(64), out(64);
  const auto sectors = [&](cm_key k, uint64_t first, size_t sector, size_t size) {
    return cm_cipher_encrypt_sectors(session_, k, first, sector, out.data(), out.size(), b.data(), size);
  };
  EXPECT_EQ(sectors(key, 0, 15, 30), CM_ERR_LENGTH);
  EXPECT_EQ(sectors(key, 0, 0, 0), CM_ERR_LENGTH);
  EXPECT_EQ(sectors(key, 0, 32, 33), CM_ERR_LENGTH);
  EXPECT_EQ(sectors(key, 0, (size_t{1} << 24) + 16, 0), CM_ERR_LENGTH) << "2^20 blocks";
  EXPECT_EQ(sectors(key, UINT64_MAX, 32, 64), CM_ERR_ARGUMENT) << "the number would not fit";
  EXPECT_EQ(sectors(key, UINT64_MAX, 64, 64), CM_OK);
  EXPECT_EQ(sectors(key, 0, 64, 0), CM_OK);
  const cm_key ctr = import(CM_ALG_AES_CTR, pattern(32));
  EXPECT_EQ(sectors(ctr, 0, 32, 64), CM_ERR_USAGE);
  EXPECT_EQ(out, Bytes(64, 0));
  destroy(ctr);
  destroy(key);
}

TEST_F(CipherService, takes_xts_data_units_of_two_to_the_twenty_blocks_and_no_more) {
  const cm_key key = import(CM_ALG_AES_XTS, pattern(32));
  const Bytes iv(16);
  Bytes text((size_t{1} << 24) + 16);
  EXPECT_EQ(encrypt(key, iv, text, text), CM_ERR_LENGTH);
  text.resize(size_t{1} << 24);
  EXPECT_EQ(encrypt(key, iv, text, text), CM_OK);
  destroy(key);
}

TEST_F(CipherService, refuses_keys_that_do_not_fit) {
  cm_key key{};
  cm_key_params params = key_params(CM_ALG_AES_XTS);
  Bytes equal = pattern(16);
  equal.insert(equal.end(), equal.begin(), equal.begin() + 16);
  EXPECT_EQ(cm_key_import(session_, &key, &params, equal.data(), 32), CM_ERR_ARGUMENT) << "equal halves, IG C.I";
  EXPECT_EQ(cm_key_import(session_, &key, &params, pattern(48).data(), 48), CM_ERR_LENGTH);
  EXPECT_EQ(cm_key_import(session_, &key, &params, pattern(16).data(), 16), CM_ERR_LENGTH);
  EXPECT_EQ(key.v, 0U);
  params = key_params(CM_ALG_AES_CTR, 256);
  params.iv_regime = CM_IV_COUNTER;
  EXPECT_EQ(cm_key_generate(session_, &key, &params), CM_ERR_ARGUMENT) << "a regime is for seal";
  params = key_params(CM_ALG_AES_CTR, 256);
  params.usage = CM_USE_SEAL;
  EXPECT_EQ(cm_key_generate(session_, &key, &params), CM_ERR_ARGUMENT);
  const cm_key one_way = import(CM_ALG_AES_CBC, pattern(16), CM_USE_DECRYPT);
  Bytes text(16, 0xee);
  EXPECT_EQ(encrypt(one_way, pattern(16), text, text), CM_ERR_USAGE);
  EXPECT_EQ(text, Bytes(16, 0)) << "zeroed";
  EXPECT_EQ(decrypt(one_way, pattern(16), text, text), CM_OK);
  cm_cipher cipher{1};
  EXPECT_EQ(cm_cipher_init(session_, &cipher, one_way, CM_ENCRYPT, pattern(16).data(), 16), CM_ERR_USAGE);
  EXPECT_EQ(cipher.v, 0U);
  const cm_key gcm = import_gcm(session_, pattern(16));
  EXPECT_EQ(encrypt(gcm, pattern(16), text, text), CM_ERR_USAGE);
  EXPECT_EQ(encrypt(cm_key{gcm.v + 1}, pattern(16), text, text), CM_ERR_HANDLE);
  uint8_t iv[12], tag[16];
  EXPECT_EQ(cm_aead_seal(session_, one_way, nullptr, 0, iv, 12, tag, 16, nullptr, 0, nullptr, 0), CM_ERR_USAGE);
  EXPECT_EQ(cm_mac_compute(session_, one_way, tag, 16, nullptr, 0), CM_ERR_USAGE);
  destroy(gcm);
  destroy(one_way);
}

TEST_F(CipherService, defines_what_wrong_buffers_do) {
  const cm_key key = import(CM_ALG_AES_CBC, pattern(32));
  Bytes buffer = pattern(128);
  const Bytes before = buffer;
  uint8_t* b = buffer.data();
  uint8_t iv[17] = {};
  const struct {
    const char* what;
    cm_rc rc, expected;
  } cases[] = {
      {"no out", cm_cipher_encrypt(session_, key, iv, 16, nullptr, 16, b, 16), CM_ERR_NULL},
      {"no in", cm_cipher_encrypt(session_, key, iv, 16, b, 16, nullptr, 16), CM_ERR_NULL},
      {"no iv", cm_cipher_encrypt(session_, key, nullptr, 16, b, 16, b, 16), CM_ERR_NULL},
      {"iv of 0", cm_cipher_encrypt(session_, key, nullptr, 0, b, 16, b, 16), CM_ERR_LENGTH},
      {"iv of 15", cm_cipher_encrypt(session_, key, iv, 15, b, 16, b, 16), CM_ERR_LENGTH},
      {"iv of 17", cm_cipher_encrypt(session_, key, iv, 17, b, 16, b, 16), CM_ERR_LENGTH},
      {"small out", cm_cipher_encrypt(session_, key, iv, 16, b + 64, 15, b, 16), CM_ERR_BUFFER_TOO_SMALL},
      {"partial overlap", cm_cipher_encrypt(session_, key, iv, 16, b + 1, 16, b, 16), CM_ERR_OVERLAP},
      {"out on iv", cm_cipher_encrypt(session_, key, b + 8, 16, b, 16, b + 64, 16), CM_ERR_OVERLAP},
      {"wraps", cm_cipher_encrypt(session_, key, iv, 16, b, SIZE_MAX, b, SIZE_MAX - 15), CM_ERR_LENGTH},
  };
  for (const auto& c : cases) EXPECT_EQ(c.rc, c.expected) << c.what;
  EXPECT_EQ(buffer, before);
  destroy(key);
}

TEST_F(CipherService, contexts_refuse_misuse) {
  const cm_key key = import(CM_ALG_AES_CBC, pattern(32)), xts = import(CM_ALG_AES_XTS, pattern(32));
  const Bytes iv = pattern(16);
  Bytes text = pattern(64), out(96, 0xee);
  cm_cipher cipher{};
  size_t n = 99;
  EXPECT_EQ(cm_cipher_init(session_, nullptr, key, CM_ENCRYPT, iv.data(), 16), CM_ERR_NULL);
  EXPECT_EQ(cm_cipher_init(session_, &cipher, key, CM_ENCRYPT, nullptr, 16), CM_ERR_NULL);
  EXPECT_EQ(cm_cipher_init(session_, &cipher, key, 0, iv.data(), 16), CM_ERR_ARGUMENT);
  EXPECT_EQ(cm_cipher_init(session_, &cipher, key, 3, iv.data(), 16), CM_ERR_ARGUMENT);
  EXPECT_EQ(cm_cipher_init(session_, &cipher, key, CM_ENCRYPT, iv.data(), 12), CM_ERR_LENGTH);
  EXPECT_EQ(cm_cipher_init(session_, &cipher, xts, CM_ENCRYPT, iv.data(), 16), CM_ERR_USAGE);
  EXPECT_EQ(cm_cipher_init(session_, reinterpret_cast<cm_cipher*>(text.data()), key, CM_ENCRYPT, text.data() + 4, 16),
            CM_ERR_OVERLAP);
  EXPECT_EQ(text, pattern(64));
  ASSERT_EQ(cm_cipher_init(session_, &cipher, key, CM_ENCRYPT, iv.data(), 16), CM_OK);
  const auto update = [&](void* to, size_t capacity, const void* from, size_t size) {
    return cm_cipher_update(session_, cipher, to, capacity, &n, from, size);
  };
  EXPECT_EQ(update(out.data(), 96, text.data(), 5), CM_OK);
  EXPECT_EQ(n, 0U);
  EXPECT_EQ(update(out.data(), 15, text.data() + 5, 11), CM_ERR_BUFFER_TOO_SMALL);
  EXPECT_EQ(n, 16U);
  EXPECT_EQ(out, Bytes(96, 0xee));
  EXPECT_EQ(update(out.data(), 96, nullptr, 1), CM_ERR_NULL);
  EXPECT_EQ(n, 0U);
  EXPECT_EQ(update(nullptr, 0, text.data() + 5, 10), CM_OK) << "nothing to write yet";
  EXPECT_EQ(update(text.data() + 3, 60, text.data(), 17), CM_ERR_OVERLAP);
  EXPECT_EQ(cm_cipher_update(session_, cipher, out.data(), 96, nullptr, text.data(), 1), CM_ERR_NULL);
  EXPECT_EQ(cm_cipher_final(session_, cipher, out.data(), 96, &n), CM_ERR_LENGTH) << "15 bytes are held";
  EXPECT_EQ(update(out.data(), 16, text.data() + 15, 1), CM_OK) << "the context is as before";
  EXPECT_EQ(n, 16U);
  Bytes whole(16);
  ASSERT_EQ(encrypt(key, iv, whole, pattern(16)), CM_OK);
  EXPECT_EQ(Bytes(out.begin(), out.begin() + 16), whole);
  EXPECT_EQ(cm_cipher_final(session_, cipher, nullptr, 0, &n), CM_OK);
  EXPECT_EQ(update(out.data(), 96, text.data(), 1), CM_ERR_HANDLE) << "update after final";
  EXPECT_EQ(cm_cipher_final(session_, cipher, nullptr, 0, &n), CM_ERR_HANDLE);
  EXPECT_EQ(cm_cipher_free(session_, cipher), CM_ERR_HANDLE);
  destroy(xts);
  destroy(key);
}

TEST_F(CipherService, contexts_end_with_their_key) {
  const cm_key key = import(CM_ALG_AES_CTR, pattern(32)), other = import(CM_ALG_AES_CTR, pattern(16));
  const Bytes iv = pattern(16);
  uint8_t text[8] = {};
  size_t n = 0;
  cm_cipher cipher{}, kept{};
  ASSERT_EQ(cm_cipher_init(session_, &cipher, key, CM_ENCRYPT, iv.data(), 16), CM_OK);
  ASSERT_EQ(cm_cipher_init(session_, &kept, other, CM_ENCRYPT, iv.data(), 16), CM_OK);
  ASSERT_EQ(cm_cipher_update(session_, cipher, text, 8, &n, text, 8), CM_OK);
  destroy(key);
  EXPECT_EQ(cm_cipher_update(session_, cipher, text, 8, &n, text, 8), CM_ERR_HANDLE);
  EXPECT_EQ(cm_cipher_free(session_, cipher), CM_ERR_HANDLE);
  EXPECT_EQ(cm_cipher_update(session_, kept, text, 8, &n, text, 8), CM_OK);
  EXPECT_EQ(cm_cipher_free(session_, kept), CM_OK);
  destroy(other);
}

}  // namespace
}  // namespace cm::test
