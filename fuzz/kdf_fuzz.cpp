// SPDX-License-Identifier: Apache-2.0
// kdf_fuzz: key derivation by every function with any parameters, right and wrong: as bytes, as a key, in a batch, from
// a key in place of bytes. All four ways must agree with each other in result and value; HKDF, TLS 1.2, X9.63, SSH and
// PBKDF2 also with the system's libcrypto.
//
// Input: choices as service.h reads them.
#include <iterator>
#include <stdexcept>
#include <string>

#include "crypto/hash/hash.h"
#include "crypto/module/kdf_functions.h"
#include "fuzz/service.h"
#include "tests/support/hash_oracle.h"

namespace {

using namespace cm::fuzz;  // NOLINT(google-build-using-namespace): the subject of this file
using cm::test::KdfOracle;

constexpr size_t kTextMax = 700, kOutMax = 512, kSecretMax = 512;

cm_session officer() {
  static const cm_session opened = [] {
    static_cast<void>(session());  // starts the module
    cm_session made{};
    require(cm_session_open(&made, CM_ROLE_OFFICER) == CM_OK, "no session of the officer");
    return made;
  }();
  return opened;
}

// Case: parameters and the memory they point to, of exact size.
struct Case {
  const cm::KdfFunctionRow* row;
  Bytes input, salt, label, context, iv;
  cm_kdf_params p;
  size_t out_size;
};

void point(const void*& p, size_t& size, const Bytes& bytes) {
  p = bytes.empty() ? nullptr : bytes.data();
  size = bytes.size();
}

void point_all(Case& c) {
  point(c.p.input, c.p.input_size, c.input);
  point(c.p.salt, c.p.salt_size, c.salt);
  point(c.p.label, c.p.label_size, c.label);
  point(c.p.context, c.p.context_size, c.context);
  point(c.p.iv, c.p.iv_size, c.iv);
}

// any_prf: one that the row has.
uint32_t any_prf(Input& input, uint32_t prfs) {
  if (prfs == 0) return 0;
  uint32_t prf = 1 + input.byte() % CM_PRF_HASH;
  while ((prfs & cm::prf_bit(prf)) == 0) prf = prf % CM_PRF_HASH + 1;
  return prf;
}

bool is_kmac(const cm_kdf_params& p) { return p.prf == CM_PRF_KMAC128 || p.prf == CM_PRF_KMAC256; }
bool is_cmac(const cm_kdf_params& p) { return p.prf == CM_PRF_CMAC; }

// read_mode: of SP 800-108.
void read_mode(Input& input, Case& c) {
  if ((c.row->fields & cm::kKdfMode) == 0 || is_kmac(c.p)) return;
  c.p.mode = 1 + input.byte() % CM_KBKDF_DOUBLE_PIPELINE;
  const uint32_t bytes = input.byte() % 5;
  c.p.counter_bits = 8 * (bytes == 0 && c.p.mode == CM_KBKDF_COUNTER ? 4 : bytes);
  c.p.counter_place = c.p.counter_bits == 0 ? 0 : input.byte() % (c.p.mode == CM_KBKDF_COUNTER ? 3 : 4);
  c.p.flags = input.byte() % 4;
  if (c.p.mode == CM_KBKDF_FEEDBACK) c.iv = input.noise(input.size(80));
}

Case read_case(Input& input) {
  Case c{};
  c.row = &cm::kKdfFunctions[input.byte() % std::size(cm::kKdfFunctions)];
  c.p.struct_size = sizeof c.p;
  c.p.function = c.row->function;
  c.p.prf = any_prf(input, c.row->prfs);
  if (!is_kmac(c.p) && !is_cmac(c.p)) c.p.hash = 1 + input.byte() % static_cast<uint32_t>(cm::kHashCount);
  read_mode(input, c);
  c.input = input.noise(1 + input.size(kSecretMax - 1));
  if (is_cmac(c.p) && c.p.function == CM_KDF_KBKDF) c.input = input.noise(16 + input.byte() % 3 * size_t{8});
  if ((c.row->fields & cm::kKdfSalt) != 0 && c.p.prf != CM_PRF_HASH) c.salt = input.noise(input.size(kTextMax));
  if (is_cmac(c.p) && !c.salt.empty()) c.salt = input.noise(16 + input.byte() % 3 * size_t{8});
  if ((c.row->fields & cm::kKdfLabel) != 0) c.label = input.noise(input.size(240));
  if ((c.row->fields & cm::kKdfContext) != 0) c.context = input.noise(input.size(250));
  if ((c.row->fields & cm::kKdfIterations) != 0) c.p.iterations = 1 + input.byte() % 40;
  if ((c.row->fields & cm::kKdfSsh) != 0) {
    c.p.ssh_letter = 'A' + input.byte() % 6u;
    c.p.flags = input.byte() % 2 == 0 ? 0u : static_cast<uint32_t>(CM_KDF_SSH_ENCODED);
  }
  // 14 bytes: below that a key of HMAC has a reason of its own.
  c.out_size =
      c.p.function == CM_KDF_HKDF_EXTRACT ? cm::kHashes[c.p.hash - 1].digest_size : 14 + input.size(kOutMax - 14);
  point_all(c);
  return c;
}

// ---- what is right

KdfOracle oracle_of(const char* name, const Case& c) {
  KdfOracle oracle(name);
  oracle.hash(static_cast<cm::HashId>(c.p.hash));
  return oracle;
}

Bytes joined(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Bytes hkdf(const Case& c, const char* mode) {
  KdfOracle oracle = oracle_of("HKDF", c);
  oracle.bytes("key", c.input).bytes("info", c.context).text("mode", mode);
  if (c.p.function != CM_KDF_HKDF_EXPAND) oracle.bytes("salt", c.salt);
  return oracle.derive(c.out_size);
}

// by_libcrypto: empty where it has no such function.
Bytes by_libcrypto(const Case& c) {
  switch (c.p.function) {
    case CM_KDF_HKDF:
      return hkdf(c, "EXTRACT_AND_EXPAND");
    case CM_KDF_HKDF_EXTRACT:
      return hkdf(c, "EXTRACT_ONLY");
    case CM_KDF_HKDF_EXPAND:
      return hkdf(c, "EXPAND_ONLY");
    case CM_KDF_TLS12_PRF:
      return oracle_of("TLS1-PRF", c)
          .bytes("secret", c.input)
          .bytes("seed", joined(c.label, c.context))
          .derive(c.out_size);
    case CM_KDF_X963:
      return oracle_of("X963KDF", c).bytes("key", c.input).bytes("info", c.context).derive(c.out_size);
    case CM_KDF_SSH:
      if (c.p.flags != CM_KDF_SSH_ENCODED) return {};
      return oracle_of("SSHKDF", c)
          .bytes("key", c.input)
          .bytes("xcghash", c.context)
          .bytes("session_id", c.salt)
          .text("type", std::string(1, static_cast<char>(c.p.ssh_letter)))
          .derive(c.out_size);
    case CM_KDF_PBKDF2:
      return oracle_of("PBKDF2", c)
          .bytes("pass", c.input)
          .bytes("salt", c.salt)
          .number("iter", static_cast<int>(c.p.iterations))
          .derive(c.out_size);
    default:
      return {};
  }
}

// right: empty also where libcrypto has less of a function than the module.
Bytes right(const Case& c) try { return by_libcrypto(c); } catch (const std::runtime_error&) {
  return {};
}

// ---- the ways to derive

struct Outcome {
  cm_rc rc;
  Bytes mac;  // under the derived key; empty with an error
  bool operator==(const Outcome&) const = default;
};

Outcome outcome_of(cm_rc rc, cm_key key) {
  require(CM_SUCCEEDED(rc) == (key.v != 0), "a key without success, or success without a key");
  if (!CM_SUCCEEDED(rc)) return {rc, {}};
  Bytes mac(32);
  require(cm_mac_compute(session(), key, mac.data(), mac.size(), nullptr, 0) == rc, "the key forgets its reason");
  require(cm_key_destroy(session(), key) == CM_OK, "a key is not destroyed");
  return {rc, mac};
}

cm_key_params wanted(const Case& c) {
  cm_key_params params = key_params(CM_ALG_HMAC_SHA256);
  params.bits = static_cast<uint32_t>(c.out_size * 8);
  return params;
}

Outcome as_key(const Case& c) {
  cm_key key{};
  const cm_key_params params = wanted(c);
  const cm_rc rc = cm_kdf_derive(session(), &key, &params, &c.p);
  return outcome_of(rc, key);
}

// as_bytes: what is not asked for stays; a failure leaves zeros, or nothing was written.
Outcome as_bytes(const Case& c, Bytes& out) {
  out.assign(c.out_size, 0xee);
  const cm_rc rc = cm_kdf_derive_raw(officer(), out.data(), out.size(), &c.p);
  if (CM_SUCCEEDED(rc)) return {rc, cm::test::evp_hmac(cm::HashId::kSha256, out, {})};
  require(out == Bytes(out.size()) || out == Bytes(out.size(), 0xee), "a failure leaves something behind");
  return {rc, {}};
}

void check_batch(Input& input, const Case& c, const Outcome& expected) {
  cm_kdf_job job{};
  job.kdf = c.p;
  job.params = wanted(c);
  std::vector<cm_kdf_job> jobs(1 + input.byte() % 20, job);
  const bool spoilt = input.rare();
  if (spoilt) jobs[0].kdf.function = 0;
  const cm_rc rc = cm_kdf_batch(session(), jobs.data(), jobs.size());
  require(rc == (spoilt || !CM_SUCCEEDED(expected.rc) ? CM_ERR_JOBS : expected.rc), "a batch has a wrong result");
  for (size_t i = 0; i < jobs.size(); ++i) {
    const Outcome got = outcome_of(jobs[i].result, jobs[i].key);
    require(spoilt && i == 0 ? got.rc == CM_ERR_ARGUMENT : got == expected, "a job is not the single call");
  }
}

// check_handles: secret and salt as keys.
void check_handles(const Case& c, const Outcome& expected) {
  Case by_handle = c;
  point_all(by_handle);
  const Key secret(key_params(CM_ALG_SECRET), c.input);
  by_handle.p.secret = secret.get();
  by_handle.p.input = nullptr;
  by_handle.p.input_size = 0;
  require(as_key(by_handle) == expected, "a secret is not its bytes");
}

void check_value(const Case& c, const Bytes& out) {
  const Bytes value = right(c);
  require(value.empty() || value == out, "not what libcrypto derives");
}

void check_right(Input& input, const Case& c) {
  Bytes out;
  const Outcome key = as_key(c);
  check_batch(input, c, key);
  if (c.p.function != CM_KDF_TLS13_TRAFFIC_KEY) {
    require(as_bytes(c, out) == key, "a key is not its bytes");
    if (CM_SUCCEEDED(key.rc)) check_value(c, out);
  }
  check_handles(c, key);
}

// check_wrong: one field is something else: any answer, but the same from every way, and nothing left behind.
void check_wrong(Input& input, Case& c) {
  uint32_t* const numbers[] = {&c.p.struct_size,  &c.p.function, &c.p.prf,        &c.p.hash,       &c.p.mode,
                               &c.p.counter_bits, &c.p.flags,    &c.p.iterations, &c.p.ssh_letter, &c.p.counter_place};
  const uint8_t choice = input.byte();
  if (choice % 2 == 0)
    *numbers[choice / 2 % std::size(numbers)] = input.byte();
  else
    c.p.salt_size = choice % 4 == 1 ? ~size_t{0} : size_t{1} << 61;
  Bytes out;
  const Outcome key = as_key(c);
  if (c.p.function == CM_KDF_TLS13_TRAFFIC_KEY) return;
  require(as_bytes(c, out) == key, "a wrong field has two answers");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  start_case(input);
  const Case c = read_case(input);
  check_right(input, c);
  Case wrong = c;
  point_all(wrong);
  check_wrong(input, wrong);
  end_case();
  return 0;
}
