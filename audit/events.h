// SPDX-License-Identifier: Apache-2.0
// events.h: the registry of event ids, the first four bytes of every audit record. It stands on disk for ever: rows are
// append-only, a number is never reused. Read by the module (services.h refers to it), the writer and the verifier.
//
//   0x00000001 .. 0x0000ffff  services: an entry record (bit 31 clear) and an exit record (bit 31 set)
//   0x00010000 .. 0x0001ffff  self-tests: 0x10000 + CastId, one record each, return_code = result, detail = lane | ns
//   << 8 0x00020000 .. 0x0002ffff  state machine: 0x20000 + new state, detail = event that led there, return_code =
//   cause 0x00030000 .. 0x0003ffff  health of the module and its evidence 0x00040000 .. 0x0004ffff  life of a key
//   outside a key service (zeroised by shutdown, fork, error)
#pragma once
#include <cstddef>
#include <cstdint>

namespace cm::audit {

enum class EventId : uint32_t {
  kInit = 0x0001,
  kShutdown = 0x0002,
  kStatus = 0x0003,
  kVersion = 0x0004,
  kSelftest = 0x0005,
  kZeroise = 0x0006,
  kPolicySet = 0x0007,
  kAuditSync = 0x0008,
  kSessionOpen = 0x0010,
  kSessionClose = 0x0011,
  kKeyGenerate = 0x0100,
  kKeyImport = 0x0101,
  kKeyDestroy = 0x0102,
  kKeyExportWrapped = 0x0103,
  kKeyImportWrapped = 0x0104,
  kKeyDerivePbkdf2 = 0x0105,
  kKeyInfo = 0x0106,
  kAeadSeal = 0x0200,
  kAeadSealCallerIv = 0x0201,
  kAeadOpen = 0x0202,
  kAeadSealBatch = 0x0203,  // batches: see is_batch
  kAeadOpenBatch = 0x0204,
  kHashCompute = 0x0300,
  kHashInit = 0x0301,
  kHashUpdate = 0x0302,
  kHashFinal = 0x0303,
  kHashFree = 0x0304,
  kHashInitParams = 0x0305,
  kHashCopy = 0x0306,
  kHashSqueeze = 0x0307,
  kHashBatch = 0x0308,
  kMacCompute = 0x0400,
  kMacVerify = 0x0401,
  kMacInit = 0x0402,
  kMacUpdate = 0x0403,
  kMacFinal = 0x0404,
  kMacFree = 0x0405,
  kMacBatch = 0x0406,
  kMacInitCustom = 0x0407,
  kRandomBytes = 0x0500,
  kCipherEncrypt = 0x0600,
  kCipherDecrypt = 0x0601,
  kCipherEncryptSectors = 0x0602,
  kCipherDecryptSectors = 0x0603,
  kCipherInit = 0x0604,
  kCipherUpdate = 0x0605,
  kCipherFinal = 0x0606,
  kCipherFree = 0x0607,
  kCipherBatch = 0x0608,
  kKdfDerive = 0x0700,
  kKdfDeriveRaw = 0x0701,
  kKdfBatch = 0x0702,

  kCast = 0x10000,   // + CastId
  kState = 0x20000,  // + CM_STATE_*
  // Health. object is what is counted, except where a line says otherwise.
  kHealthRefused = 0x30000,         // calls refused since the last such record; detail: acts and events done unrecorded
  kHealthReentered = 0x30001,       // calls refused because they came from a signal handler
  kHealthWriterLost = 0x30002,      // the library lost its writer; object: incarnation that ended
  kHealthWriterAttached = 0x30003,  // the library is attached to a writer; object: incarnation
  kHealthBootOverflow = 0x30004,    // records that did not fit the boot buffer (their services were refused)
  kHealthReseed = 0x30005,          // a random generator was seeded; object: thread ordinal, detail: seedings so far
  kHealthForkChild = 0x30006,       // this process is a fork child; object: parent pid

