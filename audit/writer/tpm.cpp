// SPDX-License-Identifier: Apache-2.0
// tpm.cpp: see tpm.h. [TPM 2.0 Library, part 3: commands; part 2: structures]
#include "audit/writer/tpm.h"

#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include <cstring>

#include "audit/writer/tpm_esys.h"
#include "crypto/base/bytes.h"

namespace cm::audit {
namespace {

constexpr uint32_t kMakerIbm = 0x49424d00;        // "IBM": libtpms names itself so
constexpr uint32_t kMakerMicrosoft = 0x4d534654;  // "MSFT": the simulator
constexpr uint32_t kVendorSoftware = 0x53572020;  // "SW  "
constexpr uint16_t kCounterSize = 8;

Error tpm_error(const char* what, TSS2_RC rc) { return {std::string(what) + ": " + Tss2_RC_Decode(rc)}; }

TPML_PCR_SELECTION select_pcr(uint32_t pcr) {
  TPML_PCR_SELECTION selection{};
  selection.count = 1;
  selection.pcrSelections[0].hash = TPM2_ALG_SHA256;
  selection.pcrSelections[0].sizeofSelect = 3;
  selection.pcrSelections[0].pcrSelect[pcr / 8] = static_cast<BYTE>(1u << pcr % 8);
  return selection;
}

// key_template: restricted ECDSA P-256 signing key: it signs only what the TPM itself made.
TPM2B_PUBLIC key_template() {
  TPM2B_PUBLIC area{};
  TPMT_PUBLIC& p = area.publicArea;
  p.type = TPM2_ALG_ECC;
  p.nameAlg = TPM2_ALG_SHA256;
  p.objectAttributes = TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_FIXEDTPM |
                       TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                       TPMA_OBJECT_NODA;
  p.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
  p.parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDSA;
  p.parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
  p.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
  p.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
  return area;
}

Error contradiction() { return {"the TPM's answers contradict each other"}; }

Bytes attest_bytes(const TPM2B_ATTEST& attest) {
  return {attest.attestationData, attest.attestationData + attest.size};
}

TPM2B_DATA qualifying(const Digest& digest) {
  TPM2B_DATA data{};
  data.size = kDigestSize;
  std::memcpy(data.buffer, digest.data(), kDigestSize);
  return data;
}

}  // namespace

Bytes marshal_public(const TPMT_PUBLIC& area) {
  Bytes out(sizeof(TPMT_PUBLIC));
  size_t size = 0;
  if (Tss2_MU_TPMT_PUBLIC_Marshal(&area, out.data(), out.size(), &size) != TSS2_RC_SUCCESS) return {};
  out.resize(size);
  return out;
}

Bytes marshal_signature(const TPMT_SIGNATURE& signature) {
  Bytes out(sizeof(TPMT_SIGNATURE));
  size_t size = 0;
  if (Tss2_MU_TPMT_SIGNATURE_Marshal(&signature, out.data(), out.size(), &size) != TSS2_RC_SUCCESS) return {};
  out.resize(size);
  return out;
}

Error Tpm::open() {
  close();
  TSS2_RC rc = Tss2_TctiLdr_Initialize(config_.tcti.c_str(), &tcti_);
  if (rc != TSS2_RC_SUCCESS) return tpm_error("cannot reach the TPM", rc);
  rc = Esys_Initialize(&esys_, tcti_, nullptr);
  if (rc != TSS2_RC_SUCCESS) return tpm_error("cannot use the TPM", rc);
  if (Error error = name_maker()) return error;
  if (config_.exclusive) {
    flush_leftovers(TPM2_TRANSIENT_FIRST);
    flush_leftovers(TPM2_LOADED_SESSION_FIRST);
  }
  return make_key();
}

void Tpm::close() {
  if (esys_ != nullptr) {
    if (key_ != ESYS_TR_NONE) (void)Esys_FlushContext(esys_, key_);
    Esys_Finalize(&esys_);
  }
  if (tcti_ != nullptr) Tss2_TctiLdr_Finalize(&tcti_);
  key_ = counter_ = ESYS_TR_NONE;
}

Error Tpm::read_maker(Maker& out) {
  TPMS_CAPABILITY_DATA* raw = nullptr;
  TPMI_YES_NO more = 0;
  const TSS2_RC rc = Esys_GetCapability(esys_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_TPM_PROPERTIES,
                                        TPM2_PT_MANUFACTURER, 8, &more, &raw);
  const EsysPtr<TPMS_CAPABILITY_DATA> data(raw);
  if (rc != TSS2_RC_SUCCESS) return tpm_error("the TPM does not say who made it", rc);
  uint64_t firmware_1 = 0, firmware_2 = 0;
  const TPML_TAGGED_TPM_PROPERTY& list = data->data.tpmProperties;
  for (uint32_t i = 0; i < list.count; ++i) {
    const TPMS_TAGGED_PROPERTY& row = list.tpmProperty[i];
    if (row.property == TPM2_PT_MANUFACTURER) out.name = row.value;
    if (row.property == TPM2_PT_VENDOR_STRING_1) out.vendor = row.value;
    if (row.property == TPM2_PT_FIRMWARE_VERSION_1) firmware_1 = row.value;
    if (row.property == TPM2_PT_FIRMWARE_VERSION_2) firmware_2 = row.value;
  }
  out.firmware = firmware_1 << 32 | firmware_2;
  return {};
}

Error Tpm::name_maker() {
  Maker again;
  if (Error error = read_maker(maker_)) return error;
  if (Error error = read_maker(again)) return error;
  if (maker_ != again) return contradiction();
  const bool software = (maker_.name == kMakerIbm && maker_.vendor == kVendorSoftware) ||
                        config_.tcti.starts_with("swtpm") || config_.tcti.starts_with("mssim") ||
                        (maker_.name == kMakerMicrosoft && !config_.tcti.starts_with("device"));
  kind_ = software ? kTpmSoftware : kTpmDevice;
  return {};
}

void Tpm::flush_leftovers(TPM2_HANDLE first) {
  TPMS_CAPABILITY_DATA* raw = nullptr;
  TPMI_YES_NO more = 0;
  if (Esys_GetCapability(esys_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_HANDLES, first, TPM2_MAX_CAP_HANDLES,
                         &more, &raw) != TSS2_RC_SUCCESS)
    return;
  const EsysPtr<TPMS_CAPABILITY_DATA> data(raw);
  for (uint32_t i = 0; i < data->data.handles.count; ++i) {
    ESYS_TR object = ESYS_TR_NONE;
    if (Esys_TR_FromTPMPublic(esys_, data->data.handles.handle[i], ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &object) ==
        TSS2_RC_SUCCESS)
      (void)Esys_FlushContext(esys_, object);
  }
}

Error Tpm::make_key() {
  const TPM2B_SENSITIVE_CREATE sensitive{};
  const TPM2B_PUBLIC area = key_template();
  const TPM2B_DATA outside{};
  const TPML_PCR_SELECTION no_pcr{};
  TPM2B_PUBLIC* raw = nullptr;
  const TSS2_RC rc = Esys_CreatePrimary(esys_, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                        &sensitive, &area, &outside, &no_pcr, &key_, &raw, nullptr, nullptr, nullptr);
  const EsysPtr<TPM2B_PUBLIC> made(raw);
  if (rc != TSS2_RC_SUCCESS) return tpm_error("the TPM does not make the attestation key", rc);
  TPM2B_PUBLIC* raw_again = nullptr;
  const TSS2_RC read =
      Esys_ReadPublic(esys_, key_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &raw_again, nullptr, nullptr);
  const EsysPtr<TPM2B_PUBLIC> again(raw_again);
  if (read != TSS2_RC_SUCCESS) return tpm_error("cannot read the attestation key", read);
  ak_public_ = marshal_public(made->publicArea);
  if (ak_public_.empty()) return {"cannot marshal the attestation key"};
  return ak_public_ == marshal_public(again->publicArea) ? Error{} : contradiction();
}

Error Tpm::identify(TpmIdentity& out) {
  TPMS_TIME_INFO* raw = nullptr;
  const TSS2_RC rc = Esys_ReadClock(esys_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &raw);
  const EsysPtr<TPMS_TIME_INFO> info(raw);
  if (rc != TSS2_RC_SUCCESS) return tpm_error("cannot read the TPM's clock", rc);
  out.kind = kind_;
  out.manufacturer = maker_.name;
  out.firmware = maker_.firmware;
  out.reset_count = info->clockInfo.resetCount;
  out.restart_count = info->clockInfo.restartCount;
  out.clock_ms = info->clockInfo.clock;
  out.clock_safe = info->clockInfo.safe == TPM2_YES ? 1 : 0;
  return {};
}

Error Tpm::read_pcr(Digest& out) {
  const TPML_PCR_SELECTION selection = select_pcr(pcr_);
  TPML_DIGEST* raw = nullptr;
  const TSS2_RC rc = Esys_PCR_Read(esys_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &selection, nullptr, nullptr, &raw);
  const EsysPtr<TPML_DIGEST> values(raw);
  if (rc != TSS2_RC_SUCCESS) return tpm_error("cannot read the PCR", rc);
  if (values->count != 1 || values->digests[0].size != kDigestSize)
    return {"the TPM has no SHA-256 bank of PCRs; allocate it (tpm2_pcrallocate sha256:all)"};
  std::memcpy(out.data(), values->digests[0].buffer, kDigestSize);
  return {};
}

Error Tpm::read_pcr_twice(Digest& out) {
  Digest again;
  if (Error error = read_pcr(out)) return error;
  if (Error error = read_pcr(again)) return error;
  return out == again ? Error{} : contradiction();
}

// The clock that is told stands between two others, so that no wrong reading of one puts it before or after its time.
Error Tpm::read_state(TpmState& out) {
  TpmIdentity before, after;
  uint64_t counter = 0;
  if (Error error = identify(before)) return error;
  if (Error error = read_pcr_twice(out.pcr)) return error;
  if (Error error = identify(out.identity)) return error;
  if (Error error = read_counter(out.counter)) return error;
  if (Error error = read_counter(counter)) return error;
  if (Error error = identify(after)) return error;
  const TpmIdentity& now = out.identity;
  for (const TpmIdentity& other : {before, after})
    if (other.reset_count != now.reset_count || other.restart_count != now.restart_count ||
        other.clock_safe != now.clock_safe)
      return contradiction();
  const bool in_order = before.clock_ms <= now.clock_ms && now.clock_ms <= after.clock_ms;
  return in_order && counter == out.counter ? Error{} : contradiction();
}

Error Tpm::extend(const Digest& digest) {
  TPML_DIGEST_VALUES values{};
  values.count = 1;
  values.digests[0].hashAlg = TPM2_ALG_SHA256;
  std::memcpy(values.digests[0].digest.sha256, digest.data(), kDigestSize);
  const TSS2_RC rc = Esys_PCR_Extend(esys_, ESYS_TR_PCR0 + pcr_, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &values);
  return rc == TSS2_RC_SUCCESS ? Error{} : tpm_error("cannot extend the PCR", rc);
}

// define_counter: orderly only in a real TPM. There the attribute keeps the count in RAM and spares the flash. But
// after a disorderly reset an orderly counter jumps ahead by the interval of its saving, and such a jump looks like
// anchors that were cut off the log. A software TPM has no wear and is killed more often, so its counter is written
// each time.
Error Tpm::define_counter() {
  TPM2B_NV_PUBLIC area{};
  area.nvPublic.nvIndex = nv_index_;
  area.nvPublic.nameAlg = TPM2_ALG_SHA256;
  area.nvPublic.attributes = (TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT) | TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE |
                             TPMA_NV_OWNERREAD | TPMA_NV_OWNERWRITE | TPMA_NV_NO_DA;
  if (kind_ == kTpmDevice) area.nvPublic.attributes |= TPMA_NV_ORDERLY;
  area.nvPublic.dataSize = kCounterSize;
  const TPM2B_AUTH no_auth{};
  const TSS2_RC rc = Esys_NV_DefineSpace(esys_, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                         &no_auth, &area, &counter_);
  return rc == TSS2_RC_SUCCESS ? Error{} : tpm_error("cannot define the NV counter", rc);
}

Error Tpm::counter_name(TPMA_NV& attributes) {
  TPM2B_NV_PUBLIC* raw_area = nullptr;
  TPM2B_NAME* raw_name = nullptr;
  const TSS2_RC rc =
      Esys_NV_ReadPublic(esys_, counter_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &raw_area, &raw_name);
  const EsysPtr<TPM2B_NV_PUBLIC> area(raw_area);
  const EsysPtr<TPM2B_NAME> name(raw_name);
  if (rc != TSS2_RC_SUCCESS) return tpm_error("cannot read the NV counter's attributes", rc);
  attributes = area->nvPublic.attributes;
  if ((attributes & TPMA_NV_TPM2_NT_MASK) >> TPMA_NV_TPM2_NT_SHIFT != TPM2_NT_COUNTER)
    return {"the NV index exists and is not a counter; choose another with --nv-index"};
  nv_name_.assign(name->name, name->name + name->size);
  return {};
}

Error Tpm::find_counter(bool create) {
  counter_ = ESYS_TR_NONE;
  const TSS2_RC rc = Esys_TR_FromTPMPublic(esys_, nv_index_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &counter_);
  if (rc != TSS2_RC_SUCCESS) {
    if (!create) return tpm_error("the TPM does not have the log's NV counter", rc);
    if (Error error = define_counter()) return error;
  }
  TPMA_NV attributes = 0;
  if (Error error = counter_name(attributes)) return error;
  // The first increment makes the counter readable and is part of its name, so it comes before the name is recorded.
  if ((attributes & TPMA_NV_WRITTEN) == 0) {
    if (Error error = increment_counter()) return error;
    if (Error error = counter_name(attributes)) return error;
  }
  const Bytes name = nv_name_;
  if (Error error = counter_name(attributes)) return error;
  return name == nv_name_ ? Error{} : contradiction();
}

Error Tpm::read_counter(uint64_t& out) {
  TPM2B_MAX_NV_BUFFER* raw = nullptr;
  const TSS2_RC rc =
      Esys_NV_Read(esys_, counter_, counter_, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, kCounterSize, 0, &raw);
  const EsysPtr<TPM2B_MAX_NV_BUFFER> data(raw);
  if (rc != TSS2_RC_SUCCESS) return tpm_error("cannot read the NV counter", rc);
  if (data->size != kCounterSize) return {"the NV counter has an unexpected size"};
  out = load_be64(data->buffer);
  return {};
}

Error Tpm::increment_counter() {
  const TSS2_RC rc = Esys_NV_Increment(esys_, counter_, counter_, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE);
  return rc == TSS2_RC_SUCCESS ? Error{} : tpm_error("cannot increment the NV counter", rc);
}

Error Tpm::certify_counter(const Digest& digest, Bytes& attest, Bytes& signature) {
  const TPM2B_DATA data = qualifying(digest);
  TPM2B_ATTEST* raw_attest = nullptr;
  TPMT_SIGNATURE* raw_signature = nullptr;
  const TSS2_RC rc = Esys_NV_Certify(esys_, key_, counter_, counter_, ESYS_TR_PASSWORD, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                     &data, &kKeysOwnScheme, kCounterSize, 0, &raw_attest, &raw_signature);
  const EsysPtr<TPM2B_ATTEST> made(raw_attest);
  const EsysPtr<TPMT_SIGNATURE> signed_by(raw_signature);
  if (rc != TSS2_RC_SUCCESS) return tpm_error("cannot certify the NV counter", rc);
  attest = attest_bytes(*made);
  signature = marshal_signature(*signed_by);
  return signature.empty() ? Error{"cannot marshal the counter's signature"} : Error{};
}

Error Tpm::quote(const Digest& digest, Bytes& attest, Bytes& signature) {
  const TPM2B_DATA data = qualifying(digest);
  const TPML_PCR_SELECTION selection = select_pcr(pcr_);
  TPM2B_ATTEST* raw_attest = nullptr;
  TPMT_SIGNATURE* raw_signature = nullptr;
  const TSS2_RC rc = Esys_Quote(esys_, key_, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data, &kKeysOwnScheme,
                                &selection, &raw_attest, &raw_signature);
  const EsysPtr<TPM2B_ATTEST> made(raw_attest);
  const EsysPtr<TPMT_SIGNATURE> signed_by(raw_signature);
  if (rc != TSS2_RC_SUCCESS) return tpm_error("cannot quote the PCR", rc);
  attest = attest_bytes(*made);
  signature = marshal_signature(*signed_by);
  return signature.empty() ? Error{"cannot marshal the quote's signature"} : Error{};
}

void Tpm::shut_down() {
  if (esys_ != nullptr) (void)Esys_Shutdown(esys_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_SU_CLEAR);
}

}  // namespace cm::audit
