// SPDX-License-Identifier: Apache-2.0
// soft_tpm.h: what a TPM would answer, made with libcrypto: a PCR, a counter, a clock, and quotes and certifications in
// TPM wire format under a P-256 key. An oracle for the verifier that shares no code with it or with the writer; every
// field can be made wrong.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "audit/payload.h"

struct evp_pkey_st;

namespace cm::audit::test {

Digest sha256_of(std::span<const uint8_t> bytes);

// BigEndian: writes TPM wire format.
class BigEndian {
 public:
  BigEndian& u8(uint8_t v);
  BigEndian& u16(uint16_t v);
  BigEndian& u32(uint32_t v);
  BigEndian& u64(uint64_t v);
  BigEndian& raw(std::span<const uint8_t> v);
  BigEndian& sized(std::span<const uint8_t> v);
  Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
};

// AttestFields: everything in a TPMS_ATTEST, as it will be written.
struct AttestFields {
  uint32_t magic = 0xff544347;
  uint16_t type = 0;
  Bytes signer;
  Bytes extra;
  uint64_t clock_ms = 0;
  uint32_t reset_count = 0;
  uint32_t restart_count = 0;
  uint8_t safe = 1;
  uint64_t firmware = 0;
  // quote: (bank, bitmap of three bytes) each; certification: name, offset, contents
  std::vector<std::pair<uint16_t, uint32_t>> selection;
  Bytes digest_or_name;
  uint16_t offset = 0;
  Bytes contents;
  Bytes trailing;
};
Bytes marshal_quote(const AttestFields& f);
Bytes marshal_certification(const AttestFields& f);

class SoftTpm {
 public:
  // key_seed: the private key; the same seed gives the same key, as a recreated primary key would be.
  explicit SoftTpm(uint8_t key_seed);

  TpmIdentity identity;
  uint32_t pcr_index = 14;
  uint32_t nv_index = 0x01c3434d;
  Digest pcr{};
  uint64_t nv_value = 40;

  Bytes ak_public() const { return ak_public_; }
  std::string ak_pem() const;
  Bytes nv_name() const;
  Bytes qualified_signer() const;
  void extend(const Digest& digest);
  // reset: as after a power cycle; orderly says whether it was announced.
  void reset(bool orderly);
  AttestFields quote_fields(const Digest& extra) const;
  AttestFields certification_fields(const Digest& extra) const;
  Bytes sign(const Bytes& attest);

  // signatures to hand out instead of fresh ones, in order: makes a log reproducible to the last byte.
  std::vector<Bytes> prepared_signatures;

 private:
  std::shared_ptr<evp_pkey_st> key_;
  Bytes ak_public_;
  size_t signatures_made_ = 0;
};

// ak_template: TPMT_PUBLIC with the given attributes and coordinates.
Bytes ak_template(uint32_t attributes, std::span<const uint8_t> x, std::span<const uint8_t> y);
inline constexpr uint32_t kAkAttributes = 0x00050472;

}  // namespace cm::audit::test
