// SPDX-License-Identifier: Apache-2.0
// log_signature.cpp: see log_signature.h.
#include "audit/verify/log_signature.h"

#include <algorithm>

#include "audit/attest/attest_key.h"

namespace cm::audit::verify {
namespace {

using KeyId = decltype(NoteSignature::key_id);

// key_id: of this type of signature: the beginning of the digest of the SubjectPublicKeyInfo.
KeyId key_id(Lane lane, const P256Key& key) {
  const Digest digest = sha256_of(lane, key.spki());
  KeyId out;
  std::copy_n(digest.begin(), out.size(), out.begin());
  return out;
}

}  // namespace

std::optional<CheckpointKey> checkpoint_key(const Trust& trust) {
  std::optional<P256Point> point = trust.ak;
  std::optional<std::string> origin;
  if (trust.enrolment) {
    const auto ak = parse_ak_public(trust.enrolment->ak_public);
    if (!ak || !ak->usable) return std::nullopt;
    point = ak->point;
    origin = log_origin(trust.enrolment->log_id);
  }
  auto key = point ? P256Key::from_point(*point) : std::nullopt;
  if (!key) return std::nullopt;
  return CheckpointKey{std::move(*key), std::move(origin)};
}

std::optional<NoteSignature> log_signature(Lane lane, const P256Key& key, std::string_view origin, TpmBytes signature) {
  const auto parsed = parse_signature(signature);
  if (!parsed) return std::nullopt;
  NoteSignature out{std::string(origin), key_id(lane, key), der_signature(*parsed)};
  if (out.value.empty()) return std::nullopt;
  return out;
}

NoteVerdict judge_note(Lane lane, const CheckpointKey& key, std::string_view origin, const SignedNote& note) {
  if (key.origin && *key.origin != origin) return NoteVerdict::kWrong;
  const KeyId id = key_id(lane, key.key);
  const Digest digest = checkpoint_challenge(lane, note.text);
  NoteVerdict out = NoteVerdict::kUnsigned;
  for (const NoteSignature& s : note.signatures) {
    if (s.name != origin || s.key_id != id) continue;
    if (!key.key.verify_der(digest, s.value)) return NoteVerdict::kWrong;
    out = NoteVerdict::kSigned;
  }
  return out;
}

}  // namespace cm::audit::verify
