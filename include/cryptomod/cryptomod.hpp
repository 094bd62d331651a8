// SPDX-License-Identifier: Apache-2.0
//
// cryptomod.hpp: C++20 over cryptomod.h, header only. Adds RAII, std::span and exceptions, and nothing else: what each
// call does, its limits and its evidence are described in cryptomod.h.
//
// libcryptomod is built in the style of FIPS 140-3. It is NOT validated.
//
//  - Errors: every cm_rc < 0 is thrown as cryptomod::Error, a tag or MAC that does not verify (CM_ERR_AUTH) included:
//    a refusal cannot be overlooked. Destructors throw nothing and drop errors; call close() to see them.
//  - Approval: success may be "not approved". Calls that make no object return an Approval; keys remember theirs.
//  - Objects are move-only. A Session must outlive the keys and contexts made with it, a Module everything. A
//  moved-from
//    object holds the handle {0}, which every call refuses with CM_ERR_HANDLE.
//  - Threads: as in cryptomod.h. The objects themselves have no locks.
#ifndef CRYPTOMOD_CRYPTOMOD_HPP
#define CRYPTOMOD_CRYPTOMOD_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cryptomod/cryptomod.h"

namespace cryptomod {

using ByteView = std::span<const std::uint8_t>;
using ByteSpan = std::span<std::uint8_t>;

inline constexpr std::size_t kSha256Size = 32;
using Sha256Digest = std::array<std::uint8_t, kSha256Size>;

// Error: a call that failed. code() is the cm_rc, which is also in the audit log.
class Error : public std::runtime_error {
 public:
  Error(cm_rc code, const char* call)
      : std::runtime_error(std::string(call) + ": " + cm_rc_text(code) + " (" + cm_rc_name(code) + ")"), code_(code) {}
  cm_rc code() const noexcept { return code_; }

 private:
  cm_rc code_;
};

// Approval: whether a call that succeeded was an approved service, and if not, why not.
class Approval {
 public:
  constexpr explicit Approval(cm_rc rc) noexcept : reason_(rc) {}
  constexpr bool approved() const noexcept { return CM_APPROVED(reason_); }
  constexpr cm_rc reason() const noexcept { return reason_; }  // CM_OK or CM_NOT_APPROVED_*

 private:
  cm_rc reason_;
};

// check: throws on errors; for calls made through the C interface.
inline Approval check(cm_rc rc, const char* call) {
  if (!CM_SUCCEEDED(rc)) throw Error(rc, call);
  return Approval(rc);
}

// sized: a zeroed public struct with struct_size set.
template <class T>
T sized() noexcept {
  T value{};
  value.struct_size = sizeof(T);
  return value;
}

// key_params: parameters with the defaults of cryptomod.h; bits 0 means the length imported. aes_gcm_key, aes_kwp_key,
// hmac_key: the usual ones.
inline cm_key_params key_params(std::uint32_t algorithm, std::uint32_t bits) noexcept {
  auto params = sized<cm_key_params>();
  params.algorithm = algorithm;
  params.bits = bits;
  return params;
}
inline cm_key_params aes_gcm_key(std::uint32_t bits = 256) noexcept { return key_params(CM_ALG_AES_GCM, bits); }
inline cm_key_params aes_kwp_key(std::uint32_t bits = 256) noexcept { return key_params(CM_ALG_AES_KWP, bits); }
inline cm_key_params hmac_key(std::uint32_t bits = 256) noexcept { return key_params(CM_ALG_HMAC_SHA256, bits); }
// kdf_params: a key derivation with a secret that is a key; the fields of the function are the caller's to fill in.
inline cm_kdf_params kdf_params(std::uint32_t function, std::uint32_t hash, cm_key secret) noexcept {
  auto params = sized<cm_kdf_params>();
  params.function = function;
  params.hash = hash;
  params.secret = secret;
  return params;
}
// counter_iv: the same key with IVs of a fixed name and a counter.
inline cm_key_params counter_iv(cm_key_params params, const std::array<std::uint8_t, 4>& name) noexcept {
  params.iv_regime = CM_IV_COUNTER;
  for (std::size_t i = 0; i < name.size(); ++i) params.iv_fixed[i] = name[i];
  return params;
}

inline cm_status_info status() {
  auto info = sized<cm_status_info>();
  const cm_rc rc = cm_status(&info);
  if (rc != CM_ERR_AUDIT_PENDING) check(rc, "cm_status");  // the answer is there, its record is not acknowledged yet
  return info;
}

inline cm_version_info version() {
  auto info = sized<cm_version_info>();
  check(cm_version(&info), "cm_version");
  return info;
}

// Module: cm_init to cm_shutdown. One at a time in a process.
class Module {
 public:
  explicit Module(const cm_init_params& params) : open_(true) { check(cm_init(&params), "cm_init"); }
  // Module(audit_dir): with a private writer and a software TPM.
  explicit Module(const std::string& audit_dir) : Module(private_writer(audit_dir.c_str())) {}
  ~Module() {
    if (open_) (void)quiet(cm_shutdown());
  }
  Module(Module&& other) noexcept : open_(std::exchange(other.open_, false)) {}
  Module& operator=(Module&& other) noexcept {
    if (this != &other) {
      if (open_) (void)quiet(cm_shutdown());
      open_ = std::exchange(other.open_, false);
    }
    return *this;
  }
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  void close() {
    if (!open_) return;
    const cm_rc rc = cm_shutdown();
    open_ = rc < 0 && rc != CM_ERR_AUDIT_PENDING;  // refused, for example while another thread is in cm_selftest
    check(rc, "cm_shutdown");
  }

