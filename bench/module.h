// SPDX-License-Identifier: Apache-2.0
// module.h: one copy of the module, loaded by path, connected to a private writer and with a session open. Two copies
// can be loaded beside each other: each is called through its own table, never through the dynamic linker's global
// names.
#pragma once
#include <filesystem>
#include <string>

#include "cryptomod/cryptomod.h"

namespace cm::bench {

// clang-format off: one function a line
#define CM_BENCH_FUNCTIONS(X) \
  X(cm_rc_name) \
  X(cm_init) \
  X(cm_shutdown) \
  X(cm_status) \
  X(cm_selftest) \
  X(cm_audit_sync) \
  X(cm_session_open) \
  X(cm_session_close) \
  X(cm_key_generate) \
  X(cm_key_import) \
  X(cm_kdf_derive) \
  X(cm_kdf_batch) \
  X(cm_key_destroy) \
  X(cm_aead_seal) \
  X(cm_aead_seal_caller_iv) \
  X(cm_aead_open) \
  X(cm_aead_seal_batch) \
  X(cm_cipher_encrypt) \
  X(cm_cipher_decrypt) \
  X(cm_cipher_batch) \
  X(cm_hash_compute) \
  X(cm_hash_batch) \
  X(cm_mac_compute) \
  X(cm_mac_batch) \
  X(cm_random_bytes)
// clang-format on

// Functions: pointers into one copy of the module, named as in cryptomod.h.
struct Functions {
#define X(name) decltype(&::name) name;  // NOLINT(bugprone-macro-parentheses): it declares the name
  CM_BENCH_FUNCTIONS(X)
#undef X
};

// load: throws std::runtime_error with the dynamic linker's sentence.
Functions load(const std::filesystem::path& library);

// beside_program: a path relative to the directory of the running program, so that no build path stands in the file.
std::filesystem::path beside_program(const char* relative);

// TemporaryDirectory: made below parent ($TMPDIR or /tmp when empty), removed with everything in it.
class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(const std::string& parent);
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Module: operational between construction and destruction. Not movable: runners keep references to it.
class Module {
 public:
  // dir: where log, TPM state and enrolment record go. Throws std::runtime_error naming the function that failed.
  Module(const std::filesystem::path& library, const std::filesystem::path& dir);
  ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  const Functions& f() const { return f_; }
  cm_session session() const { return session_; }

  // require: throws when rc is an error. Success that is not approved is a mistake of the bench and throws too.
  void require(cm_rc rc, const char* what) const;
  // drain: returns when every record of this thread is durable and in the TPM, so that the rings are empty.
  void drain() const;

  cm_key generate_counter_key(uint32_t bits) const;
  // import_key: one of an algorithm that is not approved, too.
  cm_key import_key(uint32_t algorithm, const uint8_t* raw, size_t raw_size) const;

 private:
  Functions f_;
  cm_session session_{};
};

}  // namespace cm::bench
