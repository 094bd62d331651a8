// SPDX-License-Identifier: Apache-2.0
// cm_kdf_*: every function with its parameters against libcrypto, as bytes and as keys; which derivations are approved;
// keys of TLS with their IVs; what is refused.
#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "crypto/module/kdf_functions.h"
#include "tests/module/fixture.h"
#include "tests/support/derived.h"
#include "tests/support/hash_oracle.h"

namespace cm::test {
namespace {

// Derivation: parameters that keep their bytes.
struct Derivation {
  Bytes input, salt, label, context, iv;
  cm_kdf_params p{};

  explicit Derivation(uint32_t function, uint32_t hash = CM_HASH_SHA256) : input(pattern(32, 3)) {
    p.struct_size = sizeof p;
    p.function = function;
    p.hash = hash;
  }
  const cm_kdf_params* params() {
    if (p.secret.v == 0) p.input = input.data(), p.input_size = input.size();
    p.salt = salt.data(), p.salt_size = salt.size();
    p.label = label.data(), p.label_size = label.size();
    p.context = context.data(), p.context_size = context.size();
    p.iv = iv.data(), p.iv_size = iv.size();
    if (salt.empty()) p.salt = nullptr;
    if (label.empty()) p.label = nullptr;
    if (context.empty()) p.context = nullptr;
    if (iv.empty()) p.iv = nullptr;
    return &p;
  }
  HashId id() const { return static_cast<HashId>(p.hash); }
  size_t digest_size() const { return hash_row(id()).digest_size; }
};

// full: with every field that the function takes.
Derivation full(uint32_t function, uint32_t prf = 0, uint32_t mode = 0) {
  const KdfFunctionRow& row = *kdf_function(function);
  Derivation d(function);
  d.p.prf = prf;
  if (prf == CM_PRF_CMAC || prf == CM_PRF_KMAC128 || prf == CM_PRF_KMAC256) d.p.hash = 0;
  if ((row.fields & kKdfSalt) != 0 && prf != CM_PRF_HASH) d.salt = pattern(16, 7);
  if ((row.fields & kKdfLabel) != 0) d.label = ascii("label");
  if ((row.fields & kKdfContext) != 0) d.context = pattern(20, 11);
  if ((row.fields & kKdfIterations) != 0) d.p.iterations = 1000;
  if ((row.fields & kKdfSsh) != 0) d.p.ssh_letter = 'C';
  if (mode != 0) d.p.mode = mode, d.p.counter_bits = 32;
  if (mode == CM_KBKDF_FEEDBACK) d.iv = pattern(32, 13);
  return d;
}

// Case: a derivation with all choices made, and what libcrypto says about it.
struct Case {
  std::string name;
  Derivation d;
  std::function<Bytes(const Derivation&, size_t)> oracle;
};

Bytes tls13_info(const std::string& label, const Bytes& context, size_t size) {
  const std::string name = "tls13 " + label;
  return joined({big_endian(size, 2), big_endian(name.size(), 1), ascii(name), big_endian(context.size(), 1), context});
}

Bytes hkdf(const Derivation& d, const char* mode, const Bytes& info, size_t size) {
  return KdfOracle("HKDF")
      .hash(d.id())
      .bytes("key", d.input)
      .bytes("salt", d.salt)
      .bytes("info", info)
      .text("mode", mode)
      .derive(size);
}

Bytes fixed_input(const Derivation& d, size_t size) {
  return joined({d.label, Bytes{0}, d.context, big_endian(size * 8, 4)});
}

using Prf = std::function<Bytes(const Bytes& key, const Bytes& message)>;
Bytes cmac_of(const Bytes& key, const Bytes& message) {
  Bytes mac(16), copy = key;
  size_t size = 0;
  const std::string cipher = "AES-" + std::to_string(key.size() * 8) + "-CBC";
  if (EVP_Q_mac(nullptr, "CMAC", nullptr, cipher.c_str(), nullptr, copy.data(), copy.size(), message.data(),
                message.size(), mac.data(), mac.size(), &size) == nullptr)
    throw std::runtime_error("libcrypto refuses CMAC");
  return mac;
}
Bytes kmac_of(const char* name, const Bytes& key, const std::string& custom, const Bytes& message, size_t size) {
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(EVP_MAC_fetch(nullptr, name, nullptr), EVP_MAC_free);
  const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> ctx(EVP_MAC_CTX_new(mac.get()), EVP_MAC_CTX_free);
  std::string text = custom;
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string("custom", text.data(), text.size()),
                               OSSL_PARAM_construct_size_t("size", &size), OSSL_PARAM_construct_end()};
  Bytes out(size);
  size_t written = 0;
  must(EVP_MAC_init(ctx.get(), key.data(), key.size(), params));
  must(EVP_MAC_update(ctx.get(), message.data(), message.size()));
  must(EVP_MAC_final(ctx.get(), out.data(), &written, size));
  return out;
}

// kbkdf: SP 800-108 as its section 4 reads, with the counter where the derivation wants it.
Bytes kbkdf(const Derivation& d, const Prf& prf, const Bytes& key, size_t size) {
  const Bytes fixed = fixed_input(d, size);
  const size_t before = d.p.counter_place == CM_COUNTER_AFTER    ? fixed.size()
                        : d.p.counter_place == CM_COUNTER_MIDDLE ? d.label.size()
                                                                 : 0;
  const auto cut = fixed.begin() + static_cast<ptrdiff_t>(before);
  Bytes out, last = d.iv, chain = fixed;
  for (uint32_t i = 1; out.size() < size; ++i) {
    const Bytes counter = big_endian(i, d.p.counter_bits / 8);
    const Bytes text = joined({Bytes(fixed.begin(), cut), counter, Bytes(cut, fixed.end())});
    if (d.p.mode == CM_KBKDF_DOUBLE_PIPELINE) chain = prf(key, chain);
    const Bytes& first = d.p.mode == CM_KBKDF_FEEDBACK ? last : chain;
    if (d.p.mode == CM_KBKDF_COUNTER)
      last = prf(key, text);
    else if (d.p.counter_place == CM_COUNTER_FIRST)
      last = prf(key, joined({counter, first, fixed}));
    else
      last = prf(key, joined({first, text}));
    out.insert(out.end(), last.begin(), last.end());
  }
  out.resize(size);
  return out;
}

Prf prf_of(const Derivation& d) {
  if (d.p.prf == CM_PRF_CMAC) return cmac_of;
  return [id = d.id()](const Bytes& key, const Bytes& message) { return evp_hmac(id, key, message); };
}

Bytes two_step(const Derivation& d, size_t size) {
  const Prf prf = prf_of(d);
  return kbkdf(d, prf, prf(d.salt, d.input), size);
}

std::vector<Case> kbkdf_cases() {
  std::vector<Case> cases;
  for (const uint32_t mode : {CM_KBKDF_COUNTER, CM_KBKDF_FEEDBACK, CM_KBKDF_DOUBLE_PIPELINE})
    for (const uint32_t prf : {CM_PRF_HMAC, CM_PRF_CMAC}) {
      const std::string name = " mode " + std::to_string(mode) + " prf " + std::to_string(prf);
      for (const uint32_t place : {CM_COUNTER_BEFORE, CM_COUNTER_AFTER, CM_COUNTER_MIDDLE, CM_COUNTER_FIRST}) {
        if (place == CM_COUNTER_FIRST && mode == CM_KBKDF_COUNTER) continue;
        Derivation d = full(CM_KDF_KBKDF, prf, mode);
        d.p.counter_place = place;
        d.p.counter_bits = 8 * (place + 1);
        cases.push_back({"KBKDF" + name + " place " + std::to_string(place), d,
                         [](const Derivation& c, size_t size) { return kbkdf(c, prf_of(c), c.input, size); }});
      }
      cases.push_back({"Two-Step" + name, full(CM_KDF_TWO_STEP, prf, mode), two_step});
    }
  return cases;
}

std::vector<Case> tls_cases() {
  return {
      {"TLS13-Expand-Label", full(CM_KDF_TLS13_EXPAND_LABEL),
       [](const Derivation& d, size_t size) {
         return hkdf(d, "EXPAND_ONLY", tls13_info("label", d.context, size), size);
       }},
      {"TLS12-PRF", full(CM_KDF_TLS12_PRF),
       [](const Derivation& d, size_t size) {
         return KdfOracle("TLS1-PRF")
             .hash(d.id())
             .bytes("secret", d.input)
             .bytes("seed", joined({d.label, d.context}))
             .derive(size);
       }},
  };
}

Bytes sskdf(const Derivation& d, const char* mac, size_t size) {
  KdfOracle oracle("SSKDF");
  oracle.bytes("key", d.input).bytes("info", d.context);
  if (d.p.hash != 0) oracle.hash(d.id());
  if (mac != nullptr) oracle.text("mac", mac).bytes("salt", d.salt);
  if (mac != nullptr && d.p.hash == 0) oracle.number("maclen", static_cast<int>(size));
  return oracle.derive(size);
}

std::vector<Case> one_step_cases() {
  const auto one_step = [](uint32_t prf, const char* mac) {
    return Case{"One-Step prf " + std::to_string(prf), full(CM_KDF_ONE_STEP, prf),
                [mac](const Derivation& d, size_t size) { return sskdf(d, mac, size); }};
  };
  return {one_step(CM_PRF_HASH, nullptr),
          one_step(CM_PRF_HMAC, "HMAC"),
          one_step(CM_PRF_KMAC128, "KMAC128"),
          one_step(CM_PRF_KMAC256, "KMAC256"),
          {"X963", full(CM_KDF_X963), [](const Derivation& d, size_t size) {
             return KdfOracle("X963KDF").hash(d.id()).bytes("key", d.input).bytes("info", d.context).derive(size);
           }}};
}

Bytes ssh(const Derivation& d, const Bytes& encoded, size_t size) {
  return KdfOracle("SSHKDF")
      .hash(d.id())
      .bytes("key", encoded)
      .bytes("xcghash", d.context)
      .bytes("session_id", d.salt)
      .text("type", std::string(1, static_cast<char>(d.p.ssh_letter)))
      .derive(size);
}

std::vector<Case> other_cases() {
  const auto with_flags = [](uint32_t function, uint32_t flags) {
    Derivation d = full(function);
    d.p.flags = flags;
    return d;
  };
  const auto encoded = [with_flags] {
    Derivation d = with_flags(CM_KDF_SSH, CM_KDF_SSH_ENCODED);
    d.input = joined({big_endian(28, 4), pattern(28, 3)});
    return d;
  };
  const auto string = [](const Derivation& d) { return joined({big_endian(d.input.size(), 4), d.input}); };
  return {
      {"HKDF", full(CM_KDF_HKDF),
       [](const Derivation& d, size_t size) { return hkdf(d, "EXTRACT_AND_EXPAND", d.context, size); }},
      {"HKDF-Expand", full(CM_KDF_HKDF_EXPAND),
       [](const Derivation& d, size_t size) { return hkdf(d, "EXPAND_ONLY", d.context, size); }},
      {"SSH mpint", full(CM_KDF_SSH),
       [string](const Derivation& d, size_t size) { return ssh(d, string(d), size); }},  // its first bit is 0
      {"SSH string", with_flags(CM_KDF_SSH, CM_KDF_SSH_STRING),
       [string](const Derivation& d, size_t size) { return ssh(d, string(d), size); }},
      {"SSH encoded", encoded(), [](const Derivation& d, size_t size) { return ssh(d, d.input, size); }},
      {"PBKDF2", full(CM_KDF_PBKDF2),
       [](const Derivation& d, size_t size) {
         return KdfOracle("PBKDF2")
             .hash(d.id())
             .bytes("pass", d.input)
             .bytes("salt", d.salt)
             .number("iter", 1000)
             .derive(size);
       }},
      {"KBKDF KMAC128", full(CM_KDF_KBKDF, CM_PRF_KMAC128),
       [](const Derivation& d, size_t size) { return kmac_of("KMAC-128", d.input, "label", d.context, size); }},
      {"KBKDF KMAC256", full(CM_KDF_KBKDF, CM_PRF_KMAC256),
       [](const Derivation& d, size_t size) { return kmac_of("KMAC-256", d.input, "label", d.context, size); }},
  };
}

// all_cases: every function whose output may have any length.
std::vector<Case> all_cases() {
  std::vector<Case> all = other_cases();
  for (auto more : {one_step_cases(), tls_cases(), kbkdf_cases()}) all.insert(all.end(), more.begin(), more.end());
  return all;
}

class KeyDerivation : public Operational {
 protected:
  void SetUp() override {
    Operational::SetUp();
    ASSERT_EQ(cm_session_open(&officer_, CM_ROLE_OFFICER), CM_OK);
  }
  void TearDown() override {
    EXPECT_EQ(cm_session_close(officer_), CM_OK);
    Operational::TearDown();
  }
  Bytes raw(Derivation& d, size_t size, cm_rc expected = CM_OK) const {
    Bytes out(size + 1, 0xee);
    EXPECT_EQ(cm_kdf_derive_raw(officer_, out.data(), size, d.params()), expected);
    EXPECT_EQ(out.back(), 0xee);
    out.pop_back();
    return out;
  }
  // tag: of a message under a key of HMAC-SHA-256.
  Bytes tag(cm_key key) const {
    Bytes mac(32);
    EXPECT_TRUE(CM_SUCCEEDED(cm_mac_compute(session_, key, mac.data(), mac.size(), "message", 7)));
    return mac;
  }
  cm_key derive(Derivation& d, const cm_key_params& params, cm_rc expected = CM_OK) const {
    cm_key key{99};
    EXPECT_EQ(cm_kdf_derive(session_, &key, &params, d.params()), expected);
    EXPECT_EQ(key.v != 0, CM_SUCCEEDED(expected));
    return key;
  }
  cm_key secret(const Bytes& bytes, cm_rc expected = CM_OK) const {
    const cm_key_params params = key_params(CM_ALG_SECRET);
    cm_key key{};
    EXPECT_EQ(cm_key_import(session_, &key, &params, bytes.data(), bytes.size()), expected);
    return key;
  }
  void destroy(cm_key key) const { EXPECT_EQ(cm_key_destroy(session_, key), CM_OK); }

