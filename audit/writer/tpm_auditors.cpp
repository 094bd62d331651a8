// SPDX-License-Identifier: Apache-2.0
// tpm_auditors.cpp: what auditors ask of the TPM (tpm.h): about the endorsement key, for enrolment, and to sign. [TCG
// EK Credential Profile for TPM 2.0, 2.2 (NV indices) and B.3 (templates L-1 and L-2); TPM 2.0 Library, part 3, 12.5]
// Nothing of it stays in the TPM.
#include <tss2/tss2_rc.h>

#include <algorithm>
#include <cstring>

#include "audit/writer/tpm.h"
#include "audit/writer/tpm_esys.h"

namespace cm::audit {
namespace {

constexpr TPM2_HANDLE kRsaCertificate = 0x01c00002;
constexpr TPM2_HANDLE kEccCertificate = 0x01c0000a;
constexpr uint16_t kNvChunk = 512;  // every TPM reads as much in one command (PC Client Profile)
// TPM2_PolicySecret(TPM_RH_ENDORSEMENT): PolicyA of the profile.
constexpr std::array<uint8_t, kDigestSize> kPolicyA = {0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc,
                                                       0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52,
                                                       0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa};

// Loaded: an object or session that is flushed when it goes out of scope.
class Loaded {
 public:
  explicit Loaded(ESYS_CONTEXT* esys) : esys_(esys) {}
  ~Loaded() {
    if (handle != ESYS_TR_NONE) (void)Esys_FlushContext(esys_, handle);
  }
  Loaded(const Loaded&) = delete;
  Loaded& operator=(const Loaded&) = delete;
  ESYS_TR handle = ESYS_TR_NONE;

