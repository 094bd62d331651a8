// SPDX-License-Identifier: Apache-2.0
// cm_key_*, cm_session_*: attributes, handles, wrapping, derivation.
#include <openssl/evp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>

#include "tests/module/fixture.h"

namespace cm::test {
namespace {

class Keys : public Operational {
 protected:
  cm_key import(uint32_t algorithm, const std::vector<uint8_t>& raw, uint32_t flags = 0) {
    cm_key_params params = key_params(algorithm);
    params.flags = flags;
    cm_key key{};
    EXPECT_EQ(cm_key_import(session_, &key, &params, raw.data(), raw.size()), CM_OK);
    return key;
  }
  cm_rc info(cm_key key) {
    cm_key_attributes out{};
    out.struct_size = sizeof out;
    return cm_key_info(session_, key, &out);
  }
};

TEST_F(Keys, refuse_attributes_that_do_not_fit) {
  const auto raw = pattern(64);
  cm_key key{};
  const auto import = [&](cm_key_params p, size_t size) { return cm_key_import(session_, &key, &p, raw.data(), size); };
  cm_key_params p = key_params(CM_ALG_AES_GCM);
  for (const size_t size : {1, 15, 17, 31, 33, 64}) EXPECT_EQ(import(p, size), CM_ERR_LENGTH) << size;
  EXPECT_EQ(import(p, 0), CM_ERR_LENGTH);
  p.bits = 128;
  EXPECT_EQ(import(p, 32), CM_ERR_LENGTH);
  p = key_params(99);
  EXPECT_EQ(import(p, 32), CM_ERR_ARGUMENT);
  p = key_params(CM_ALG_AES_GCM);
  p.usage = CM_USE_WRAP;
  EXPECT_EQ(import(p, 32), CM_ERR_ARGUMENT);
  p = key_params(CM_ALG_AES_GCM);
  p.flags = 1u << 9;
  EXPECT_EQ(import(p, 32), CM_ERR_ARGUMENT);
  p = key_params(CM_ALG_AES_GCM);
  p.iv_regime = 4;
  EXPECT_EQ(import(p, 32), CM_ERR_ARGUMENT);
  p = key_params(CM_ALG_AES_GCM);
  p.struct_size = 8;
  EXPECT_EQ(import(p, 32), CM_ERR_ARGUMENT);
  EXPECT_EQ(cm_key_import(session_, nullptr, &p, raw.data(), 32), CM_ERR_NULL);
  EXPECT_EQ(cm_key_import(session_, &key, nullptr, raw.data(), 32), CM_ERR_NULL);
  EXPECT_EQ(cm_key_import(session_, &key, &p, nullptr, 32), CM_ERR_NULL);
  p = key_params(CM_ALG_HMAC_SHA256, 104);
  EXPECT_EQ(cm_key_generate(session_, &key, &p), CM_ERR_LENGTH) << "nothing below 112 bits is made";
  EXPECT_EQ(key.v, 0U);
}

TEST_F(Keys, refuse_stale_forged_and_foreign_handles) {
  const cm_key key = import(CM_ALG_AES_GCM, pattern(32));
  for (unsigned bit = 0; bit < 64; ++bit) EXPECT_EQ(info(cm_key{key.v ^ uint64_t{1} << bit}), CM_ERR_HANDLE) << bit;
  EXPECT_EQ(info(cm_key{session_.v}), CM_ERR_HANDLE);
  EXPECT_EQ(info(cm_key{0}), CM_ERR_HANDLE);
  EXPECT_EQ(info(key), CM_OK);
  EXPECT_EQ(cm_key_destroy(session_, key), CM_OK);
  EXPECT_EQ(info(key), CM_ERR_HANDLE);
  EXPECT_EQ(cm_key_destroy(session_, key), CM_ERR_HANDLE);
  const cm_key next = import(CM_ALG_AES_GCM, pattern(32));
  EXPECT_NE(next.v, key.v) << "a slot used again has a new generation";
  EXPECT_EQ(info(key), CM_ERR_HANDLE);
}

TEST_F(Keys, refuse_closed_and_forged_sessions) {
  cm_session other{};
  ASSERT_EQ(cm_session_open(&other, CM_ROLE_USER), CM_OK);
  ASSERT_EQ(cm_session_close(other), CM_OK);
  uint8_t byte = 0;
  EXPECT_EQ(cm_random_bytes(other, &byte, 1), CM_ERR_HANDLE);
  EXPECT_EQ(cm_session_close(other), CM_ERR_HANDLE);
  EXPECT_EQ(cm_random_bytes(cm_session{0}, &byte, 1), CM_ERR_HANDLE);
  EXPECT_EQ(cm_random_bytes(cm_session{session_.v ^ 1u << 20}, &byte, 1), CM_ERR_HANDLE);
  EXPECT_EQ(cm_session_open(&other, 7), CM_ERR_ARGUMENT);
  EXPECT_EQ(cm_session_open(nullptr, CM_ROLE_USER), CM_ERR_NULL);
}

TEST_F(Keys, leave_the_module_wrapped_and_come_back) {
  const cm_key kek = import(CM_ALG_AES_KWP, pattern(32, 7));
  for (const size_t size : {16, 24, 32}) {
    const auto raw = pattern(size, 5);
    const cm_key key = import(CM_ALG_AES_GCM, raw, CM_KEY_EXPORTABLE);
    std::vector<uint8_t> wrapped(64, 0xaa);
    size_t wrapped_size = 0;
    EXPECT_EQ(cm_key_export_wrapped(session_, key, kek, wrapped.data(), size + 7, &wrapped_size),
              CM_ERR_BUFFER_TOO_SMALL);
    EXPECT_EQ(wrapped_size, size + 8);
    EXPECT_EQ(wrapped[0], 0xaa);
    ASSERT_EQ(cm_key_export_wrapped(session_, key, kek, wrapped.data(), wrapped.size(), &wrapped_size), CM_OK);
    ASSERT_EQ(wrapped_size, size + 8);
    cm_key_params params = key_params(CM_ALG_AES_GCM);
    cm_key back{};
    ASSERT_EQ(cm_key_import_wrapped(session_, &back, &params, kek, wrapped.data(), wrapped_size), CM_OK);
    // Both keys open what the other sealed.
    uint8_t iv[12], tag[16], text[5] = {1, 2, 3, 4, 5}, out[5];
    ASSERT_EQ(cm_aead_seal(session_, key, out, 5, iv, 12, tag, 16, nullptr, 0, text, 5), CM_OK);
    ASSERT_EQ(cm_aead_open(session_, back, out, 5, iv, 12, tag, 16, nullptr, 0, out, 5), CM_OK);
    EXPECT_EQ(std::memcmp(out, text, 5), 0);
    for (size_t i = 0; i < wrapped_size; ++i) {
      auto bad = wrapped;
      bad[i] ^= 0x10;
      EXPECT_EQ(cm_key_import_wrapped(session_, &back, &params, kek, bad.data(), wrapped_size), CM_ERR_AUTH) << i;
      EXPECT_EQ(back.v, 0U);
    }
  }
}

TEST_F(Keys, leave_the_module_by_kw_as_libcrypto_does_it) {
  const auto kek_raw = pattern(24, 7), raw = pattern(32);
  const cm_key kek = import(CM_ALG_AES_KW, kek_raw), key = import(CM_ALG_AES_GCM, raw, CM_KEY_EXPORTABLE);
  uint8_t out[64];
  size_t size = 0;
  ASSERT_EQ(cm_key_export_wrapped(session_, key, kek, out, sizeof out, &size), CM_OK);
  ASSERT_EQ(size, 40U);
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                EVP_CIPHER_CTX_free);
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  uint8_t expected[64];
  int n = 0;
  ASSERT_EQ(EVP_EncryptInit_ex(context.get(), EVP_aes_192_wrap(), nullptr, kek_raw.data(), nullptr), 1);
  ASSERT_EQ(EVP_EncryptUpdate(context.get(), expected, &n, raw.data(), 32), 1);
  EXPECT_EQ(std::memcmp(out, expected, 40), 0);
  cm_key back{};
  const cm_key_params params = key_params(CM_ALG_AES_GCM);
  EXPECT_EQ(cm_key_import_wrapped(session_, &back, &params, kek, out, 40), CM_OK);
  out[39] ^= 1;
  EXPECT_EQ(cm_key_import_wrapped(session_, &back, &params, kek, out, 40), CM_ERR_AUTH);
  EXPECT_EQ(cm_key_import_wrapped(session_, &back, &params, kek, out, 16), CM_ERR_LENGTH)
      << "KW takes 16 bytes at least";
  const cm_key odd = import(CM_ALG_HMAC_SHA256, pattern(33), CM_KEY_EXPORTABLE);
  EXPECT_EQ(cm_key_export_wrapped(session_, odd, kek, out, sizeof out, &size), CM_ERR_LENGTH) << "not whole 8 bytes";
}

TEST_F(Keys, that_are_not_exportable_stay) {
  const cm_key kek = import(CM_ALG_AES_KWP, pattern(32, 7));
  const cm_key key = import(CM_ALG_AES_GCM, pattern(32));
  uint8_t out[64];
  size_t size = 99;
  EXPECT_EQ(cm_key_export_wrapped(session_, key, kek, out, sizeof out, &size), CM_ERR_NOT_EXPORTABLE);
  EXPECT_EQ(size, 0U);
  EXPECT_EQ(cm_key_export_wrapped(session_, key, key, out, sizeof out, &size), CM_ERR_USAGE);
  EXPECT_EQ(cm_key_export_wrapped(session_, key, cm_key{0}, out, sizeof out, &size), CM_ERR_HANDLE);
}

TEST_F(Keys, are_derived_from_passwords_as_libcrypto_does) {
  const std::string password = "correct horse battery";
  const auto salt = pattern(16, 2);
  std::vector<uint8_t> expected(32);
  ASSERT_EQ(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), salt.data(), 16, 1000, EVP_sha256(),
                              32, expected.data()),
            1);
  const cm_key_params params = key_params(CM_ALG_AES_GCM, 256);
  cm_key derived{};
  ASSERT_EQ(cm_key_derive_pbkdf2(session_, &derived, &params, password.data(), password.size(), salt.data(), 16, 1000),
            CM_OK);
  const cm_key same = import_gcm(session_, expected);
  uint8_t iv[12], tag[16], text[3] = {7, 8, 9}, out[3];
  ASSERT_EQ(cm_aead_seal(session_, derived, out, 3, iv, 12, tag, 16, nullptr, 0, text, 3), CM_OK);
  EXPECT_EQ(cm_aead_open(session_, same, out, 3, iv, 12, tag, 16, nullptr, 0, out, 3), CM_OK);

  const auto weak = [&](size_t password_size, size_t salt_size, uint32_t iterations) {
    return cm_key_derive_pbkdf2(session_, &derived, &params, password.data(), password_size, salt.data(), salt_size,
                                iterations);
  };
  EXPECT_EQ(weak(13, 16, 1000), CM_NOT_APPROVED_PBKDF2_INPUT);
  EXPECT_EQ(weak(21, 15, 1000), CM_NOT_APPROVED_PBKDF2_INPUT);
  EXPECT_EQ(weak(21, 16, 999), CM_NOT_APPROVED_PBKDF2_INPUT);
  EXPECT_EQ(weak(21, 16, 0), CM_ERR_ARGUMENT);

  // A key from a password comes back, and its sequence numbers would begin again.
  for (const uint32_t regime : {CM_IV_TLS12, CM_IV_TLS13, CM_IV_COUNTER}) {
    cm_key_params numbered = params;
    numbered.iv_regime = regime;
    EXPECT_EQ(cm_key_derive_pbkdf2(session_, &derived, &numbered, password.data(), 21, salt.data(), 16, 1000),
              CM_ERR_ARGUMENT);
    EXPECT_EQ(derived.v, 0u);
  }
}