  static cm_init_params private_writer(const char* audit_dir) noexcept {
    auto params = sized<cm_init_params>();
    params.audit_dir = audit_dir;
    return params;
  }

 private:
  static cm_rc quiet(cm_rc rc) noexcept { return rc; }
  bool open_;
};

namespace detail {

// Owned: a handle with the session that may release it.
template <class Handle, cm_rc (*Release)(cm_session, Handle)>
class Owned {
 public:
  Owned() noexcept = default;
  Owned(cm_session session, Handle handle) noexcept : session_(session), handle_(handle) {}
  ~Owned() { release(); }
  Owned(Owned&& other) noexcept : session_(other.session_), handle_(other.take()) {}
  Owned& operator=(Owned&& other) noexcept {
    if (this != &other) {
      release();
      session_ = other.session_;
      handle_ = other.take();
    }
    return *this;
  }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;

  cm_session session() const noexcept { return session_; }
  Handle get() const noexcept { return handle_; }
  Handle take() noexcept { return std::exchange(handle_, Handle{0}); }

 private:
  void release() noexcept {
    if (handle_.v == 0) return;
    const cm_rc dropped = Release(session_, take());
    (void)dropped;
  }
  cm_session session_{0};
  Handle handle_{0};
};

}  // namespace detail

// Key: a key inside the module; destroyed with the object.
class Key {
 public:
  Key(cm_session session, cm_key key, Approval approval) noexcept : owned_(session, key), approval_(approval) {}
  cm_key handle() const noexcept { return owned_.get(); }
  // approval: of the call that made the key.
  Approval approval() const noexcept { return approval_; }
  cm_key_attributes info() const {
    auto attributes = sized<cm_key_attributes>();
    check(cm_key_info(owned_.session(), owned_.get(), &attributes), "cm_key_info");
    return attributes;
  }
  // close: when it throws the key is still there, and another close may be tried.
  void close() {
    check(cm_key_destroy(owned_.session(), owned_.get()), "cm_key_destroy");
    (void)owned_.take();
  }

