// SPDX-License-Identifier: Apache-2.0
// module.cpp: see module.h.
#include "bench/module.h"

#include <dlfcn.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace cm::bench {
namespace {

constexpr uint32_t kRingRecords = 65536;  // the largest ring: bursts fit in it
constexpr uint32_t kWaitMs = 20'000;

template <class Function>
void find(void* handle, Function& out, const char* name) {
  out = reinterpret_cast<Function>(dlsym(handle, name));
  if (out == nullptr) throw std::runtime_error(dlerror());
}

}  // namespace

Functions load(const std::filesystem::path& library) {
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) throw std::runtime_error(dlerror());
  Functions f;
#define X(name) find(handle, f.name, #name);
  CM_BENCH_FUNCTIONS(X)
#undef X
  return f;
}

std::filesystem::path beside_program(const char* relative) {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / relative).lexically_normal();
}

TemporaryDirectory::TemporaryDirectory(const std::string& parent) {
  const std::filesystem::path base =
      parent.empty() ? std::filesystem::temp_directory_path() : std::filesystem::path(parent);
  std::string name = (base / "cryptomod-bench-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a directory in " + base.string());
  path_ = name;
  // A writer started by root runs under another uid and has to reach what is below.
  chmod(path_.c_str(), 0711);
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Module::Module(const std::filesystem::path& library, const std::filesystem::path& dir) : f_(load(library)) {
  std::filesystem::create_directories(dir);
  const std::string log = dir / "log";
  const std::string tpm = dir / "tpm";
  const std::string trust = dir / "trust";
  const std::string writer = beside_program("../cryptomod-auditd");
  cm_init_params params{};
  params.struct_size = sizeof params;
  params.ring_records = kRingRecords;
  params.ring_count = 4;
  params.wait_ms = kWaitMs;
  params.audit_dir = log.c_str();
  params.tpm_dir = tpm.c_str();
  params.trust_dir = trust.c_str();
  params.writer_path = writer.c_str();
  require(f_.cm_init(&params), "cm_init");
  require(f_.cm_session_open(&session_, CM_ROLE_USER), "cm_session_open");
}

Module::~Module() {
  const cm_rc closed = f_.cm_session_close(session_);
  const cm_rc down = f_.cm_shutdown();
  if (closed != CM_OK || down != CM_OK)
    std::fprintf(stderr, "the end of the session gave %s, shutdown %s\n", f_.cm_rc_name(closed), f_.cm_rc_name(down));
}

void Module::require(cm_rc rc, const char* what) const {
  if (rc != CM_OK) throw std::runtime_error(std::string(what) + ": " + f_.cm_rc_name(rc));
}

void Module::drain() const { require(f_.cm_audit_sync(session_, 1, kWaitMs), "cm_audit_sync"); }

cm_key Module::generate_counter_key(uint32_t bits) const {
  cm_key_params params{};
  params.struct_size = sizeof params;
  params.algorithm = CM_ALG_AES_GCM;
  params.bits = bits;
  params.iv_regime = CM_IV_COUNTER;
  params.iv_fixed[0] = 'b';
  cm_key key{};
  require(f_.cm_key_generate(session_, &key, &params), "cm_key_generate");
  return key;
}

cm_key Module::import_key(uint32_t algorithm, const uint8_t* raw, size_t raw_size) const {
  cm_key_params params{};
  params.struct_size = sizeof params;
  params.algorithm = algorithm;
  cm_key key{};
  const cm_rc rc = f_.cm_key_import(session_, &key, &params, raw, raw_size);
  if (rc != CM_NOT_APPROVED_ALGORITHM) require(rc, "cm_key_import");
  return key;
}

}  // namespace cm::bench