// Twice: one object at two addresses, as two processes that share memory see it.
struct Twice {
  Twice() {
    const int fd = memfd_create("cm-test", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, sizeof(cm_key_params)) != 0) std::abort();
    for (cm_key_params*& view : views) {
      void* p = mmap(nullptr, sizeof(cm_key_params), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
      if (p == MAP_FAILED) std::abort();
      view = static_cast<cm_key_params*>(p);
    }
    close(fd);
  }
  ~Twice() {
    for (cm_key_params* view : views) munmap(view, sizeof(cm_key_params));
  }
  Twice(const Twice&) = delete;
  Twice& operator=(const Twice&) = delete;
  cm_key_params* views[2];
};

// Somebody else changes the attributes while the module reads them: what was checked must be what the key gets.
TEST_F(Keys, have_the_attributes_that_were_checked) {
  const Twice twice;
  cm_key_params& params = *twice.views[0];
  params = key_params(CM_ALG_AES_GCM, 256);
  std::atomic<bool> end{false};
  std::thread toggler([&] {
    volatile uint32_t* regime = &twice.views[1]->iv_regime;
    volatile uint32_t* flags = &twice.views[1]->flags;
    while (!end) {
      *regime = CM_IV_COUNTER;
      *flags = CM_KEY_EXPORTABLE;
      *regime = CM_IV_RANDOM;
      *flags = 0;
    }
  });
  const auto raw = pattern(32);
  int made = 0;
  for (int i = 0; i < 1000; ++i) {
    const bool imported = i % 2 == 0;
    cm_key key{};
    const cm_rc rc = imported ? cm_key_import(session_, &key, &params, raw.data(), raw.size())
                              : cm_key_generate(session_, &key, &params);
    if (rc != CM_OK) continue;
    ++made;
    cm_key_attributes got{};
    got.struct_size = sizeof got;
    EXPECT_EQ(cm_key_info(session_, key, &got), CM_OK);
    EXPECT_FALSE(got.iv_regime == CM_IV_COUNTER && (imported || (got.flags & CM_KEY_EXPORTABLE) != 0)) << i;
    EXPECT_EQ(cm_key_destroy(session_, key), CM_OK);
  }
  end = true;
  toggler.join();
  EXPECT_GT(made, 0);
}

