// SPDX-License-Identifier: Apache-2.0
// wire.h: messages between a client process and the writer over a unix SOCK_SEQPACKET socket: one struct a packet,
// little endian, descriptors by SCM_RIGHTS, the peer known by SO_PEERCRED. Every string is NUL-terminated inside its
// array; the receiver checks that. Anything unexpected ends the connection.
//
//   client                                   writer
//   Hello + memfd + descriptor of /proc/self/exe  ->
//                                            <- Welcome            (client-attach frame is durable)
//   ... records flow through the shared memory, no packets ...
//   Bye                                      ->  drains, client-detach frame, then
//                                            <- ByeDone
//   (end of file without Bye: the writer drains what was published and writes client-lost)
//   (end of file at the client: the writer died; connect again with resume_client_id)
//
//   auditor                                  writer
//   Challenge                            ->
//                                            <- Answer             (an anchor over the challenge is durable)
//
//   auditor, who enrols                      writer
//   Enrol                                ->
//                                            <- Endorsement        (the log's beginning, the TPM's EK and certificate)
//   Activate                             ->
//                                            <- Activated          (what the TPM found in the credential)
//
//   root, or the writer's own user           writer
//   Sign                                 ->
//                                            <- Signed             (an anchor over the checkpoint is durable)
#pragma once
#include <cstdint>

#include "audit/frame.h"
#include "audit/record.h"

namespace cm::audit {

inline constexpr uint32_t kWireVersion = 1;

enum class WireType : uint32_t {
  kHello = 1,
  kWelcome = 2,
  kBye = 3,
  kByeDone = 4,
  kRefused = 5,
  kChallenge = 6,
  kAnswer = 7,
  kEnrol = 8,
  kEndorsement = 9,
  kActivate = 10,
  kActivated = 11,
  kSign = 12,
  kSigned = 13,
};

struct WireHello {
  uint32_t type;                      // kHello
  uint32_t version;                   // kWireVersion
  uint8_t resume_client_id[kIdSize];  // zero: a new client; else the id of the Welcome before
  uint8_t module_digest[kDigestSize];
  char module_version[32];
  char lanes[256];
  uint32_t seal_kind;  // kSealChain of seal.h
  uint32_t ring_count;
  uint32_t ring_records;
  uint32_t reserved;
};

struct WireWelcome {
  uint32_t type;  // kWelcome
  uint32_t version;
  uint8_t client_id[kIdSize];
  uint8_t log_id[kIdSize];
  uint32_t first_ring_id;
  uint32_t incarnation;
  uint32_t tpm_kind;  // 0 none, 1 software, 2 device
  uint32_t writer_pid;
  // Of a new client; zero for one that comes back: it has what it needs, and the writer knows the seed again.
  uint8_t seal_seed[kSealSeedSize];
};

struct WireBye {
  uint32_t type;     // kBye or kByeDone
  uint32_t end_log;  // kBye: 1 = a private writer ends when this was its last client
};

struct WireRefused {
  uint32_t type;  // kRefused
  char reason[124];
};

// WireChallenge: asks for an anchor over the newest head that also covers the nonce. Zero is no nonce.
struct WireChallenge {
  uint32_t type;     // kChallenge
  uint32_t version;  // kWireVersion
  uint8_t nonce[kDigestSize];
};

inline constexpr size_t kMaxAnswerPayload = 2048;

// WireAnswer: that anchor, and what it takes to check it without the log.
struct WireAnswer {
  uint32_t type;  // kAnswer
  uint32_t version;
  uint8_t log_id[kIdSize];
  uint64_t writer_time_ns;               // of the anchor's frame
  uint8_t previous_attest[kDigestSize];  // digest of the quote_attest of the anchor before, zero for the first
  uint32_t payload_size;
  uint32_t reserved;                   // 0
  uint8_t payload[kMaxAnswerPayload];  // the anchor's payload (payload.h), then zero
};

// EkKind: which endorsement key, made of the default templates L-1 and L-2 (TCG EK Credential Profile, B.3).
enum class EkKind : uint32_t { kRsa2048 = 1, kEccP256 = 2 };

// WireEnrol: asks for what an enrolment record is made of.
struct WireEnrol {
  uint32_t type;     // kEnrol
  uint32_t version;  // kWireVersion
  uint32_t ek_kind;
  uint32_t reserved;  // 0
};

inline constexpr size_t kMaxEkCertificate = 4096;
inline constexpr size_t kMaxEkPublic = 512;
inline constexpr size_t kMaxGenesis = 1024;

struct WireEndorsement {
  uint32_t type;  // kEndorsement
  uint32_t version;
  uint32_t certificate_size;  // 0: the TPM has no certificate of such a key, and no key was made
  uint32_t ek_public_size;
  uint32_t genesis_size;
  uint32_t reserved;  // 0
  uint8_t log_id[kIdSize];
  uint8_t genesis_head[kDigestSize];
  uint8_t certificate[kMaxEkCertificate];  // the NV index as it is: DER, perhaps filled up
  uint8_t ek_public[kMaxEkPublic];         // TPMT_PUBLIC
  uint8_t genesis[kMaxGenesis];            // the payload of the genesis frame (payload.h)
};

inline constexpr size_t kMaxCredential = 128;
inline constexpr size_t kMaxCredentialSecret = 512;
inline constexpr size_t kMaxActivated = 64;

// WireActivate: a credential for the log's attestation key (TPM 2.0 Library, part 3, 12.5 TPM2_ActivateCredential).
struct WireActivate {
  uint32_t type;  // kActivate
  uint32_t version;
  uint32_t ek_kind;
  uint32_t credential_size;
  uint32_t secret_size;
  uint32_t reserved;                     // 0
  uint8_t credential[kMaxCredential];    // content of the TPM2B_ID_OBJECT
  uint8_t secret[kMaxCredentialSecret];  // content of the TPM2B_ENCRYPTED_SECRET
};

struct WireActivated {
  uint32_t type;  // kActivated
  uint32_t version;
  uint32_t opened;  // 1; 0: the TPM refuses it: it was made for another key or TPM, or changed
  uint32_t size;
  uint8_t content[kMaxActivated];
};

// WireSign: asks for the signature of the log's attestation key under a checkpoint (checkpoint_text.h). The writer
// knows whether the log has so many records, and not what their root is: who asks has verified the log and answers for
// it.
struct WireSign {
  uint32_t type;     // kSign
  uint32_t version;  // kWireVersion
  uint64_t size;
  uint8_t root[kDigestSize];
};

inline constexpr size_t kMaxSigned = 128;

struct WireSigned {
  uint32_t type;  // kSigned
  uint32_t version;
  uint32_t size;
  uint32_t reserved;              // 0
  uint8_t signature[kMaxSigned];  // TPMT_SIGNATURE
};

// A private writer reports on its start through a pipe (descriptor given by --ready-fd): one line,
// "ready" or "error: <sentence>", then closes it. "served" means another live writer has the log: connect to it.
inline constexpr char kReadyLine[] = "ready\n";
inline constexpr char kServedLine[] = "served\n";
inline constexpr char kSocketName[] = "auditd.sock";  // inside the writer's run directory

}  // namespace cm::audit
