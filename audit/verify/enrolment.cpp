// SPDX-License-Identifier: Apache-2.0
// enrolment.cpp: see enrolment.h.
#include "audit/verify/enrolment.h"

#include <fmt/format.h>

#include "audit/attest/attest_key.h"
#include "audit/attest/tpm_structures.h"

namespace cm::audit::verify {
namespace {

constexpr uint8_t kKindSoftware = 1;
constexpr uint8_t kKindDevice = 2;

std::optional<Genesis> genesis_in(const Bytes& payload) {
  Bytes padded = payload;
  padded.resize((padded.size() + kFrameAlign - 1) / kFrameAlign * kFrameAlign);
  Genesis out;
  const bool sound = decode(padded, out) && encode(out) == payload && valid_name(out.nv_name) &&
                     (out.tpm.kind == kKindSoftware || out.tpm.kind == kKindDevice);
  if (!sound) return std::nullopt;
  return out;
}

// same_template: what stands before the key itself (ek_certificate.cpp).
bool same_template(const Bytes& a, const Bytes& b, EkKind kind) {
  const size_t key = kind == EkKind::kRsa2048 ? 256 : 2 * (2 + 32);
  return a.size() == b.size() && std::equal(a.begin(), a.end() - static_cast<ptrdiff_t>(key), b.begin());
}

}  // namespace

std::optional<Enrolment> enrolment_of(Lane lane, const EnrolRequest& request, std::string& why) {
  const auto g = genesis_in(request.genesis);
  if (!g) {
    why = "the request's genesis payload is none";
    return std::nullopt;
  }
  std::string reason;
  if (!AttestKey::from_public(lane, g->ak_public, reason)) {
    why = "the attestation key is refused, it is no restricted ECDSA P-256 key that stays in its TPM: " + reason;
    return std::nullopt;
  }
  Enrolment e;
  e.log_id = request.log_id;
  e.ak_public = g->ak_public;
  e.genesis_head = request.genesis_head;
  e.reset_count = g->tpm.reset_count;
  e.restart_count = g->tpm.restart_count;
  e.clock_ms = g->tpm.clock_ms;
  e.nv_index = g->nv_index;
  e.nv_name = g->nv_name;
  e.nv_start = g->nv_start;
  e.pcr_index = g->pcr_index;
  e.tpm_kind = g->tpm.kind == kKindSoftware ? "software" : "device";
  return e;
}

std::optional<Prepared> prepare(Lane lane, const EnrolRequest& request, const std::string& request_file,
                                const CaFiles& cas, std::string& why) {
  const auto enrolment = enrolment_of(lane, request, why);
  if (!enrolment) return std::nullopt;
  const auto ek = check_ek_certificate(request.ek_certificate, request.ek_kind, cas, why);
  if (!ek) return std::nullopt;
  if (request.ek_public != ek->ek_public) {
    why =
        same_template(request.ek_public, ek->ek_public, request.ek_kind)
            ? "the endorsement key is not the one that the certificate is about"
            : "the endorsement key is not that of the default template: restricted, for decryption, fixed to its TPM, "
              "under the endorsement hierarchy's policy";
    return std::nullopt;
  }
  const auto secret = draw(), nonce = draw();
  const auto credential = secret ? make_credential(*ek, key_name(lane, enrolment->ak_public), *secret) : std::nullopt;
  if (!credential || !nonce) {
    why = "libcrypto gives no random numbers, or cannot encrypt";
    return std::nullopt;
  }
  const TpmBytes file(reinterpret_cast<const uint8_t*>(request_file.data()), request_file.size());
  return Prepared{{request.log_id, request.ek_kind, *credential, *nonce},
                  {sha256_of(lane, file), *secret, *nonce, ek->about}};
}

std::optional<Enrolment> conclude(Lane lane, const EnrolRequest& request, const EnrolSecret& secret,
                                  const EnrolAnswer& answer, std::string& why) {
  auto enrolment = enrolment_of(lane, request, why);
  if (!enrolment) return std::nullopt;
  if (!same_secret(secret.secret, answer.secret)) {
    why = "the secret that came back is not the one that was sent";
    return std::nullopt;
  }
  const ChallengeResult anchored = judge_answer(lane, answer.anchor, secret.nonce, {enrolment, std::nullopt});
  if (exit_code(anchored.report) != kExitVerified) {
    why = "the anchor over the nonce is refused: " + to_text(anchored);
    return std::nullopt;
  }
  enrolment->endorsement = secret.endorsement;
  return enrolment;
}

}  // namespace cm::audit::verify