TEST_F(Keys, are_not_made_from_memory_that_the_result_overwrites) {
  union {
    cm_key key;
    uint8_t bytes[64];
  } shared{};
  const auto raw = pattern(32);
  std::memcpy(shared.bytes, raw.data(), 32);
  const cm_key_params params = key_params(CM_ALG_AES_GCM, 256);
  EXPECT_EQ(cm_key_import(session_, &shared.key, &params, shared.bytes, 32), CM_ERR_OVERLAP);
  EXPECT_EQ(std::memcmp(shared.bytes, raw.data(), 32), 0) << "left alone";
  EXPECT_EQ(cm_key_derive_pbkdf2(session_, &shared.key, &params, shared.bytes, 32, raw.data(), 16, 1000),
            CM_ERR_OVERLAP);
  EXPECT_EQ(cm_key_derive_pbkdf2(session_, &shared.key, &params, raw.data(), 32, shared.bytes, 16, 1000),
            CM_ERR_OVERLAP);
  EXPECT_EQ(std::memcmp(shared.bytes, raw.data(), 32), 0);
  union {
    cm_key key;
    cm_key_params params;
  } both{};
  both.params = params;
  EXPECT_EQ(cm_key_generate(session_, &both.key, &both.params), CM_ERR_OVERLAP);
  EXPECT_EQ(cm_key_import(session_, &both.key, &both.params, raw.data(), 32), CM_ERR_OVERLAP);
  EXPECT_EQ(both.params.struct_size, sizeof params);

  const cm_key kek = import(CM_ALG_AES_KWP, pattern(32, 7));
  const cm_key key = import(CM_ALG_AES_GCM, raw, CM_KEY_EXPORTABLE);
  union {
    size_t size;
    uint8_t bytes[64];
  } out{};
  EXPECT_EQ(cm_key_export_wrapped(session_, key, kek, out.bytes, sizeof out.bytes, &out.size), CM_ERR_OVERLAP);
  size_t size = 0;
  ASSERT_EQ(cm_key_export_wrapped(session_, key, kek, shared.bytes, sizeof shared.bytes, &size), CM_OK);
  EXPECT_EQ(cm_key_import_wrapped(session_, &shared.key, &params, kek, shared.bytes, size), CM_ERR_OVERLAP);
}