  kKeyZeroised = 0x40000,  // object: handle; detail: 1 shutdown, 2 zeroise, 3 error state, 4 fork, 5 never handed out
  kKeyDerived = 0x40001,  // by a job of kdf-batch; object: handle; detail: part_of_call (record.h) with the job, from 0
};

inline constexpr uint32_t kExitBit = 0x80000000u;
inline constexpr uint32_t kServiceEnd = 0x10000u;  // ids below are services

struct EventRow {
  uint32_t id;
  char name[40];
};

// Names that `show` prints. Self-test and state events have a second name from the tables below.
constexpr EventRow kEventTable[] = {
    {0x0001, "init"},
    {0x0002, "shutdown"},
    {0x0003, "status"},
    {0x0004, "version"},
    {0x0005, "selftest"},
    {0x0006, "zeroise"},
    {0x0007, "policy-set"},
    {0x0008, "audit-sync"},
    {0x0010, "session-open"},
    {0x0011, "session-close"},
    {0x0100, "key-generate"},
    {0x0101, "key-import"},
    {0x0102, "key-destroy"},
    {0x0103, "key-export-wrapped"},
    {0x0104, "key-import-wrapped"},
    {0x0105, "key-derive-pbkdf2"},
    {0x0106, "key-info"},
    {0x0200, "aead-seal"},
    {0x0201, "aead-seal-caller-iv"},
    {0x0202, "aead-open"},
    {0x0203, "aead-seal-batch"},
    {0x0204, "aead-open-batch"},
    {0x0300, "hash-compute"},
    {0x0301, "hash-init"},
    {0x0302, "hash-update"},
    {0x0303, "hash-final"},
    {0x0304, "hash-free"},
    {0x0305, "hash-init-params"},
    {0x0306, "hash-copy"},
    {0x0307, "hash-squeeze"},
    {0x0308, "hash-batch"},
    {0x0400, "mac-compute"},
    {0x0401, "mac-verify"},
    {0x0402, "mac-init"},
    {0x0403, "mac-update"},
    {0x0404, "mac-final"},
    {0x0405, "mac-free"},
    {0x0406, "mac-batch"},
    {0x0407, "mac-init-custom"},
    {0x0500, "random-bytes"},
    {0x0600, "cipher-encrypt"},
    {0x0601, "cipher-decrypt"},
    {0x0602, "cipher-encrypt-sectors"},
    {0x0603, "cipher-decrypt-sectors"},
    {0x0604, "cipher-init"},
    {0x0605, "cipher-update"},
    {0x0606, "cipher-final"},
    {0x0607, "cipher-free"},
    {0x0608, "cipher-batch"},
    {0x0700, "kdf-derive"},
    {0x0701, "kdf-derive-raw"},
    {0x0702, "kdf-batch"},
    {0x10000, "self-test"},
    {0x20000, "state"},
    {0x30000, "calls-refused"},
    {0x30001, "calls-reentered"},
    {0x30002, "writer-lost"},
    {0x30003, "writer-attached"},
    {0x30004, "boot-buffer-overflow"},
    {0x30005, "random-generator-seeded"},
    {0x30006, "fork-child"},
    {0x40000, "key-zeroised"},
    {0x40001, "key-derived"},
};

// is_batch: services whose object is no handle: entry: jobs; exit: jobs, and those that failed in the upper 32 bits.
constexpr bool is_batch(uint32_t id) {
  switch (static_cast<EventId>(id)) {
    case EventId::kAeadSealBatch:
    case EventId::kAeadOpenBatch:
    case EventId::kHashBatch:
    case EventId::kMacBatch:
    case EventId::kCipherBatch:
    case EventId::kKdfBatch:
      return true;
    default:
      return false;
  }
}

constexpr const EventRow* event_row(uint32_t id) {
  for (const EventRow& row : kEventTable)
    if (row.id == id) return &row;
  return nullptr;
}

// Names of the self-tests, by id - 0x10000. selftest/casts.h has the tests; the module checks that both say the same.
constexpr EventRow kSelfTestNames[] = {
    {0, "integrity"},
    {1, "sha-256"},
    {2, "hmac-sha-256"},
    {3, "aes-encrypt"},
    {4, "aes-decrypt"},
    {5, "aes-gcm-seal"},
    {6, "aes-gcm-open"},
    {7, "aes-kwp-wrap"},
    {8, "aes-kwp-unwrap"},
    {9, "pbkdf2-hmac-sha-256"},
    {10, "ctr-drbg-instantiate"},
    {11, "ctr-drbg-reseed"},
    {12, "ctr-drbg-generate"},
    {13, "entropy"},
    {14, "aes-cbc-encrypt"},
    {15, "aes-cbc-decrypt"},
    {16, "aes-cfb-encrypt"},
    {17, "aes-cfb-decrypt"},
    {18, "aes-ofb"},
    {19, "aes-ctr"},
    {20, "aes-xts-encrypt"},
    {21, "aes-xts-decrypt"},
    {22, "aes-cmac"},
    {23, "aes-ccm-seal"},
    {24, "aes-ccm-open"},
    {25, "aes-kw-wrap"},
    {26, "aes-kw-unwrap"},
    {27, "chacha20-poly1305-seal"},
    {28, "chacha20-poly1305-open"},
    {29, "aes-gcm-siv-seal"},
    {30, "aes-gcm-siv-open"},
    {31, "aes-cbc-encrypt-multi"},
    {32, "aes-cmac-multi"},
    {33, "aes-ccm-seal-multi"},
    {34, "aes-ccm-open-multi"},
    {35, "sha-1"},
    {36, "sha-512"},
    {37, "sha-3"},
    {38, "hmac-sha-1"},
    {39, "hmac-sha-512"},
    {40, "hmac-sha3-256"},
    {41, "kmac"},
    {42, "sha-3-multi"},
    {43, "pbkdf2-multi"},
    {44, "sha-multi"},
    {45, "hkdf"},
    {46, "tls13-kdf"},
    {47, "tls12-prf"},
    {48, "kbkdf-hmac-counter"},
    {49, "kbkdf-hmac-feedback"},
    {50, "kbkdf-hmac-pipeline"},
    {51, "kbkdf-cmac"},
    {52, "kbkdf-kmac"},
    {53, "kda-one-step-hash"},
    {54, "kda-one-step-hmac"},
    {55, "kda-one-step-kmac"},
    {56, "kda-two-step-hmac"},
    {57, "kda-two-step-cmac"},
    {58, "x963-kdf"},
    {59, "ssh-kdf"},
    {60, "hmac-multi"},
};

// Names of the states, by id - 0x20000: CM_STATE_*.
constexpr EventRow kStateEventNames[] = {
    {0, "power-on"}, {1, "self-test"}, {2, "ready"}, {3, "operational"}, {4, "error"}, {5, "zeroised"},
};

// numbered_name: the name of a number in one of the two tables above, or null.
template <size_t N>
constexpr const char* numbered_name(const EventRow (&table)[N], uint32_t number) {
  for (const EventRow& row : table)
    if (row.id == number) return row.name;
  return nullptr;
}

// event_known: whether a record may carry this id (exit bit removed for services).
constexpr bool event_known(uint32_t event_id) {
  const uint32_t id = event_id & ~kExitBit;
  if (id != event_id && id >= kServiceEnd) return false;
  if (id >= 0x10000 && id < 0x10100) return true;
  if (id >= 0x20000 && id < 0x20010) return true;
  return event_row(id) != nullptr;
}

}  // namespace cm::audit
