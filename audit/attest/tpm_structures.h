// SPDX-License-Identifier: Apache-2.0
// tpm_structures.h: a strict, bounded parser for the five TPM 2.0 structures a verifier meets (TCG TPM 2.0 Library,
// Part 2: Structures): TPMS_ATTEST for quotes and NV certifications, TPMT_SIGNATURE, TPMT_PUBLIC and TPM names. No TPM
// library: an auditor's machine has none. Anything beyond the one shape each may have here is refused; all TPM integers
// are big endian. Parsed structures point into their input and must not outlive it.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace cm::audit {

using TpmBytes = std::span<const uint8_t>;

inline constexpr uint16_t kTpmAlgSha256 = 0x000b;          // Part 2, 6.3 TPM_ALG_ID
inline constexpr size_t kTpmNameSize = 2 + 32;             // Part 2, 10.5.3 TPM2B_NAME: nameAlg and a SHA-256 digest
inline constexpr uint32_t kTpmRhEndorsement = 0x4000000b;  // Part 2, 7.4 TPM_RH_ENDORSEMENT

// P256Point: affine coordinates, big endian, padded to the field size.
struct P256Point {
  std::array<uint8_t, 32> x{};
  std::array<uint8_t, 32> y{};
  bool operator==(const P256Point&) const = default;
};

// P256Signature: TPMS_SIGNATURE_ECDSA with SHA-256 (Part 2, 11.2.2), r and s padded to 32 bytes.
struct P256Signature {
  std::array<uint8_t, 32> r{};
  std::array<uint8_t, 32> s{};
};

// TpmClockInfo: TPMS_CLOCK_INFO (Part 2, 10.11.1).
struct TpmClockInfo {
  uint64_t clock_ms = 0;
  uint32_t reset_count = 0;
  uint32_t restart_count = 0;
  bool safe = false;
};

// TpmAttest: the part of TPMS_ATTEST (Part 2, 10.12.8) that quotes and certifications share.
struct TpmAttest {
  TpmBytes qualified_signer;
  TpmBytes extra_data;
  TpmClockInfo clock;
  uint64_t firmware = 0;
};

// TpmQuote: TPMS_QUOTE_INFO (Part 2, 10.12.4). pcr: the register, when exactly one of the SHA-256 bank is selected.
struct TpmQuote {
  TpmAttest common;
  std::optional<uint32_t> pcr;
  TpmBytes pcr_digest;
};

// TpmNvCertify: TPMS_NV_CERTIFY_INFO (Part 2, 10.12.7) over a whole counter: offset 0, eight bytes.
struct TpmNvCertify {
  TpmAttest common;
  TpmBytes index_name;
  uint64_t value = 0;
};

// TpmAkPublic: TPMT_PUBLIC (Part 2, 12.2.4) of an attestation key.
struct TpmAkPublic {
  P256Point point;
  // usable: attributes of a key that the TPM made itself, never gives away, and uses on its own structures only
  // (Part 2, 8.3: fixedTPM, fixedParent, sensitiveDataOrigin, restricted, sign; not decrypt).
  bool usable = false;
};

std::optional<TpmQuote> parse_quote(TpmBytes in);
std::optional<TpmNvCertify> parse_nv_certify(TpmBytes in);
std::optional<P256Signature> parse_signature(TpmBytes in);
std::optional<TpmAkPublic> parse_ak_public(TpmBytes in);

// valid_name: shape of a SHA-256 name.
bool valid_name(TpmBytes name);

}  // namespace cm::audit
