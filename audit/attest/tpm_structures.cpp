// SPDX-License-Identifier: Apache-2.0
// tpm_structures.cpp: see tpm_structures.h. It must not allocate and must not read beyond its input; section numbers
// are those of the TCG TPM 2.0 Library Specification, Part 2: Structures, revision 1.59.
#include "audit/attest/tpm_structures.h"

#include <algorithm>
#include <cstring>

namespace cm::audit {
namespace {

constexpr uint32_t kGeneratedValue = 0xff544347;  // 6.2 TPM_GENERATED
constexpr uint16_t kStAttestNv = 0x8014;          // 6.9 TPM_ST
constexpr uint16_t kStAttestQuote = 0x8018;
constexpr uint16_t kAlgNull = 0x0010;  // 6.3 TPM_ALG_ID
constexpr uint16_t kAlgEcdsa = 0x0018;
constexpr uint16_t kAlgEcc = 0x0023;
constexpr uint16_t kCurveP256 = 0x0003;  // 6.4 TPM_ECC_CURVE
constexpr size_t kMaxName = 68;          // 10.5.3: algorithm and the largest digest (SHA-512), or a handle
constexpr size_t kMaxData = 66;          // 10.4.3 TPM2B_DATA, a TPMT_HA
constexpr size_t kMaxDigest = 64;        // 10.4.2 TPM2B_DIGEST
constexpr uint32_t kMaxBanks = 16;       // 10.9.7 TPML_PCR_SELECTION
constexpr uint8_t kMaxSelect = 4;        // 10.6.1: up to 32 registers

// 8.3.2 TPMA_OBJECT
constexpr uint32_t kFixedTpm = 1u << 1;
constexpr uint32_t kFixedParent = 1u << 4;
constexpr uint32_t kSensitiveDataOrigin = 1u << 5;
constexpr uint32_t kRestricted = 1u << 16;
constexpr uint32_t kDecrypt = 1u << 17;
constexpr uint32_t kSign = 1u << 18;
constexpr uint32_t kMust = kFixedTpm | kFixedParent | kSensitiveDataOrigin | kRestricted | kSign;

// Reader: takes big-endian fields from the front; after the first failure everything reads as zero or empty.
class Reader {
 public:
  explicit Reader(TpmBytes in) : in_(in) {}

  TpmBytes bytes(size_t n) {
    if (!ok_ || n > in_.size()) {
      ok_ = false;
      return {};
    }
    const TpmBytes front = in_.first(n);
    in_ = in_.subspan(n);
    return front;
  }
  template <class U>
  U number() {
    U v = 0;
    for (const uint8_t b : bytes(sizeof(U))) v = static_cast<U>(v << 8 | b);
    return v;
  }
  uint8_t byte() {
    const TpmBytes one = bytes(1);
    return one.empty() ? uint8_t{0} : one[0];
  }
  // sized: a TPM2B, 10.4.1.
  TpmBytes sized(size_t max) {
    const size_t n = number<uint16_t>();
    if (n > max) ok_ = false;
    return bytes(n);
  }
  // coordinate: a TPM2B_ECC_PARAMETER (11.2.5.1) of at most 32 bytes, left-padded.
  void coordinate(std::array<uint8_t, 32>& out) {
    const TpmBytes v = sized(out.size());
    if (v.empty()) ok_ = false;
    out.fill(0);
    std::copy(v.begin(), v.end(), out.end() - static_cast<ptrdiff_t>(v.size()));
  }
  void expect(bool condition) {
    if (!condition) ok_ = false;
  }
  // complete: nothing failed and nothing is left.
  bool complete() const { return ok_ && in_.empty(); }

