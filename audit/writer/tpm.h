// SPDX-License-Identifier: Apache-2.0
// tpm.h: the TPM commands the writer needs, over tss2-esys. One object belongs to one thread. After a failed command
// the object is of no more use but for close() and open(). It decides nothing: what a value means is the caller's
// matter.
#pragma once
#include <tss2/tss2_esys.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "audit/attest/tpm_ledger.h"
#include "audit/chain.h"
#include "audit/payload.h"
#include "audit/wire.h"
#include "audit/writer/error.h"

namespace cm::audit {

struct TpmConfig {
  std::string tcti;
  bool exclusive = false;  // nobody else uses this TPM: objects and sessions found in it are left over and are flushed
};

// TpmState: what the log says of a TPM when a writer begins, or after a reset.
struct TpmState {
  TpmIdentity identity;
  Digest pcr{};
  uint64_t counter = 0;
};

// Endorsement: certificate as its NV index holds it, empty when there is none; public area of the endorsement key.
struct Endorsement {
  Bytes certificate;
  Bytes ek_public;
};

class Tpm {
 public:
  explicit Tpm(TpmConfig config) : config_(std::move(config)) {}
  // select: the PCR and the NV index that every later command is about.
  void select(uint32_t pcr, uint32_t nv_index) {
    pcr_ = pcr;
    nv_index_ = nv_index;
  }
  ~Tpm() { close(); }
  Tpm(const Tpm&) = delete;
  Tpm& operator=(const Tpm&) = delete;

  // open: connects, names the TPM and makes the attestation key. The key is a primary of the endorsement hierarchy, the
  // same each time for one TPM: a key elsewhere would be quoted with obfuscated reset and restart counts.
  Error open();
  void close();
  bool is_open() const { return esys_ != nullptr; }

  // identify: kind, maker, firmware and the clock as it stands now.
  Error identify(TpmIdentity& out);
  Error read_pcr(Digest& out);
  Error extend(const Digest& digest);
  // read_state: what no signature covers and the log then says for ever is asked for twice: an error when the TPM says
  // two things.
  Error read_state(TpmState& out);

  // find_counter: connects to the NV counter. With create, defines it where it is missing and makes it readable.
  Error find_counter(bool create);
  Error read_counter(uint64_t& out);
  Error increment_counter();
  Error certify_counter(const Digest& qualifying, Bytes& attest, Bytes& signature);
  // quote: attest and signature, here and above, are marshalled TPMS_ATTEST and TPMT_SIGNATURE; nobody has looked at
  // them.
  Error quote(const Digest& qualifying, Bytes& attest, Bytes& signature);

  // The three that auditors ask for (tpm_auditors.cpp). read_endorsement, activate: about an endorsement key, which is
  // made for the call and gone after it. refusal: the TPM's word against what was asked; it goes on working, which an
  // Error says it does not.
  Error read_endorsement(EkKind kind, Endorsement& out, std::string& refusal);
  // activate: opens a credential that was made for the attestation key.
  Error activate(EkKind kind, const Bytes& credential, const Bytes& secret, Bytes& out, std::string& refusal);
  // sign: a text, with the attestation key. The TPM hashes it and signs what does not look like one of its own
  // structures (part 3, 15.4 and 20.2).
  Error sign(std::string_view text, Bytes& signature, std::string& refusal);

  // shut_down: tells the TPM that power may go. Only for a TPM of our own.
  void shut_down();

  const Bytes& ak_public() const { return ak_public_; }
  const Bytes& nv_name() const { return nv_name_; }
  uint32_t pcr_index() const { return pcr_; }
  uint8_t kind() const { return kind_; }

 private:
  // Maker: TPM2_PT_MANUFACTURER, _VENDOR_STRING_1 and both _FIRMWARE_VERSION.
  struct Maker {
    uint32_t name = 0;
    uint32_t vendor = 0;
    uint64_t firmware = 0;
    bool operator==(const Maker&) const = default;
  };

  Error read_pcr_twice(Digest& out);
  Error read_maker(Maker& out);
  Error name_maker();
  void flush_leftovers(TPM2_HANDLE first);
  Error make_key();
  Error define_counter();
  Error counter_name(TPMA_NV& attributes);
  TSS2_RC make_endorsement_key(EkKind kind, ESYS_TR& key, Bytes* ek_public);
  TSS2_RC begin_endorsement_policy(ESYS_TR& session);
  bool works();
  Error read_certificate(EkKind kind, Bytes& out, std::string& refusal);

  const TpmConfig config_;
  uint32_t pcr_ = 0;
  uint32_t nv_index_ = 0;
  TSS2_TCTI_CONTEXT* tcti_ = nullptr;
  ESYS_CONTEXT* esys_ = nullptr;
  ESYS_TR key_ = ESYS_TR_NONE;
  ESYS_TR counter_ = ESYS_TR_NONE;
  uint8_t kind_ = 0;
  Maker maker_;
  Bytes ak_public_;
  Bytes nv_name_;
};

}  // namespace cm::audit