 private:
  detail::Owned<cm_key, cm_key_destroy> owned_;
  Approval approval_;
};

// Session: services under one session id.
class Session {
 public:
  explicit Session(std::uint32_t role = CM_ROLE_USER) { check(cm_session_open(&session_, role), "cm_session_open"); }
  ~Session() { release(); }
  Session(Session&& other) noexcept : session_(std::exchange(other.session_, cm_session{0})) {}
  Session& operator=(Session&& other) noexcept {
    if (this != &other) {
      release();
      session_ = std::exchange(other.session_, cm_session{0});
    }
    return *this;
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  cm_session handle() const noexcept { return session_; }
  // close: when it throws the session is still open, and another close may be tried.
  void close() {
    check(cm_session_close(session_), "cm_session_close");
    session_ = cm_session{0};
  }

  Key generate_key(const cm_key_params& params) const {
    cm_key key{0};
    const Approval approval = check(cm_key_generate(session_, &key, &params), "cm_key_generate");
    return Key(session_, key, approval);
  }
  Key import_key(const cm_key_params& params, ByteView raw) const {
    cm_key key{0};
    const Approval approval = check(cm_key_import(session_, &key, &params, raw.data(), raw.size()), "cm_key_import");
    return Key(session_, key, approval);
  }
  Key import_wrapped_key(const cm_key_params& params, const Key& wrapping_key, ByteView wrapped) const {
    cm_key key{0};
    const Approval approval =
        check(cm_key_import_wrapped(session_, &key, &params, wrapping_key.handle(), wrapped.data(), wrapped.size()),
              "cm_key_import_wrapped");
    return Key(session_, key, approval);
  }
  Key derive_key_pbkdf2(const cm_key_params& params, ByteView password, ByteView salt, std::uint32_t iterations) const {
    cm_key key{0};
    const Approval approval = check(cm_key_derive_pbkdf2(session_, &key, &params, password.data(), password.size(),
                                                         salt.data(), salt.size(), iterations),
                                    "cm_key_derive_pbkdf2");
    return Key(session_, key, approval);
  }
  // derive_key: by any function of cm_kdf_params. derive_raw: out is filled, in a session of the officer.
  Key derive_key(const cm_key_params& params, const cm_kdf_params& kdf) const {
    cm_key key{0};
    const Approval approval = check(cm_kdf_derive(session_, &key, &params, &kdf), "cm_kdf_derive");
    return Key(session_, key, approval);
  }
  Approval derive_raw(ByteSpan out, const cm_kdf_params& kdf) const {
    return check(cm_kdf_derive_raw(session_, out.data(), out.size(), &kdf), "cm_kdf_derive_raw");
  }
  std::vector<std::uint8_t> export_wrapped_key(const Key& key, const Key& wrapping_key) const {
    constexpr std::size_t kWrappedSizeMax = 512 + 8;  // the longest key is 4096 bits
    std::vector<std::uint8_t> wrapped(kWrappedSizeMax);
    std::size_t size = 0;
    check(cm_key_export_wrapped(session_, key.handle(), wrapping_key.handle(), wrapped.data(), wrapped.size(), &size),
          "cm_key_export_wrapped");
    wrapped.resize(size);
    return wrapped;
  }

  // seal: in is encrypted to out (same size or larger, may be the same memory); iv and tag are written.
  Approval seal(const Key& key, ByteSpan out, std::span<std::uint8_t, CM_AEAD_IV_SIZE> iv, ByteSpan tag, ByteView aad,
                ByteView in) const {
    return check(cm_aead_seal(session_, key.handle(), out.data(), out.size(), iv.data(), iv.size(), tag.data(),
                              tag.size(), aad.data(), aad.size(), in.data(), in.size()),
                 "cm_aead_seal");
  }
  // seal_with_iv: never approved.
  Approval seal_with_iv(const Key& key, ByteSpan out, ByteView iv, ByteSpan tag, ByteView aad, ByteView in) const {
    return check(cm_aead_seal_caller_iv(session_, key.handle(), out.data(), out.size(), iv.data(), iv.size(),
                                        tag.data(), tag.size(), aad.data(), aad.size(), in.data(), in.size()),
                 "cm_aead_seal_caller_iv");
  }
  // open: throws Error with CM_ERR_AUTH when the tag does not verify; out is zeroed then.
  Approval open(const Key& key, ByteSpan out, ByteView iv, ByteView tag, ByteView aad, ByteView in) const {
    return check(cm_aead_open(session_, key.handle(), out.data(), out.size(), iv.data(), iv.size(), tag.data(),
                              tag.size(), aad.data(), aad.size(), in.data(), in.size()),
                 "cm_aead_open");
  }

  Sha256Digest sha256(ByteView in) const {
    Sha256Digest digest{};
    check(cm_hash_compute(session_, CM_HASH_SHA256, digest.data(), digest.size(), in.data(), in.size()),
          "cm_hash_compute");
    return digest;
  }
  // hash: the digest of a function of fixed size, CM_HASH_*; digest is as long or longer. SHAKE fills it.
  void hash(std::uint32_t algorithm, ByteSpan digest, ByteView in) const {
    check(cm_hash_compute(session_, algorithm, digest.data(), digest.size(), in.data(), in.size()), "cm_hash_compute");
  }
  // mac: truncated to the size of mac.
  Approval mac(const Key& key, ByteSpan mac, ByteView in) const {
    return check(cm_mac_compute(session_, key.handle(), mac.data(), mac.size(), in.data(), in.size()),
                 "cm_mac_compute");
  }
  // verify_mac: throws Error with CM_ERR_AUTH when the MAC differs.
  Approval verify_mac(const Key& key, ByteView mac, ByteView in) const {
    return check(cm_mac_verify(session_, key.handle(), mac.data(), mac.size(), in.data(), in.size()), "cm_mac_verify");
  }

  // encrypt, decrypt: a whole message in the key's mode; out is as long as in or longer and may be the same memory.
  Approval encrypt(const Key& key, ByteView iv, ByteSpan out, ByteView in) const {
    return check(
        cm_cipher_encrypt(session_, key.handle(), iv.data(), iv.size(), out.data(), out.size(), in.data(), in.size()),
        "cm_cipher_encrypt");
  }
  Approval decrypt(const Key& key, ByteView iv, ByteSpan out, ByteView in) const {
    return check(
        cm_cipher_decrypt(session_, key.handle(), iv.data(), iv.size(), out.data(), out.size(), in.data(), in.size()),
        "cm_cipher_decrypt");
  }
  // encrypt_sectors, decrypt_sectors: data units of XTS in a row, numbered from first_sector on.
  Approval encrypt_sectors(const Key& key, std::uint64_t first_sector, std::size_t sector_size, ByteSpan out,
                           ByteView in) const {
    return check(cm_cipher_encrypt_sectors(session_, key.handle(), first_sector, sector_size, out.data(), out.size(),
                                           in.data(), in.size()),
                 "cm_cipher_encrypt_sectors");
  }
  Approval decrypt_sectors(const Key& key, std::uint64_t first_sector, std::size_t sector_size, ByteSpan out,
                           ByteView in) const {
    return check(cm_cipher_decrypt_sectors(session_, key.handle(), first_sector, sector_size, out.data(), out.size(),
                                           in.data(), in.size()),
                 "cm_cipher_decrypt_sectors");
  }

  // seal_batch, open_batch, cipher_batch, kdf_batch, mac_batch: throw Error with CM_ERR_JOBS when a job failed; each
  // job has its result then too.
  Approval seal_batch(std::span<cm_aead_job> jobs) const {
    return check(cm_aead_seal_batch(session_, jobs.data(), jobs.size()), "cm_aead_seal_batch");
  }
  Approval open_batch(std::span<cm_aead_job> jobs) const {
    return check(cm_aead_open_batch(session_, jobs.data(), jobs.size()), "cm_aead_open_batch");
  }
  void hash_batch(std::span<cm_hash_job> jobs) const {
    check(cm_hash_batch(session_, jobs.data(), jobs.size()), "cm_hash_batch");
  }
  Approval cipher_batch(std::span<cm_cipher_job> jobs) const {
    return check(cm_cipher_batch(session_, jobs.data(), jobs.size()), "cm_cipher_batch");
  }
  // kdf_batch: the keys of its jobs are the caller's to destroy: key_of makes an object of one that succeeded.
  Approval kdf_batch(std::span<cm_kdf_job> jobs) const {
    return check(cm_kdf_batch(session_, jobs.data(), jobs.size()), "cm_kdf_batch");
  }
  Key key_of(const cm_kdf_job& job) const { return Key(session_, job.key, check(job.result, "cm_kdf_batch")); }
  Approval mac_batch(std::span<cm_mac_job> jobs) const {
    return check(cm_mac_batch(session_, jobs.data(), jobs.size()), "cm_mac_batch");
  }

  Approval random(ByteSpan out) const {
    return check(cm_random_bytes(session_, out.data(), out.size()), "cm_random_bytes");
  }

  // sync: returns when this thread's records are durable, and with anchored also extended into the TPM.
  void sync(bool anchored, std::uint32_t timeout_ms) const {
    check(cm_audit_sync(session_, anchored ? 1 : 0, timeout_ms), "cm_audit_sync");
  }
  void set_policy(std::uint32_t policy) const { check(cm_policy_set(session_, policy), "cm_policy_set"); }
  void zeroise_module() const { check(cm_zeroise(session_), "cm_zeroise"); }

  // selftest: every test again; throws when one fails.
  std::vector<cm_selftest_row> selftest() const {
    constexpr std::size_t kRowsMax = 256;
    std::vector<cm_selftest_row> rows(kRowsMax);
    std::size_t count = 0;
    check(cm_selftest(session_, rows.data(), rows.size(), &count), "cm_selftest");
    rows.resize(count < kRowsMax ? count : kRowsMax);
    return rows;
  }

 private:
  void release() noexcept {
    if (session_.v == 0) return;
    const cm_rc dropped = cm_session_close(std::exchange(session_, cm_session{0}));
    (void)dropped;
  }
  cm_session session_{0};
};

// Hash: a message in pieces, SHA-256 where nothing else is said.
class Hash {
 public:
  explicit Hash(const Session& session, std::uint32_t algorithm = CM_HASH_SHA256)
      : owned_(session.handle(), start(session.handle(), algorithm)) {}
  Hash(const Session& session, const cm_hash_params& params)
      : owned_(session.handle(), start(session.handle(), params)) {}
  void update(ByteView in) {
    check(cm_hash_update(owned_.session(), owned_.get(), in.data(), in.size()), "cm_hash_update");
  }
  // squeeze: the next piece of output of SHAKE, cSHAKE and the XOFs.
  void squeeze(ByteSpan out) {
    check(cm_hash_squeeze(owned_.session(), owned_.get(), out.data(), out.size()), "cm_hash_squeeze");
  }
  // copy: another context that stands where this one stands.
  Hash copy() const {
    cm_hash made{0};
    check(cm_hash_copy(owned_.session(), &made, owned_.get()), "cm_hash_copy");
    return Hash(owned_.session(), made);
  }
  // finish: ends the context; the object can only be destroyed or assigned afterwards. The context stays when it
  // throws.
  void finish(ByteSpan digest) {
    check(cm_hash_final(owned_.session(), owned_.get(), digest.data(), digest.size()), "cm_hash_final");
    (void)owned_.take();
  }
  Sha256Digest finish() {
    Sha256Digest digest{};
    finish(digest);
    return digest;
  }