 private:
  TpmBytes in_;
  bool ok_ = true;
};

// read_common: TPMS_ATTEST up to its union, 10.12.8.
TpmAttest read_common(Reader& r, uint16_t type) {
  TpmAttest a;
  r.expect(r.number<uint32_t>() == kGeneratedValue);
  r.expect(r.number<uint16_t>() == type);
  a.qualified_signer = r.sized(kMaxName);
  a.extra_data = r.sized(kMaxData);
  a.clock.clock_ms = r.number<uint64_t>();
  a.clock.reset_count = r.number<uint32_t>();
  a.clock.restart_count = r.number<uint32_t>();
  const uint8_t safe = r.byte();
  r.expect(safe <= 1);  // 9.2 TPMI_YES_NO
  a.clock.safe = safe == 1;
  a.firmware = r.number<uint64_t>();
  return a;
}

// read_selection: TPML_PCR_SELECTION, 10.9.7; the register when exactly one of the SHA-256 bank is selected.
std::optional<uint32_t> read_selection(Reader& r) {
  const uint32_t banks = r.number<uint32_t>();
  r.expect(banks <= kMaxBanks);
  uint32_t sha256_bits = 0;
  bool others = false;
  for (uint32_t bank = 0; bank < std::min(banks, kMaxBanks); ++bank) {
    const uint16_t alg = r.number<uint16_t>();
    const uint8_t size = r.byte();
    r.expect(size <= kMaxSelect);
    uint32_t bits = 0;
    uint32_t shift = 0;
    for (const uint8_t b : r.bytes(std::min(size, kMaxSelect))) {
      bits |= uint32_t{b} << shift;
      shift += 8;
    }
    if (alg == kTpmAlgSha256)
      sha256_bits |= bits;
    else if (bits != 0)
      others = true;
  }
  if (others || sha256_bits == 0 || (sha256_bits & (sha256_bits - 1)) != 0) return std::nullopt;
  return static_cast<uint32_t>(__builtin_ctz(sha256_bits));
}

}  // namespace

std::optional<TpmQuote> parse_quote(TpmBytes in) {
  Reader r(in);
  TpmQuote q;
  q.common = read_common(r, kStAttestQuote);
  q.pcr = read_selection(r);
  q.pcr_digest = r.sized(kMaxDigest);
  if (!r.complete()) return std::nullopt;
  return q;
}

std::optional<TpmNvCertify> parse_nv_certify(TpmBytes in) {
  Reader r(in);
  TpmNvCertify c;
  c.common = read_common(r, kStAttestNv);
  c.index_name = r.sized(kMaxName);
  r.expect(r.number<uint16_t>() == 0);  // offset
  r.expect(r.number<uint16_t>() == sizeof c.value);
  c.value = r.number<uint64_t>();
  if (!r.complete()) return std::nullopt;
  return c;
}

std::optional<P256Signature> parse_signature(TpmBytes in) {
  Reader r(in);
  P256Signature s;
  r.expect(r.number<uint16_t>() == kAlgEcdsa);  // 11.3.4 TPMT_SIGNATURE
  r.expect(r.number<uint16_t>() == kTpmAlgSha256);
  r.coordinate(s.r);
  r.coordinate(s.s);
  if (!r.complete()) return std::nullopt;
  return s;
}

std::optional<TpmAkPublic> parse_ak_public(TpmBytes in) {
  Reader r(in);
  TpmAkPublic ak;
  r.expect(r.number<uint16_t>() == kAlgEcc);
  r.expect(r.number<uint16_t>() == kTpmAlgSha256);  // nameAlg
  const uint32_t attributes = r.number<uint32_t>();
  r.sized(kMaxDigest);                          // authPolicy
  r.expect(r.number<uint16_t>() == kAlgNull);   // 12.2.3.6 TPMS_ECC_PARMS: symmetric
  r.expect(r.number<uint16_t>() == kAlgEcdsa);  // scheme
  r.expect(r.number<uint16_t>() == kTpmAlgSha256);
  r.expect(r.number<uint16_t>() == kCurveP256);
  r.expect(r.number<uint16_t>() == kAlgNull);  // kdf
  r.coordinate(ak.point.x);
  r.coordinate(ak.point.y);
  if (!r.complete()) return std::nullopt;
  ak.usable = (attributes & kMust) == kMust && (attributes & kDecrypt) == 0;
  return ak;
}

bool valid_name(TpmBytes name) {
  return name.size() == kTpmNameSize && name[0] == kTpmAlgSha256 >> 8 && name[1] == (kTpmAlgSha256 & 0xff);
}

}  // namespace cm::audit