 private:
  ESYS_CONTEXT* esys_;
};

// answered: the TPM, or its resource manager, said no; else nobody answered.
bool answered(TSS2_RC rc) {
  const TSS2_RC layer = rc & TSS2_RC_LAYER_MASK;
  return layer == TSS2_TPM_RC_LAYER || layer == TSS2_RESMGR_RC_LAYER || layer == TSS2_RESMGR_TPM_RC_LAYER;
}

// is_about_a_parameter: the TPM refuses what it was given, and not who asks or when (Part 2, 6.6.2: format one, bit P).
bool is_about_a_parameter(TSS2_RC rc) { return answered(rc) && (rc & TPM2_RC_FMT1) != 0 && (rc & TPM2_RC_P) != 0; }

// judge: of a command that failed: the TPM's refusal, or the error that there is no TPM.
Error judge(const char* what, TSS2_RC rc, std::string& refusal) {
  const std::string text = std::string(what) + ": " + Tss2_RC_Decode(rc);
  if (!answered(rc)) return {text};
  refusal = text;
  return {};
}

TPM2B_PUBLIC ek_template(EkKind kind) {
  TPM2B_PUBLIC area{};
  TPMT_PUBLIC& p = area.publicArea;
  p.nameAlg = TPM2_ALG_SHA256;
  p.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                       TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
  p.authPolicy.size = kPolicyA.size();
  std::ranges::copy(kPolicyA, p.authPolicy.buffer);
  const TPMT_SYM_DEF_OBJECT aes_128_cfb = {TPM2_ALG_AES, {128}, {TPM2_ALG_CFB}};
  if (kind == EkKind::kRsa2048) {
    p.type = TPM2_ALG_RSA;
    p.parameters.rsaDetail.symmetric = aes_128_cfb;
    p.parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL;
    p.parameters.rsaDetail.keyBits = 2048;
    p.unique.rsa.size = 256;  // zeroes, as the coordinates below
  } else {
    p.type = TPM2_ALG_ECC;
    p.parameters.eccDetail.symmetric = aes_128_cfb;
    p.parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
    p.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
    p.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
    p.unique.ecc.x.size = p.unique.ecc.y.size = 32;
  }
  return area;
}

}  // namespace

TSS2_RC Tpm::make_endorsement_key(EkKind kind, ESYS_TR& key, Bytes* ek_public) {
  const TPM2B_SENSITIVE_CREATE sensitive{};
  const TPM2B_PUBLIC area = ek_template(kind);
  const TPM2B_DATA outside{};
  const TPML_PCR_SELECTION no_pcr{};
  TPM2B_PUBLIC* raw = nullptr;
  const TSS2_RC rc = Esys_CreatePrimary(esys_, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                        &sensitive, &area, &outside, &no_pcr, &key, &raw, nullptr, nullptr, nullptr);
  const EsysPtr<TPM2B_PUBLIC> made(raw);
  if (rc == TSS2_RC_SUCCESS && ek_public != nullptr) *ek_public = marshal_public(made->publicArea);
  return rc;
}

Error Tpm::read_certificate(EkKind kind, Bytes& out, std::string& refusal) {
  const TPM2_HANDLE index = kind == EkKind::kRsa2048 ? kRsaCertificate : kEccCertificate;
  constexpr char kCannot[] = "cannot read the endorsement certificate";
  ESYS_TR nv = ESYS_TR_NONE;
  TSS2_RC rc = Esys_TR_FromTPMPublic(esys_, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &nv);
  if (rc != TSS2_RC_SUCCESS) return answered(rc) ? Error{} : judge(kCannot, rc, refusal);  // there is none
  TPM2B_NV_PUBLIC* raw = nullptr;
  rc = Esys_NV_ReadPublic(esys_, nv, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &raw, nullptr);
  const EsysPtr<TPM2B_NV_PUBLIC> area(raw);
  const size_t size = rc == TSS2_RC_SUCCESS ? area->nvPublic.dataSize : 0;
  const bool by_index = size != 0 && (area->nvPublic.attributes & TPMA_NV_AUTHREAD) != 0;
  if (size > kMaxEkCertificate) refusal = "the TPM's endorsement certificate is too long";
  while (rc == TSS2_RC_SUCCESS && refusal.empty() && out.size() < size) {
    const auto part = static_cast<uint16_t>(std::min<size_t>(kNvChunk, size - out.size()));
    TPM2B_MAX_NV_BUFFER* bytes = nullptr;
    rc = Esys_NV_Read(esys_, by_index ? nv : ESYS_TR_RH_OWNER, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, part,
                      static_cast<uint16_t>(out.size()), &bytes);
    const EsysPtr<TPM2B_MAX_NV_BUFFER> data(bytes);
    if (rc == TSS2_RC_SUCCESS) out.insert(out.end(), data->buffer, data->buffer + data->size);
  }
  (void)Esys_TR_Close(esys_, &nv);
  return rc == TSS2_RC_SUCCESS ? Error{} : judge(kCannot, rc, refusal);
}

Error Tpm::read_endorsement(EkKind kind, Endorsement& out, std::string& refusal) {
  if (Error error = read_certificate(kind, out.certificate, refusal)) return error;
  if (out.certificate.empty() || !refusal.empty()) return {};
  Loaded key(esys_);
  const TSS2_RC rc = make_endorsement_key(kind, key.handle, &out.ek_public);
  return rc == TSS2_RC_SUCCESS ? Error{} : judge("the TPM does not make its endorsement key", rc, refusal);
}

TSS2_RC Tpm::begin_endorsement_policy(ESYS_TR& session) {
  const TPMT_SYM_DEF no_encryption = {TPM2_ALG_NULL, {0}, {0}};
  const TSS2_RC rc = Esys_StartAuthSession(esys_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                           nullptr, TPM2_SE_POLICY, &no_encryption, TPM2_ALG_SHA256, &session);
  if (rc != TSS2_RC_SUCCESS) return rc;
  return Esys_PolicySecret(esys_, ESYS_TR_RH_ENDORSEMENT, session, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                           nullptr, nullptr, nullptr, 0, nullptr, nullptr);
}

// works: whether the TPM still takes commands.
bool Tpm::works() {
  TPMS_TIME_INFO* raw = nullptr;
  const TSS2_RC rc = Esys_ReadClock(esys_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &raw);
  const EsysPtr<TPMS_TIME_INFO> info(raw);
  return rc == TSS2_RC_SUCCESS;
}

// activate: an empty out without a refusal: the TPM refuses the credential itself. libtpms says TPM_RC_FAILURE when a
// secret cannot be decrypted with RSA, and goes on.
Error Tpm::activate(EkKind kind, const Bytes& credential, const Bytes& secret, Bytes& out, std::string& refusal) {
  TPM2B_ID_OBJECT blob{};
  TPM2B_ENCRYPTED_SECRET seed{};
  if (credential.size() > sizeof blob.credential || secret.size() > sizeof seed.secret) return {};
  blob.size = static_cast<UINT16>(credential.size());
  std::ranges::copy(credential, blob.credential);
  seed.size = static_cast<UINT16>(secret.size());
  std::ranges::copy(secret, seed.secret);

  Loaded key(esys_), session(esys_);
  TSS2_RC rc = make_endorsement_key(kind, key.handle, nullptr);
  if (rc != TSS2_RC_SUCCESS) return judge("the TPM does not make its endorsement key", rc, refusal);
  rc = begin_endorsement_policy(session.handle);
  if (rc != TSS2_RC_SUCCESS) return judge("the TPM does not authorise its endorsement key", rc, refusal);
  TPM2B_DIGEST* raw = nullptr;
  rc = Esys_ActivateCredential(esys_, key_, key.handle, ESYS_TR_PASSWORD, session.handle, ESYS_TR_NONE, &blob, &seed,
                               &raw);
  const EsysPtr<TPM2B_DIGEST> opened(raw);
  if (rc == TSS2_RC_SUCCESS) out.assign(opened->buffer, opened->buffer + opened->size);
  if (rc == TSS2_RC_SUCCESS || is_about_a_parameter(rc) || (rc == TPM2_RC_FAILURE && works())) return {};
  return judge("cannot activate the credential", rc, refusal);
}

Error Tpm::sign(std::string_view text, Bytes& signature, std::string& refusal) {
  TPM2B_MAX_BUFFER data{};
  if (text.size() > sizeof data.buffer) {
    refusal = "the checkpoint is too long";
    return {};
  }
  data.size = static_cast<UINT16>(text.size());
  std::memcpy(data.buffer, text.data(), text.size());
  TPM2B_DIGEST* raw_digest = nullptr;
  TPMT_TK_HASHCHECK* raw_ticket = nullptr;
  const TSS2_RC hashed = Esys_Hash(esys_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &data, TPM2_ALG_SHA256,
                                   ESYS_TR_RH_ENDORSEMENT, &raw_digest, &raw_ticket);
  const EsysPtr<TPM2B_DIGEST> digest(raw_digest);
  const EsysPtr<TPMT_TK_HASHCHECK> ticket(raw_ticket);
  if (hashed != TSS2_RC_SUCCESS) return judge("the TPM does not hash the checkpoint", hashed, refusal);
  TPMT_SIGNATURE* raw_signature = nullptr;
  const TSS2_RC rc = Esys_Sign(esys_, key_, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, digest.get(), &kKeysOwnScheme,
                               ticket.get(), &raw_signature);
  const EsysPtr<TPMT_SIGNATURE> signed_by(raw_signature);
  if (rc != TSS2_RC_SUCCESS) return judge("the TPM does not sign the checkpoint", rc, refusal);
  signature = marshal_signature(*signed_by);
  if (signature.empty()) refusal = "the TPM's signature is malformed";
  return {};
}

}  // namespace cm::audit
