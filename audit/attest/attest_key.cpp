// SPDX-License-Identifier: Apache-2.0
// attest_key.cpp: see attest_key.h.
#include "audit/attest/attest_key.h"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/base/bytes.h"
#include "crypto/sha2/sha256.h"

namespace cm::audit {
namespace {

using Kind = AttestFault::Kind;

// named: TPM2B_NAME of SHA-256 (Part 1, 16): nameAlg and the digest.
Bytes named(const Digest& digest) {
  Bytes name(kTpmNameSize);
  name[0] = kTpmAlgSha256 >> 8;
  name[1] = kTpmAlgSha256 & 0xff;
  std::copy(digest.begin(), digest.end(), name.begin() + sizeof kTpmAlgSha256);
  return name;
}

}  // namespace

Digest sha256_of(Lane lane, std::span<const uint8_t> bytes) {
  Digest out;
  sha256(lane, out.data(), bytes.data(), bytes.size());
  return out;
}

Bytes key_name(Lane lane, TpmBytes ak_public) { return named(sha256_of(lane, ak_public)); }

// The qualified name of a primary key is H(handle of its hierarchy | name), its name is H(TPMT_PUBLIC) (Part 1, 16).
std::optional<AttestKey> AttestKey::from_public(Lane lane, TpmBytes ak_public, std::string& why) {
  const auto ak = parse_ak_public(ak_public);
  if (!ak || !ak->usable) {
    why = ak ? "attributes" : "not a TPMT_PUBLIC of that kind";
    return std::nullopt;
  }
  auto key = from_point(lane, ak->point);
  if (!key) {
    why = "not a point of the curve";
    return std::nullopt;
  }
  Bytes qualified(sizeof kTpmRhEndorsement + kTpmNameSize);
  store_be32(qualified.data(), kTpmRhEndorsement);
  std::ranges::copy(key_name(lane, ak_public), qualified.begin() + sizeof kTpmRhEndorsement);
  key->qualified_signer_ = named(sha256_of(lane, qualified));
  return key;
}

std::optional<AttestKey> AttestKey::from_point(Lane lane, const P256Point& point) {
  auto key = P256Key::from_point(point);
  if (!key) return std::nullopt;
  return AttestKey(lane, std::move(*key));
}

std::optional<AttestFault> AttestKey::check_signature(const Bytes& attest, const Bytes& signature, const char* what,
                                                      uint64_t& signatures) const {
  const auto parsed = parse_signature(signature);
  if (!parsed) return AttestFault{Kind::kMalformed, fmt::format("signature of the {}", what)};
  ++signatures;
  if (!key_.verify(sha256_of(lane_, attest), *parsed)) return AttestFault{Kind::kSignature, what};
  return std::nullopt;
}

std::optional<AttestFault> AttestKey::check_common(const TpmAttest& attest, const Digest& binding,
                                                   const char* what) const {
  if (!std::ranges::equal(attest.extra_data, binding)) return AttestFault{Kind::kBinding, what};
  if (!qualified_signer_.empty() && !std::ranges::equal(attest.qualified_signer, qualified_signer_))
    return AttestFault{Kind::kSigner, what};
  return std::nullopt;
}

std::optional<AttestFault> AttestKey::check(const Anchor& p, const Digest& binding, Attested& out,
                                            uint64_t& signatures) const {
  const auto quote = parse_quote(p.quote_attest);
  if (!quote) return AttestFault{Kind::kMalformed, "quote"};
  const auto certified = parse_nv_certify(p.nv_attest);
  if (!certified) return AttestFault{Kind::kMalformed, "counter certification"};
  out = {*quote, *certified};
  constexpr char kQuote[] = "quote", kCertification[] = "counter certification";
  if (auto found = check_signature(p.quote_attest, p.quote_signature, kQuote, signatures)) return found;
  if (auto found = check_signature(p.nv_attest, p.nv_signature, kCertification, signatures)) return found;
  if (auto found = check_common(quote->common, binding, kQuote)) return found;
  return check_common(certified->common, binding, kCertification);
}

}  // namespace cm::audit