TEST_F(Keys, refuse_lengths_that_sha256_cannot_take) {
  const cm_key_params params = key_params(CM_ALG_AES_GCM, 256);
  const auto salt = pattern(16);
  cm_key key{};
  constexpr size_t kTooLong = size_t{1} << 61;
  EXPECT_EQ(cm_key_derive_pbkdf2(session_, &key, &params, salt.data(), kTooLong, salt.data(), 16, 1000), CM_ERR_LENGTH);
  EXPECT_EQ(cm_key_derive_pbkdf2(session_, &key, &params, salt.data(), 16, salt.data(), kTooLong - 64, 1000),
            CM_ERR_LENGTH);
}

// A key is no better than the way it was made: each use of it says so.
TEST_F(Keys, keep_the_reason_why_they_are_not_approved) {
  cm_key_params params = key_params(CM_ALG_AES_GCM, 256);
  params.flags = CM_KEY_EXPORTABLE;
  cm_key weak{};
  const auto derive = [&](const cm_key_params& p, cm_key* key) {
    return cm_key_derive_pbkdf2(session_, key, &p, "short", 5, "salt", 4, 1);
  };
  ASSERT_EQ(derive(params, &weak), CM_NOT_APPROVED_PBKDF2_INPUT);
  uint8_t iv[12], tag[16], text[4] = {1, 2, 3, 4}, out[64];
  EXPECT_EQ(cm_aead_seal(session_, weak, out, 4, iv, 12, tag, 16, nullptr, 0, text, 4), CM_NOT_APPROVED_PBKDF2_INPUT);
  EXPECT_EQ(cm_aead_open(session_, weak, out, 4, iv, 12, tag, 16, nullptr, 0, out, 4), CM_NOT_APPROVED_PBKDF2_INPUT);
  EXPECT_EQ(std::memcmp(out, text, 4), 0);
  EXPECT_EQ(cm_aead_seal_caller_iv(session_, weak, out, 4, iv, 12, tag, 16, nullptr, 0, text, 4),
            CM_NOT_APPROVED_CALLER_IV);
  const cm_key kek = import(CM_ALG_AES_KWP, pattern(32, 7));
  size_t size = 0;
  EXPECT_EQ(cm_key_export_wrapped(session_, weak, kek, out, sizeof out, &size), CM_NOT_APPROVED_PBKDF2_INPUT);
  EXPECT_EQ(size, 40U);

  cm_key weak_kek{};
  ASSERT_EQ(derive(key_params(CM_ALG_AES_KWP, 256), &weak_kek), CM_NOT_APPROVED_PBKDF2_INPUT);
  const cm_key good = import(CM_ALG_AES_GCM, pattern(32), CM_KEY_EXPORTABLE);
  EXPECT_EQ(cm_key_export_wrapped(session_, good, weak_kek, out, sizeof out, &size), CM_NOT_APPROVED_PBKDF2_INPUT);
  cm_key back{};
  const cm_key_params plain = key_params(CM_ALG_AES_GCM);
  EXPECT_EQ(cm_key_import_wrapped(session_, &back, &plain, weak_kek, out, size), CM_NOT_APPROVED_PBKDF2_INPUT);

  cm_key weak_mac{};
  ASSERT_EQ(derive(key_params(CM_ALG_HMAC_SHA256, 256), &weak_mac), CM_NOT_APPROVED_PBKDF2_INPUT);
  EXPECT_EQ(cm_mac_compute(session_, weak_mac, out, 32, text, 4), CM_NOT_APPROVED_PBKDF2_INPUT);
}