 private:
  Hash(cm_session session, cm_hash made) : owned_(session, made) {}
  static cm_hash start(cm_session session, std::uint32_t algorithm) {
    cm_hash hash{0};
    check(cm_hash_init(session, &hash, algorithm), "cm_hash_init");
    return hash;
  }
  static cm_hash start(cm_session session, const cm_hash_params& params) {
    cm_hash hash{0};
    check(cm_hash_init_params(session, &hash, &params), "cm_hash_init_params");
    return hash;
  }
  detail::Owned<cm_hash, cm_hash_free> owned_;
};

// Mac: the MAC of a message in pieces.
class Mac {
 public:
  Mac(const Session& session, const Key& key) : owned_(session.handle(), start(session.handle(), key.handle())) {}
  void update(ByteView in) {
    check(cm_mac_update(owned_.session(), owned_.get(), in.data(), in.size()), "cm_mac_update");
  }
  // finish: writes the MAC, truncated to the size of mac. The context stays when it throws.
  Approval finish(ByteSpan mac) {
    const Approval approval =
        check(cm_mac_final(owned_.session(), owned_.get(), mac.data(), mac.size()), "cm_mac_final");
    (void)owned_.take();
    return approval;
  }

 private:
  static cm_mac start(cm_session session, cm_key key) {
    cm_mac mac{0};
    check(cm_mac_init(session, &mac, key), "cm_mac_init");
    return mac;
  }
  detail::Owned<cm_mac, cm_mac_free> owned_;
};

// Cipher: a message in pieces, in the key's mode. direction: CM_ENCRYPT or CM_DECRYPT.
class Cipher {
 public:
  Cipher(const Session& session, const Key& key, std::uint32_t direction, ByteView iv)
      : owned_(session.handle(), start(session.handle(), key.handle(), direction, iv)) {}
  // update: how many bytes of out were written. out may be in; it has room for in.size() + 31 bytes at most.
  std::size_t update(ByteSpan out, ByteView in) {
    std::size_t written = 0;
    check(cm_cipher_update(owned_.session(), owned_.get(), out.data(), out.size(), &written, in.data(), in.size()),
          "cm_cipher_update");
    return written;
  }
  // finish: writes the rest, at most 32 bytes. The context stays when it throws.
  std::size_t finish(ByteSpan out) {
    std::size_t written = 0;
    check(cm_cipher_final(owned_.session(), owned_.get(), out.data(), out.size(), &written), "cm_cipher_final");
    (void)owned_.take();
    return written;
  }

 private:
  static cm_cipher start(cm_session session, cm_key key, std::uint32_t direction, ByteView iv) {
    cm_cipher cipher{0};
    check(cm_cipher_init(session, &cipher, key, direction, iv.data(), iv.size()), "cm_cipher_init");
    return cipher;
  }
  detail::Owned<cm_cipher, cm_cipher_free> owned_;
};

}  // namespace cryptomod
#endif