  const cm_key_params hmac_ = key_params(CM_ALG_HMAC_SHA256, 256);
  cm_session officer_{};
};

TEST_F(KeyDerivation, every_function_gives_what_libcrypto_gives_as_bytes_and_as_a_key) {
  std::set<uint32_t> seen{CM_KDF_HKDF_EXTRACT, CM_KDF_TLS13_TRAFFIC_KEY};  // which have tests of their own
  for (Case& c : all_cases()) {
    SCOPED_TRACE(c.name);
    for (const size_t size : {16, 32, 33, 100}) EXPECT_EQ(raw(c.d, size), c.oracle(c.d, size)) << size;
    const cm_key key = derive(c.d, hmac_);
    EXPECT_EQ(tag(key), evp_hmac(HashId::kSha256, c.oracle(c.d, 32), ascii("message")));
    destroy(key);
    seen.insert(c.d.p.function);
  }
  EXPECT_EQ(seen.size(), std::size(kKdfFunctions));
}

TEST_F(KeyDerivation, works_over_every_hash_and_is_approved_where_the_standard_names_it) {
  for (const KdfFunctionRow& row : kKdfFunctions) {
    if (row.function == CM_KDF_TLS13_TRAFFIC_KEY) continue;
    const uint32_t prf = row.prfs != 0 ? static_cast<uint32_t>(CM_PRF_HMAC) : 0;
    const uint32_t mode = (row.fields & kKdfMode) != 0 ? static_cast<uint32_t>(CM_KBKDF_COUNTER) : 0;
    std::set<Bytes> outputs;
    for (const HashRow& hash : kHashes) {
      SCOPED_TRACE(std::string(row.name) + " " + hash.name);
      Derivation d = full(row.function, prf, mode);
      d.p.hash = static_cast<uint32_t>(hash.id);
      const bool extracts = row.function == CM_KDF_HKDF_EXTRACT;
      const bool approved = (row.hashes & hash_bit(d.p.hash)) != 0 && !extracts;
      const size_t size = extracts ? hash.digest_size : 24;
      outputs.insert(raw(d, size, approved ? CM_OK : CM_NOT_APPROVED_KDF_INPUT));
    }
    EXPECT_EQ(outputs.size(), std::size(kHashes)) << row.name;
  }
}

TEST_F(KeyDerivation, extraction_gives_one_digest) {
  Derivation d = full(CM_KDF_HKDF_EXTRACT);
  EXPECT_EQ(raw(d, 32, CM_NOT_APPROVED_KDF_INPUT), evp_hmac(HashId::kSha256, d.salt, d.input));
  EXPECT_EQ(raw(d, 31, CM_ERR_LENGTH), Bytes(31));  // zeroed
  d.salt.clear();
  EXPECT_EQ(raw(d, 32, CM_NOT_APPROVED_KDF_INPUT), evp_hmac(HashId::kSha256, Bytes(32), d.input));
}

TEST_F(KeyDerivation, extraction_is_approved_for_a_secret_and_for_nothing_else) {
  Derivation d = full(CM_KDF_HKDF_EXTRACT);
  derive(d, key_params(CM_ALG_AES_GCM, 256), CM_NOT_APPROVED_KDF_INPUT);
  EXPECT_EQ(tag(derive(d, hmac_, CM_NOT_APPROVED_KDF_INPUT)),
            evp_hmac(HashId::kSha256, evp_hmac(HashId::kSha256, d.salt, d.input), ascii("message")));
  Derivation expands = full(CM_KDF_HKDF_EXPAND);
  expands.p.secret = derive(d, key_params(CM_ALG_SECRET, 256));
  expands.p.input = nullptr, expands.p.input_size = 0;
  EXPECT_EQ(raw(expands, 40), hkdf(d, "EXTRACT_AND_EXPAND", expands.context, 40));
}

TEST_F(KeyDerivation, gives_no_key_that_can_be_tried_out) {
  for (Case& c : all_cases()) {
    SCOPED_TRACE(c.name);
    for (const uint32_t bits : {0u, 8u, 64u, 104u}) derive(c.d, key_params(CM_ALG_HMAC_SHA256, bits), CM_ERR_LENGTH);
    destroy(derive(c.d, key_params(CM_ALG_HMAC_SHA256, 112)));
  }
}

TEST_F(KeyDerivation, from_a_key_that_may_not_leave_gives_none_that_may) {
  cm_key_params leaves = hmac_;
  leaves.flags = CM_KEY_EXPORTABLE;
  cm_key_params secret_leaves = key_params(CM_ALG_SECRET, 256);
  secret_leaves.flags = CM_KEY_EXPORTABLE;
  const Bytes bytes = pattern(32);
  cm_key open{};
  ASSERT_EQ(cm_key_import(session_, &open, &secret_leaves, bytes.data(), bytes.size()), CM_OK);
  const cm_key closed = secret(bytes);
  for (const auto& [in, salt] : {std::pair{closed, open}, {open, closed}, {open, open}, {closed, cm_key{}}}) {
    Derivation d = full(CM_KDF_HKDF);
    d.salt.clear();
    d.p.secret = in;
    d.p.input = nullptr, d.p.input_size = 0;
    d.p.salt_key = salt;
    const bool may = in.v == open.v && salt.v == open.v;
    derive(d, leaves, may ? CM_OK : CM_ERR_NOT_EXPORTABLE);
    derive(d, hmac_);
    cm_kdf_job job{*d.params(), leaves, {}, 0};
    EXPECT_EQ(cm_kdf_batch(session_, &job, 1), may ? CM_OK : CM_ERR_JOBS);
    EXPECT_EQ(job.result, may ? CM_OK : CM_ERR_NOT_EXPORTABLE);
  }
}

TEST_F(KeyDerivation, an_encoded_secret_is_judged_by_what_is_encoded) {
  Derivation d = full(CM_KDF_SSH);
  d.p.flags = CM_KDF_SSH_ENCODED;
  d.input = joined({big_endian(13, 4), pattern(13)});
  derive(d, hmac_, CM_NOT_APPROVED_SHORT_KEY);
  d.input = joined({big_endian(14, 4), pattern(14)});
  derive(d, hmac_);
  d.input = joined({big_endian(15, 4), pattern(14)});
  derive(d, hmac_, CM_ERR_ARGUMENT);
  d.input = pattern(3);
  derive(d, hmac_, CM_ERR_ARGUMENT);
}

TEST_F(KeyDerivation, takes_secret_and_salt_as_keys_or_as_bytes) {
  for (Case& c : all_cases()) {
    SCOPED_TRACE(c.name);
    const Bytes expected = c.oracle(c.d, 32);
    const cm_key in = secret(c.d.input);
    c.d.p.secret = in;
    c.d.p.input = nullptr, c.d.p.input_size = 0;
    EXPECT_EQ(raw(c.d, 32), expected);
    const uint32_t fields = kdf_function(c.d.p.function)->fields;
    if (!c.d.salt.empty() && (fields & (kKdfSsh | kKdfIterations)) == 0) {
      const cm_key salt = secret(c.d.salt);
      c.d.salt.clear();
      c.d.p.salt_key = salt;
      EXPECT_EQ(raw(c.d, 32), expected);
      destroy(salt);
      EXPECT_EQ(raw(c.d, 32, CM_ERR_HANDLE), Bytes(32));
    }
    destroy(in);
    EXPECT_EQ(raw(c.d, 32, CM_ERR_HANDLE), Bytes(32));
  }
}

TEST_F(KeyDerivation, only_secrets_are_derived_from_and_they_do_nothing_else) {
  Derivation d = full(CM_KDF_HKDF);
  d.p.secret = import_hmac(session_, pattern(32));
  derive(d, hmac_, CM_ERR_USAGE);
  const cm_key in = secret(pattern(32));
  uint8_t mac[32];
  EXPECT_EQ(cm_mac_compute(session_, in, mac, sizeof mac, nullptr, 0), CM_ERR_USAGE);
  EXPECT_EQ(cm_aead_seal(session_, in, mac, 0, mac, 12, mac + 12, 16, nullptr, 0, nullptr, 0), CM_ERR_USAGE);
  cm_key_params encrypts = key_params(CM_ALG_SECRET, 256);
  encrypts.usage = CM_USE_ENCRYPT;
  cm_key none{};
  EXPECT_EQ(cm_key_generate(session_, &none, &encrypts), CM_ERR_ARGUMENT);
}

TEST_F(KeyDerivation, secrets_are_generated_wrapped_and_unwrapped) {
  cm_key_params params = key_params(CM_ALG_SECRET, 384);
  params.flags = CM_KEY_EXPORTABLE;
  cm_key made{}, kek{}, back{};
  ASSERT_EQ(cm_key_generate(session_, &made, &params), CM_OK);
  const cm_key_params kwp = key_params(CM_ALG_AES_KWP, 256);
  ASSERT_EQ(cm_key_generate(session_, &kek, &kwp), CM_OK);
  uint8_t wrapped[80];
  size_t size = 0;
  ASSERT_EQ(cm_key_export_wrapped(session_, made, kek, wrapped, sizeof wrapped, &size), CM_OK);
  params.flags = 0;
  ASSERT_EQ(cm_key_import_wrapped(session_, &back, &params, kek, wrapped, size), CM_OK);
  EXPECT_EQ(cm_key_export_wrapped(session_, back, kek, wrapped, sizeof wrapped, &size), CM_ERR_NOT_EXPORTABLE);
  Derivation d = full(CM_KDF_HKDF);
  d.p.secret = made;
  const Bytes expected = raw(d, 40);
  d.p.secret = back;
  EXPECT_EQ(raw(d, 40), expected);
}

TEST_F(KeyDerivation, is_not_approved_from_a_short_secret_and_the_key_remembers) {
  Derivation d = full(CM_KDF_HKDF);
  d.input = pattern(13);
  const cm_key weak = derive(d, hmac_, CM_NOT_APPROVED_SHORT_KEY);
  uint8_t mac[32];
  EXPECT_EQ(cm_mac_compute(session_, weak, mac, sizeof mac, nullptr, 0), CM_NOT_APPROVED_SHORT_KEY);
  d.p.secret = secret(d.input, CM_NOT_APPROVED_SHORT_KEY);
  d.p.input = nullptr, d.p.input_size = 0;
  const cm_key weak_secret = derive(d, key_params(CM_ALG_SECRET, 256), CM_NOT_APPROVED_SHORT_KEY);
  d.p.secret = weak_secret;  // long enough, of short origin
  derive(d, hmac_, CM_NOT_APPROVED_SHORT_KEY);
  Derivation salted = full(CM_KDF_HKDF);
  salted.salt.clear();
  salted.p.salt_key = weak_secret;
  derive(salted, hmac_, CM_NOT_APPROVED_SHORT_KEY);
  Derivation good = full(CM_KDF_HKDF);
  derive(good, key_params(CM_ALG_CHACHA20_POLY1305, 256), CM_NOT_APPROVED_ALGORITHM);
}

TEST_F(KeyDerivation, of_the_old_master_secret_and_from_weak_passwords_is_not_approved) {
  Derivation prf = full(CM_KDF_TLS12_PRF);
  prf.label = ascii("master secret");
  derive(prf, key_params(CM_ALG_SECRET, 384), CM_NOT_APPROVED_KDF_INPUT);
  prf.context = joined({ascii("ter secret"), pattern(64)});  // the function does not see where the label ends
  prf.label = ascii("mas");
  derive(prf, key_params(CM_ALG_SECRET, 384), CM_NOT_APPROVED_KDF_INPUT);
  prf.context = joined({ascii("master secret"), pattern(64)});
  prf.label.clear();
  derive(prf, key_params(CM_ALG_SECRET, 384), CM_NOT_APPROVED_KDF_INPUT);
  prf.context = pattern(64);
  prf.label = ascii("master secret of somebody");
  derive(prf, key_params(CM_ALG_SECRET, 384), CM_NOT_APPROVED_KDF_INPUT);
  for (const std::string label : {"m", "master secre"}) {
    prf.label = ascii(label);
    derive(prf, key_params(CM_ALG_SECRET, 384));
  }
  prf.label = ascii("extended master secret");
  derive(prf, key_params(CM_ALG_SECRET, 384));
  for (const auto& [password, salt, iterations] : {std::tuple{13, 16, 1000}, {14, 15, 1000}, {14, 16, 999}}) {
    Derivation d = full(CM_KDF_PBKDF2);
    d.input = pattern(static_cast<size_t>(password));
    d.salt = pattern(static_cast<size_t>(salt));
    d.p.iterations = static_cast<uint32_t>(iterations);
    derive(d, hmac_, CM_NOT_APPROVED_PBKDF2_INPUT);
  }
  Derivation d = full(CM_KDF_PBKDF2);
  raw(d, 13, CM_NOT_APPROVED_PBKDF2_INPUT);
  raw(d, 14);
}

// ---- TLS

TEST_F(KeyDerivation, of_a_traffic_key_of_tls_13_makes_the_static_iv_too) {
  Derivation d = full(CM_KDF_TLS13_TRAFFIC_KEY);
  const Bytes raw_key = hkdf(d, "EXPAND_ONLY", tls13_info("key", {}, 16), 16);
  const Bytes raw_iv = hkdf(d, "EXPAND_ONLY", tls13_info("iv", {}, 12), 12);
  cm_key_params params = key_params(CM_ALG_AES_GCM, 128);
  derive(d, params, CM_ERR_ARGUMENT);  // the regime must be named
  params.iv_regime = CM_IV_TLS13;
  const cm_key key = derive(d, params);
  const cm_key peer = import_gcm(session_, raw_key);
  for (uint8_t sequence = 0; sequence < 3; ++sequence) {
    Bytes expected = raw_iv, iv(12), tag(16), text = ascii("record");
    expected[11] ^= sequence;
    ASSERT_EQ(cm_aead_seal(session_, key, text.data(), 6, iv.data(), 12, tag.data(), 16, nullptr, 0, text.data(), 6),
              CM_OK);
    EXPECT_EQ(iv, expected);
    ASSERT_EQ(cm_aead_open(session_, peer, text.data(), 6, iv.data(), 12, tag.data(), 16, nullptr, 0, text.data(), 6),
              CM_OK);
    EXPECT_EQ(text, ascii("record"));
  }
  params.iv_fixed[0] = 1;
  derive(d, params, CM_ERR_ARGUMENT);  // the IV is derived
  Derivation other = full(CM_KDF_HKDF);
  params.iv_fixed[0] = 0;
  derive(other, params, CM_ERR_ARGUMENT);  // not a key of a handshake
  Bytes out(16);
  EXPECT_EQ(cm_kdf_derive_raw(officer_, out.data(), 16, d.params()), CM_ERR_ARGUMENT);
}

TEST_F(KeyDerivation, takes_keys_and_salts_of_tls_12_out_of_one_key_block) {
  Derivation d = full(CM_KDF_TLS12_PRF);
  d.label = ascii("key expansion");
  const Bytes block = KdfOracle("TLS1-PRF")
                          .hash(d.id())
                          .bytes("secret", d.input)
                          .bytes("seed", joined({d.label, d.context}))
                          .derive(40);
  const auto part = [&block](size_t from, size_t size) {
    return Bytes(block.begin() + static_cast<ptrdiff_t>(from), block.begin() + static_cast<ptrdiff_t>(from + size));
  };
  cm_key_params params = key_params(CM_ALG_AES_GCM, 128);
  params.iv_regime = CM_IV_TLS12;
  for (const uint32_t side : {0u, 1u}) {  // client_write_key, server_write_key, client_write_IV, server_write_IV
    d.p.offset = 16 * side;
    d.p.iv_offset = 32 + 4 * side;
    const cm_key key = derive(d, params);
    const cm_key peer = import_gcm(session_, part(16 * side, 16));
    Bytes iv(12), tag(16), text = ascii("record");
    ASSERT_EQ(cm_aead_seal(session_, key, text.data(), 6, iv.data(), 12, tag.data(), 16, nullptr, 0, text.data(), 6),
              CM_OK);
    EXPECT_EQ(iv, joined({part(32 + 4 * side, 4), Bytes(8)}));
    EXPECT_EQ(cm_aead_open(session_, peer, text.data(), 6, iv.data(), 12, tag.data(), 16, nullptr, 0, text.data(), 6),
              CM_OK);
  }
  for (const uint32_t inside : {13u, 16u, 31u}) {  // a salt is no part of the key: records show it
    d.p.offset = 16;
    d.p.iv_offset = inside;
    derive(d, params, CM_ERR_ARGUMENT);
  }
  d.p.iv_offset = 12;
  derive(d, params);
}

TEST_F(KeyDerivation, a_key_may_begin_anywhere_in_the_output) {
  Derivation d = full(CM_KDF_HKDF);
  const Bytes all = hkdf(d, "EXTRACT_AND_EXPAND", d.context, 1024);
  for (const uint32_t offset : {1u, 32u, 33u, 992u}) {
    d.p.offset = offset;
    const Bytes part(all.begin() + offset, all.begin() + offset + 32);
    EXPECT_EQ(tag(derive(d, hmac_)), evp_hmac(HashId::kSha256, part, ascii("message")));
  }
  for (const uint32_t offset : {993u, 1024u, UINT32_MAX}) {
    d.p.offset = offset;
    derive(d, hmac_, CM_ERR_LENGTH);
  }
  d.p.offset = 1;
  Bytes out(16);
  EXPECT_EQ(cm_kdf_derive_raw(officer_, out.data(), 16, d.params()), CM_ERR_ARGUMENT);
}

// ---- refusals

TEST_F(KeyDerivation, refuses_a_field_that_the_function_does_not_take) {
  for (Case& c : all_cases()) {
    SCOPED_TRACE(c.name);
    const uint32_t fields = kdf_function(c.d.p.function)->fields;
    const bool modes = c.d.p.mode != 0;
    const auto refused = [&](auto change) {
      Derivation d = c.d;
      change(d);
      derive(d, hmac_, CM_ERR_ARGUMENT);
    };
    if (c.d.salt.empty()) refused([](Derivation& d) { d.salt = pattern(1); });
    if (c.d.salt.empty()) refused([](Derivation& d) { d.p.salt_key.v = 1; });
    if ((fields & (kKdfSsh | kKdfIterations)) != 0) refused([](Derivation& d) { d.salt.clear(), d.p.salt_key.v = 1; });
    if ((fields & kKdfLabel) == 0) refused([](Derivation& d) { d.label = pattern(1); });
    if ((fields & kKdfContext) == 0) refused([](Derivation& d) { d.context = pattern(1); });
    if (c.d.p.mode != CM_KBKDF_FEEDBACK) refused([](Derivation& d) { d.iv = pattern(1); });
    if ((fields & kKdfIterations) == 0) refused([](Derivation& d) { d.p.iterations = 1; });
    if ((fields & kKdfSsh) == 0) refused([](Derivation& d) { d.p.ssh_letter = 'A'; });
    if ((fields & kKdfSsh) == 0) refused([](Derivation& d) { d.p.flags |= CM_KDF_SSH_ENCODED; });
    if (!modes) refused([](Derivation& d) { d.p.mode = CM_KBKDF_COUNTER, d.p.counter_bits = 32; });
    if (!modes) refused([](Derivation& d) { d.p.counter_bits = 8; });
    if (!modes) refused([](Derivation& d) { d.p.counter_place = CM_COUNTER_AFTER; });
    if (!modes) refused([](Derivation& d) { d.p.flags |= CM_KDF_NO_LENGTH; });
    refused([](Derivation& d) { d.p.flags |= 1u << 4; });
    refused([](Derivation& d) { d.p.prf = CM_PRF_HASH + 1; });
    refused([](Derivation& d) { d.p.prf = 64; });
    refused([](Derivation& d) { d.p.iv_offset = 64; });
    refused([&c](Derivation& d) { d.p.hash = c.d.p.hash == 0 ? static_cast<uint32_t>(CM_HASH_SHA256) : 0; });
    refused([](Derivation& d) { d.p.hash = CM_HASH_SHAKE128; });
    cm_kdf_params short_struct = *c.d.params();
    short_struct.struct_size -= 1;
    cm_key key{};
    EXPECT_EQ(cm_kdf_derive(session_, &key, &hmac_, &short_struct), CM_ERR_ARGUMENT);
  }
}

TEST_F(KeyDerivation, refuses_modes_and_counters_that_do_not_exist) {
  const auto refused = [&](auto change, cm_rc expected = CM_ERR_ARGUMENT) {
    Derivation d = full(CM_KDF_KBKDF, CM_PRF_HMAC, CM_KBKDF_COUNTER);
    change(d.p);
    derive(d, hmac_, expected);
  };
  refused([](cm_kdf_params& p) { p.mode = 0; });
  refused([](cm_kdf_params& p) { p.mode = CM_KBKDF_DOUBLE_PIPELINE + 1; });
  refused([](cm_kdf_params& p) { p.counter_bits = 0; });
  refused([](cm_kdf_params& p) { p.counter_bits = 12; });
  refused([](cm_kdf_params& p) { p.counter_bits = 40; });
  refused([](cm_kdf_params& p) { p.counter_place = CM_COUNTER_FIRST + 1; });
  refused([](cm_kdf_params& p) { p.counter_place = CM_COUNTER_FIRST; });
  refused([](cm_kdf_params& p) { p.mode = CM_KBKDF_FEEDBACK, p.counter_bits = 0, p.counter_place = CM_COUNTER_AFTER; });
  refused([](cm_kdf_params& p) { p.function = 0; });
  refused([](cm_kdf_params& p) { p.function = CM_KDF_PBKDF2 + 1; });
  Derivation cmac = full(CM_KDF_KBKDF, CM_PRF_CMAC, CM_KBKDF_COUNTER);
  cmac.input = pattern(20);
  derive(cmac, hmac_, CM_ERR_LENGTH);
  Derivation ssh = full(CM_KDF_SSH);
  for (const uint32_t letter : {'A' - 1u, 'F' + 1u, 'A' + 256u}) {
    ssh.p.ssh_letter = letter;
    derive(ssh, hmac_, CM_ERR_ARGUMENT);
  }
  Derivation password = full(CM_KDF_PBKDF2);
  password.p.iterations = 0;
  derive(password, hmac_, CM_ERR_ARGUMENT);
}

TEST_F(KeyDerivation, refuses_bad_pointers_lengths_and_overlap) {
  Derivation d = full(CM_KDF_HKDF);
  cm_key key{};
  EXPECT_EQ(cm_kdf_derive(session_, nullptr, &hmac_, d.params()), CM_ERR_NULL);
  EXPECT_EQ(cm_kdf_derive(session_, &key, nullptr, d.params()), CM_ERR_NULL);
  EXPECT_EQ(cm_kdf_derive(session_, &key, &hmac_, nullptr), CM_ERR_NULL);
  EXPECT_EQ(cm_kdf_derive(session_, &d.p.secret, &hmac_, d.params()), CM_ERR_OVERLAP);
  Bytes out(64);
  EXPECT_EQ(cm_kdf_derive_raw(officer_, nullptr, 16, d.params()), CM_ERR_NULL);
  EXPECT_EQ(cm_kdf_derive_raw(officer_, out.data(), 0, d.params()), CM_ERR_LENGTH);
  EXPECT_EQ(cm_kdf_derive_raw(officer_, d.context.data(), 16, d.params()), CM_ERR_OVERLAP);
  EXPECT_EQ(cm_kdf_derive_raw(officer_, d.input.data(), 16, d.params()), CM_ERR_OVERLAP);
  EXPECT_EQ(cm_kdf_derive_raw(officer_, &d.p, 16, d.params()), CM_ERR_OVERLAP);
  const auto broken = [&](const void* cm_kdf_params::* p, size_t cm_kdf_params::* size, size_t n, bool null) {
    cm_kdf_params q = *d.params();
    if (null) q.*p = nullptr;
    q.*size = n;
    return cm_kdf_derive(session_, &key, &hmac_, &q);
  };
  EXPECT_EQ(broken(&cm_kdf_params::context, &cm_kdf_params::context_size, 1, true), CM_ERR_NULL);
  EXPECT_EQ(broken(&cm_kdf_params::salt, &cm_kdf_params::salt_size, 1, true), CM_ERR_NULL);
  EXPECT_EQ(broken(&cm_kdf_params::input, &cm_kdf_params::input_size, 1, true), CM_ERR_NULL);
  EXPECT_EQ(broken(&cm_kdf_params::context, &cm_kdf_params::context_size, SIZE_MAX, false), CM_ERR_LENGTH);
  EXPECT_EQ(broken(&cm_kdf_params::salt, &cm_kdf_params::salt_size, size_t{1} << 61, false), CM_ERR_LENGTH);
  Derivation unsalted = full(CM_KDF_ONE_STEP, CM_PRF_HASH);  // a field in vain is that, however long
  cm_kdf_params endless = *unsalted.params();
  endless.salt_size = SIZE_MAX;
  EXPECT_EQ(cm_kdf_derive(session_, &key, &hmac_, &endless), CM_ERR_ARGUMENT);
  EXPECT_EQ(cm_kdf_derive_raw(officer_, out.data(), 16, &endless), CM_ERR_ARGUMENT);
  Derivation wrong = full(CM_KDF_HKDF);  // nothing is written over what is read, whatever is wrong
  wrong.p.prf = 999;
  wrong.salt.assign(sizeof(cm_key), 0x77);
  EXPECT_EQ(cm_kdf_derive(session_, reinterpret_cast<cm_key*>(wrong.salt.data()), &hmac_, wrong.params()),
            CM_ERR_ARGUMENT);
  EXPECT_EQ(wrong.salt, Bytes(sizeof(cm_key), 0x77));
  key.v = 99;
  EXPECT_EQ(broken(&cm_kdf_params::context, &cm_kdf_params::context_size, 1, true), CM_ERR_NULL);
  EXPECT_EQ(key.v, 0u);
  d.input = pattern(1024);
  derive(d, hmac_);
  d.input = pattern(1025);
  derive(d, hmac_, CM_ERR_LENGTH);
  EXPECT_EQ(raw(d, 255 * 32 + 1, CM_ERR_LENGTH), Bytes(255 * 32 + 1));
}

TEST_F(KeyDerivation, as_bytes_is_for_the_officer) {
  Derivation d = full(CM_KDF_HKDF);
  Bytes out(16, 0xee);
  EXPECT_EQ(cm_kdf_derive_raw(session_, out.data(), 16, d.params()), CM_ERR_ROLE);
  EXPECT_EQ(out, Bytes(16, 0xee));
}

// ---- batches

class KdfBatch : public KeyDerivation {
 protected:
  static cm_kdf_job job(Derivation& d, const cm_key_params& params) { return {*d.params(), params, {99}, 99}; }
};

TEST_F(KdfBatch, gives_each_job_what_the_single_call_gives) {
  std::vector<Case> cases = all_cases();
  for (const uint32_t hash : {CM_HASH_SHA1, CM_HASH_SHA256, CM_HASH_SHA512, CM_HASH_SHA3_256})
    for (uint8_t i = 0; i < 9; ++i) {  // passwords enough for several lots, in turn with everything else
      Derivation d = full(CM_KDF_PBKDF2);
      d.input = pattern(14 + i, i);
      d.p.hash = hash;
      d.p.iterations = 1000 + i / 3;
      const auto oracle = [](const Derivation& c, size_t size) {
        return KdfOracle("PBKDF2")
            .hash(c.id())
            .bytes("pass", c.input)
            .bytes("salt", c.salt)
            .number("iter", static_cast<int>(c.p.iterations))
            .derive(size);
      };
      cases.insert(cases.begin() + (i * 7) % static_cast<ptrdiff_t>(cases.size()), {"password", d, oracle});
    }
  std::vector<cm_kdf_job> jobs;
  jobs.reserve(cases.size());
  for (Case& c : cases) jobs.push_back(job(c.d, hmac_));
  ASSERT_EQ(cm_kdf_batch(session_, jobs.data(), jobs.size()), CM_OK);
  std::set<uint64_t> handles;
  for (size_t i = 0; i < jobs.size(); ++i) {
    EXPECT_EQ(jobs[i].result, CM_OK) << cases[i].name;
    EXPECT_EQ(tag(jobs[i].key), evp_hmac(HashId::kSha256, cases[i].oracle(cases[i].d, 32), ascii("message")))
        << cases[i].name;
    EXPECT_TRUE(handles.insert(jobs[i].key.v).second);
    destroy(jobs[i].key);
  }
}

TEST_F(KdfBatch, a_job_that_fails_harms_no_other) {
  Derivation good = full(CM_KDF_HKDF), wrong = full(CM_KDF_HKDF), weak = full(CM_KDF_PBKDF2), gone = full(CM_KDF_HKDF);
  wrong.label = pattern(1);
  weak.p.iterations = 10;
  gone.p.secret.v = 12345;
  Derivation none = full(CM_KDF_PBKDF2);
  none.p.iterations = 0;
  cm_kdf_job jobs[] = {job(good, hmac_), job(wrong, hmac_), job(weak, hmac_),
                       job(gone, hmac_), job(none, hmac_),  job(good, key_params(CM_ALG_AES_GCM, 100)),
                       job(good, hmac_)};
  jobs[6].params.struct_size = 1;
  ASSERT_EQ(cm_kdf_batch(session_, jobs, std::size(jobs)), CM_ERR_JOBS);
  const cm_rc expected[] = {CM_OK,          CM_ERR_ARGUMENT, CM_NOT_APPROVED_PBKDF2_INPUT,
                            CM_ERR_HANDLE,  CM_ERR_ARGUMENT, CM_ERR_LENGTH,
                            CM_ERR_ARGUMENT};
  for (size_t i = 0; i < std::size(jobs); ++i) {
    EXPECT_EQ(jobs[i].result, expected[i]) << i;
    EXPECT_EQ(jobs[i].key.v != 0, CM_SUCCEEDED(expected[i])) << i;
  }
  EXPECT_EQ(cm_kdf_batch(session_, jobs, 0), CM_OK);
  EXPECT_EQ(cm_kdf_batch(session_, nullptr, 1), CM_ERR_NULL);
  EXPECT_EQ(cm_kdf_batch(session_, jobs, CM_BATCH_MAX + 1), CM_ERR_LENGTH);
}

TEST_F(KdfBatch, refuses_a_job_that_reads_the_array_of_jobs) {
  Derivation d = full(CM_KDF_HKDF);
  cm_kdf_job jobs[] = {job(d, hmac_), job(d, hmac_)};
  jobs[0].kdf.context = &jobs[1];
  jobs[0].kdf.context_size = 8;
  ASSERT_EQ(cm_kdf_batch(session_, jobs, 2), CM_ERR_JOBS);
  EXPECT_EQ(jobs[0].result, CM_ERR_OVERLAP);
  EXPECT_EQ(jobs[1].result, CM_OK);
}

TEST_F(KdfBatch, takes_passwords_that_are_keys) {
  std::vector<cm_kdf_job> jobs;
  std::vector<Bytes> expected;
  std::vector<Derivation> derivations(20, full(CM_KDF_PBKDF2));
  for (uint8_t i = 0; Derivation & d : derivations) {
    d.input = pattern(32, ++i);
    expected.push_back(evp_hmac(HashId::kSha256, raw(d, 32), ascii("message")));
    if (i % 3 == 0) d.p.secret = secret(d.input), d.p.input = nullptr, d.p.input_size = 0;
    jobs.push_back(job(d, hmac_));
  }
  ASSERT_EQ(cm_kdf_batch(session_, jobs.data(), jobs.size()), CM_OK);
  for (size_t i = 0; i < jobs.size(); ++i) EXPECT_EQ(tag(jobs[i].key), expected[i]) << i;
}

// Long: seconds on any machine. The key is the first of the store, whose place a call without keys could claim.
TEST_F(KdfBatch, of_passwords_keeps_nobody_from_destroying_keys) {
  const cm_key first = import_hmac(session_, pattern(32));
  const cm_key other = import_hmac(session_, pattern(32));
  Derivation d = full(CM_KDF_PBKDF2);
  d.p.iterations = 20'000'000;
  cm_kdf_job jobs[] = {job(d, hmac_)};
  for (const bool single : {true, false}) {
    std::atomic<bool> over{false};
    std::thread deriver([&] {
      cm_key key{};
      EXPECT_EQ(single ? cm_kdf_derive(session_, &key, &hmac_, d.params()) : cm_kdf_batch(session_, jobs, 1), CM_OK);
      over = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    destroy(single ? first : other);
    EXPECT_FALSE(over.load());
    deriver.join();
  }
}

TEST_F(KdfBatch, ends_without_keys_when_the_store_is_full) {
  Derivation d = full(CM_KDF_HKDF);
  constexpr size_t kMoreThanFit = 1100;
  std::vector<cm_kdf_job> jobs(kMoreThanFit, job(d, hmac_));
  ASSERT_EQ(cm_kdf_batch(session_, jobs.data(), jobs.size()), CM_ERR_JOBS);
  size_t made = 0;
  for (const cm_kdf_job& j : jobs) {
    EXPECT_EQ(j.key.v != 0, j.result == CM_OK);
    EXPECT_TRUE(j.result == CM_OK || j.result == CM_ERR_NO_MEMORY) << j.result;
    if (j.key.v != 0) ++made, destroy(j.key);
  }
  EXPECT_GT(made, 900u);
  EXPECT_LT(made, kMoreThanFit);
}

}  // namespace
}  // namespace cm::test
