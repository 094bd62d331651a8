// SPDX-License-Identifier: Apache-2.0
// gen_docs FILE | gen_docs --check FILE: writes docs/tables.md from the central tables, or says whether it is up to
// date. It reads the tables by including them, so what the document says is what the compiler saw. It must not link the
// module.
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/aes/aes_kernels.h"
#include "crypto/base/status.h"
#include "crypto/chacha/chacha_kernels.h"
#include "crypto/gcm/gcm_kernels.h"
#include "crypto/hash/hash_function.h"
#include "crypto/module/fsm.h"
#include "crypto/module/kdf_functions.h"
#include "crypto/module/key_algorithms.h"
#include "crypto/module/services.h"
#include "crypto/sha1/sha1_kernels.h"
#include "crypto/sha2/sha256_kernels.h"
#include "crypto/sha2/sha512_kernels.h"
#include "crypto/sha3/keccak_kernels.h"
#include "crypto/sha3/keccak_multi_kernels.h"
#include "selftest/casts.h"

namespace cm {
namespace {

using Row = std::vector<std::string>;

std::string line(const Row& cells) {
  std::string text = "|";
  for (const std::string& cell : cells) text += fmt::format(" {} |", cell);
  return text + "\n";
}

std::string table(const Row& head, const std::vector<Row>& rows) {
  std::string text = line(head) + line(Row(head.size(), "---"));
  for (const Row& row : rows) text += line(row);
  return text + "\n";
}

std::string_view text_of(Roles roles) {
  switch (roles) {
    case Roles::kNone:
      return "no session";
    case Roles::kAny:
      return "user, officer";
    case Roles::kOfficer:
      return "officer";
  }
  return "";
}

std::string_view text_of(Approval approval) {
  switch (approval) {
    case Approval::kNotSecurity:
      return "-";
    case Approval::kApproved:
      return "yes";
    case Approval::kByInput:
      return "by input";
    case Approval::kNever:
      return "never";
  }
  return "";
}

std::string_view text_of(SspUse use) {
  switch (use) {
    case SspUse::kNone:
      return "-";
    case SspUse::kUses:
      return "uses";
    case SspUse::kCreates:
      return "creates";
    case SspUse::kDestroys:
      return "destroys";
    case SspUse::kOutputs:
      return "outputs, wrapped";
    case SspUse::kOutputsClear:
      return "outputs, in the clear";
  }
  return "";
}

std::string_view text_of(ReleaseClass release) {
  switch (release) {
    case ReleaseClass::kA:
      return "A";
    case ReleaseClass::kB:
      return "B";
    case ReleaseClass::kC:
      return "C";
    case ReleaseClass::kActFirst:
      return "acts first";
  }
  return "";
}

std::string_view text_of(FsmEvent event) {
  switch (event) {
    case FsmEvent::kTestsBegin:
      return "tests begin";
    case FsmEvent::kTestsPassed:
      return "tests passed";
    case FsmEvent::kTestsFailed:
      return "tests failed";
    case FsmEvent::kAttached:
      return "attached to a writer";
    case FsmEvent::kZeroise:
      return "zeroise";
    case FsmEvent::kShutdown:
      return "shutdown";
    case FsmEvent::kFailure:
      return "failure";
  }
  return "";
}

std::string_view text_of(State state) {
  for (const StateName& row : kStateNames)
    if (row.state == state) return row.name;
  return "";
}

std::string states_text(StateMask mask) {
  std::string text;
  for (const StateName& row : kStateNames)
    if ((mask & state_bit(static_cast<uint32_t>(row.state))) != 0)
      text += fmt::format("{}{}", text.empty() ? "" : ", ", row.name);
  return text;
}

std::string features_text(FeatureMask mask) {
  struct Name {
    FeatureMask bit;
    std::string_view name;
  };
  constexpr Name kNames[] = {
      {kFeatureSse41, "SSE4.1"},
      {kFeatureAesni, "AES-NI, PCLMULQDQ"},
      {kFeatureShani, "SHA"},
      {kFeatureBmi2, "BMI2"},
      {kFeatureAvx2, "AVX2"},
      {kFeatureAvx512, "AVX-512 F, BW, DQ, VL"},
      {kFeatureVaes, "VAES, VPCLMULQDQ"},
      {kFeatureRdseed, "RDSEED"},
      {kFeatureInvariantTsc, "invariant TSC"},
      {kFeatureIfma, "AVX-512 IFMA"},
  };
  std::string text;
  for (const Name& n : kNames) {
    if ((mask & n.bit) == 0) continue;
    text += fmt::format("{}{}", text.empty() ? "" : ", ", n.name);
    mask &= static_cast<FeatureMask>(~n.bit);
  }
  if (mask != 0) text += fmt::format(", unnamed bits {:#x}", mask);
  return text.empty() ? "any CPU" : text;
}

std::string or_dash(std::string_view text) { return std::string(text.empty() ? "-" : text); }

std::string services() {
  std::vector<Row> rows;
  for (const ServiceRow& s : kServices)
    rows.push_back({fmt::format("{:#06x}", static_cast<uint32_t>(s.id)), fmt::format("`{}`", s.function),
                    std::string(text_of(s.roles)), std::string(text_of(s.approval)), std::string(text_of(s.ssp)),
                    std::string(text_of(s.release)), or_dash(s.algorithm), states_text(s.states)});
  return table({"id", "function", "role", "approved", "SSPs", "release class", "self-tested as", "states"}, rows);
}

std::string_view text_of(KeySizes sizes) {
  switch (sizes) {
    case KeySizes::kAes:
      return "128, 192, 256";
    case KeySizes::kXts:
      return "256, 512";
    case KeySizes::kMac:
      return "8 to 4096";
    case KeySizes::k256:
      return "256";
    case KeySizes::kSiv:
      return "128, 256";
  }
  return "";
}

std::string_view usage_text(uint32_t usage) {
  switch (usage) {
    case kSealOpen:
      return "seal, open";
    case kWrapUnwrap:
      return "wrap, unwrap";
    case kMacVerify:
      return "MAC, verify";
    case kEncryptDecrypt:
      return "encrypt, decrypt";
    case kDerive:
      return "derive";
    default:
      return "";
  }
}

std::string key_algorithms() {
  std::vector<Row> rows;
  for (const KeyAlgorithmRow& k : kKeyAlgorithms)
    rows.push_back({fmt::format("{}", k.algorithm), k.name, std::string(text_of(k.sizes)),
                    std::string(usage_text(k.usage)), k.indicator == Status::kOk ? "yes" : "no", k.self_test});
  return table({"`CM_ALG_*`", "algorithm", "bits", "usage", "approved", "self-tested as"}, rows);
}

std::string_view standard_of(const HashFunctionRow& h) {
  switch (h.kind) {
    case HashKind::kFixed:
      return hash_row(h.fixed).core == HashCore::kKeccak ? "FIPS 202 6.1" : "FIPS 180-4 6";
    case HashKind::kShake:
      return "FIPS 202 6.2";
    case HashKind::kCshake:
      return "SP 800-185 3";
    case HashKind::kTuple:
    case HashKind::kTupleXof:
      return "SP 800-185 5";
    case HashKind::kParallel:
    case HashKind::kParallelXof:
      return "SP 800-185 6";
  }
  return "";
}

std::string hash_functions() {
  std::vector<Row> rows;
  for (const HashFunctionRow& h : kHashFunctions) {
    const size_t size = hash_function_size(h);
    rows.push_back({fmt::format("{}", h.number), h.name, size != 0 ? fmt::format("{}", size) : "any",
                    hash_function_squeezes(h) ? "yes" : "no", std::string(standard_of(h)), h.self_test});
  }
  return table({"`CM_HASH_*`", "function", "bytes", "output in pieces", "standard", "self-tested as"}, rows);
}

std::string fields_text(uint32_t fields) {
  struct Name {
    uint32_t bit;
    std::string_view name;
  };
  constexpr Name kNames[] = {{kKdfSalt, "salt"},        {kKdfLabel, "label"},           {kKdfContext, "context"},
                             {kKdfMode, "mode and IV"}, {kKdfIterations, "iterations"}, {kKdfSsh, "letter, form"}};
  std::string text;
  for (const Name& row : kNames)
    if ((fields & row.bit) != 0) text += fmt::format("{}{}", text.empty() ? "" : ", ", row.name);
  return text;
}

std::string prfs_text(uint32_t prfs) {
  constexpr std::string_view kNames[] = {"", "HMAC", "CMAC", "KMAC128", "KMAC256", "hash"};
  std::string text;
  for (uint32_t prf = CM_PRF_HMAC; prf <= CM_PRF_HASH; ++prf)
    if ((prfs & prf_bit(prf)) != 0) text += fmt::format("{}{}", text.empty() ? "" : ", ", kNames[prf]);
  return text.empty() ? "its own" : text;
}

std::string hashes_text(uint32_t hashes) {
  if (hashes == kAllHashes) return "all";
  std::string text;
  for (const HashRow& row : kHashes)
    if ((hashes & hash_bit(static_cast<uint32_t>(row.id))) != 0)
      text += fmt::format("{}{}", text.empty() ? "" : ", ", row.name);
  return text;
}

std::string kdf_functions() {
  std::vector<Row> rows;
  for (const KdfFunctionRow& k : kKdfFunctions)
    rows.push_back({fmt::format("{}", k.function), k.name, k.source, fields_text(k.fields), prfs_text(k.prfs),
                    hashes_text(k.hashes), k.self_test});
  return table({"`CM_KDF_*`", "function", "standard", "takes", "PRF", "approved with", "self-tested as"}, rows);
}

std::string transitions() {
  std::vector<Row> rows;
  for (const Transition& t : kTransitions)
    rows.push_back({std::string(text_of(t.from)), std::string(text_of(t.event)), std::string(text_of(t.to))});
  return table({"from", "event", "to"}, rows);
}

template <size_t N>
void add_kernels(std::vector<Row>& rows, std::string_view algorithm, const KernelRow (&kernels)[N]) {
  for (const KernelRow& k : kernels)
    rows.push_back({std::string(algorithm), lane_name(k.lane), features_text(k.needs)});
}

std::string kernels() {
  std::vector<Row> rows;
  add_kernels(rows, "SHA-256", kSha256Kernels);
  add_kernels(rows, "AES", kAesKernels);
  add_kernels(rows, "GCM", kGcmKernels);
  add_kernels(rows, "ChaCha20-Poly1305", kChaChaKernels);
  add_kernels(rows, "SHA-1", kSha1Kernels);
  add_kernels(rows, "SHA-512", kSha512Kernels);
  add_kernels(rows, "Keccak", kKeccakKernels);
  add_kernels(rows, "many hashes at once", kKeccakMultiKernels);
  return table({"algorithm", "lane", "CPU features needed"}, rows);
}

std::string_view text_of(LaneSet lanes) {
  switch (lanes) {
    case LaneSet::kNone:
      return "-";
    case LaneSet::kSha256:
      return "each of SHA-256";
    case LaneSet::kAes:
      return "each of AES";
    case LaneSet::kGcm:
      return "each of GCM";
    case LaneSet::kChaCha:
      return "each of ChaCha20-Poly1305";
    case LaneSet::kSha1:
      return "each of SHA-1";
    case LaneSet::kSha512:
      return "each of SHA-512";
    case LaneSet::kKeccak:
      return "each of Keccak";
    case LaneSet::kHashMulti:
      return "each of many hashes at once";
  }
  return "";
}

std::string casts() {
  std::vector<Row> rows;
  for (const CastRow& c : kCasts)
    rows.push_back({fmt::format("{:#07x}", 0x10000 + static_cast<uint32_t>(c.id)), fmt::format("`{}`", c.name),
                    c.algorithm, std::string(text_of(c.lanes)), c.covers, c.vector});
  return table({"event id", "test", "algorithm", "lanes", "covers", "known answer"}, rows);
}

std::string results() {
  std::vector<Row> rows;
  for (const StatusRow& s : kStatusTable)
    rows.push_back(
        {fmt::format("{}", s.code), fmt::format("`{}`", s.name), s.text, s.moves_to_error ? "error state" : "-"});
  return table({"value", "name", "meaning", "leads to"}, rows);
}

std::string document() {
  return "# Tables\n\n"
         "Generated from the central tables by `build/release/gen_docs docs/tables.md`; `tools/gates/docs` checks "
         "it.\n\n"
         "## Services\n\nFrom `crypto/module/services.h`. The id is the event id of the service's records in the audit "
         "log. "
         "What the release classes mean is in [audit.md](audit.md).\n\n" +
         services() +
         "## Algorithms of keys\n\nFrom `crypto/module/key_algorithms.h`. A service that is self-tested \"by key\" is "
         "covered by the test of the key's algorithm.\n\n" +
         key_algorithms() +
         "## Hash functions\n\nFrom `crypto/hash/hash_function.h`. A service that is self-tested \"by function\" is "
         "covered "
         "by the test of the function. All are approved.\n\n" +
         hash_functions() +
         "## Key derivation\n\nFrom `crypto/module/kdf_functions.h`. A service or key that is self-tested \"by "
         "derivation\" is covered by the test of the function.\n\n" +
         kdf_functions() +
         "## State machine\n\nFrom `crypto/module/fsm.h`. A pair that is not listed leads to the error state.\n\n" +
         transitions() +
         "## Kernels\n\nFrom `crypto/*/*_kernels.h`, slowest first. Every lane that the CPU can run is tested when the "
         "library is "
         "loaded; then the last of them is used for the life of the process.\n\n" +
         kernels() + "## Self-tests\n\nFrom `selftest/casts.h`, in the order they run.\n\n" + casts() +
         "## Results\n\nFrom `crypto/base/status.h`; the values are those of `cryptomod.h` and of the exit "
         "records.\n\n" +
         results();
}

int check(const char* path, const std::string& wanted) {
  std::ifstream file(path, std::ios::binary);
  const std::string found{std::istreambuf_iterator<char>(file), {}};
  if (file && found == wanted) return 0;
  fmt::print(stderr, "gen_docs: {} is not what the tables say; write it again: build/release/gen_docs {}\n", path,
             path);
  return 1;
}

int write(const char* path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (file) return 0;
  fmt::print(stderr, "gen_docs: cannot write {}\n", path);
  return 1;
}

}  // namespace
}  // namespace cm

int main(int argc, char** argv) {
  std::string text = cm::document();
  // One newline at the end of the file.
  while (text.ends_with("\n\n")) text.pop_back();
  if (argc == 2 && argv[1][0] != '-') return cm::write(argv[1], text);
  if (argc == 3 && std::string_view(argv[1]) == "--check") return cm::check(argv[2], text);
  fmt::print(stderr, "usage: gen_docs FILE | gen_docs --check FILE\n");
  return 64;
}