TEST_F(Keys, that_cannot_be_exported_leave_a_zeroed_buffer) {
  const cm_key kek = import(CM_ALG_AES_KWP, pattern(32, 7));
  const cm_key key = import(CM_ALG_AES_GCM, pattern(32));
  for (const cm_key wrapping : {kek, key, cm_key{0}}) {
    uint8_t out[64];
    std::memset(out, 0xaa, sizeof out);
    size_t size = 99;
    EXPECT_LT(cm_key_export_wrapped(session_, key, wrapping, out, sizeof out, &size), 0);
    EXPECT_EQ(size, 0U);
    for (size_t i = 0; i < 40; ++i) EXPECT_EQ(out[i], 0) << i;
    EXPECT_EQ(out[40], 0xaa) << "the rest is left alone";
  }
}

TEST_F(Keys, fill_the_store_and_then_say_so) {
  std::vector<cm_key> keys;
  const cm_key_params params = key_params(CM_ALG_HMAC_SHA256);
  const auto raw = pattern(32);
  cm_rc rc = CM_OK;
  while (rc == CM_OK && keys.size() < 5000) {
    cm_key key{};
    rc = cm_key_import(session_, &key, &params, raw.data(), raw.size());
    if (rc == CM_OK) keys.push_back(key);
  }
  EXPECT_EQ(rc, CM_ERR_NO_MEMORY);
  EXPECT_GE(keys.size(), 900U);
  for (const cm_key key : keys) EXPECT_EQ(cm_key_destroy(session_, key), CM_OK);
  EXPECT_EQ(info(import(CM_ALG_AES_GCM, raw)), CM_OK);
}

TEST_F(Keys, may_be_destroyed_while_others_use_them) {
  const auto raw = pattern(32);
  for (int round = 0; round < 20; ++round) {
    const cm_key key = import(CM_ALG_AES_GCM, raw);
    std::atomic<bool> wrong{false};
    std::vector<std::thread> users;
    for (int t = 0; t < 3; ++t)
      users.emplace_back([&, session = session_] {
        std::vector<uint8_t> text(512, 1), out(512), back(512);
        uint8_t iv[12], tag[16];
        for (;;) {
          cm_rc rc = cm_aead_seal(session, key, out.data(), 512, iv, 12, tag, 16, nullptr, 0, text.data(), 512);
          if (rc == CM_ERR_HANDLE) return;
          if (rc != CM_OK) wrong = true;
          rc = cm_aead_open(session, key, back.data(), 512, iv, 12, tag, 16, nullptr, 0, out.data(), 512);
          if (rc == CM_ERR_HANDLE) return;
          if (rc != CM_OK || back != text) wrong = true;
        }
      });
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    EXPECT_EQ(cm_key_destroy(session_, key), CM_OK);
    for (auto& user : users) user.join();
    EXPECT_FALSE(wrong) << "a key was wiped under a call that used it";
  }
}

}  // namespace
}  // namespace cm::test
