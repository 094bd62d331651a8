// SPDX-License-Identifier: Apache-2.0
// findings.h: the one table of everything the verifier can say about a log, and the exit code each of them leads to
// (docs/audit.md). The verdict's exit code follows from the table alone: any 1 gives 1, else any 2
// gives 2, else any 3 gives 3, else 0. Names stand in JSON output: append-only, never reused.
#pragma once
#include <cstddef>
#include <cstdint>

namespace cm::audit::verify {

inline constexpr int kExitVerified = 0;
inline constexpr int kExitTampered = 1;
inline constexpr int kExitUndecided = 2;
inline constexpr int kExitIncomplete = 3;
inline constexpr int kExitUsage = 64;

enum class FindingId : uint8_t {
  // Cannot decide.
  kIoError,
  kNoSegments,
  kNotALog,
  kUnsupportedVersion,
  kTrustFile,
  kLimit,
  // The directory and the bytes.
  kForeignFile,
  kSegmentMissing,
  kNotAFrame,
  kFrameSize,
  kHeaderField,
  kRecordDamaged,
  kFrameDamaged,
  kTrailerDamaged,
  // The chain.
  kLogId,
  kFrameSequence,
  kRecordSequence,
  kPreviousHead,
  kWriterTime,
  // What the frames say.
  kPayload,
  kFrameOrder,
  kClientState,
  kRingAllocation,
  kBatchMarks,
  kRingSequence,
  kEventUnknown,
  kEventPlace,
  kEntryExit,
  kOpenEntries,
  kSessionUnopened,
  kSessionShared,
  kSealNotZero,
  // The trust root.
  kAkInvalid,
  kAkMismatch,
  kEnrolmentMismatch,
  kHeadNotFound,
  // The TPM's evidence.
  kAttestMalformed,
  kAttestSignature,
  kAttestSigner,
  kAttestBinding,
  kAnchorPosition,
  kQuoteSelection,
  kQuotePcr,
  kStartPcr,
  kTpmCounts,
  kTpmClock,
  kTpmIdentity,
  kTscOrder,
  kNvName,
  kNvValue,
  kNvBehind,
  kNvBeyond,
  kSegmentSeal,
  // Intact but incomplete.
  kNoTrustRoot,
  kAkOnly,
  kNoEnd,
  kEndUnanchored,
  kTornLastFrame,
  kUncleanReset,
  kUnexplainedExtend,
  kResetGap,
  kRestartUnrecorded,
  kNvJump,
  kResettablePcr,
  kSealBroken,
  kRecordTime,
  kOpenAtDetach,
  kSessionUnproved,
  kNvPending,
  // Worth knowing; nothing is missing.
  kSoftwareAnchor,
  kNoIsolation,
  kClientLost,
  kRecovered,
  kAnchorLost,
  kFirmwareChanged,
};

struct FindingRow {
  FindingId id;
  int exit_code;
  char name[28];
  char text[168];
};

constexpr FindingRow kFindings[] = {
    {FindingId::kIoError, kExitUndecided, "io-error", "a file or directory cannot be read"},
    {FindingId::kNoSegments, kExitUndecided, "no-segments", "the directory holds no log segment"},
    {FindingId::kNotALog, kExitUndecided, "not-a-log", "the first segment does not begin with a complete frame"},
    {FindingId::kUnsupportedVersion, kExitUndecided, "unsupported-version",
     "the log begins with a format version this program does not know"},
    {FindingId::kTrustFile, kExitUndecided, "trust-file",
     "the enrolment record or attestation key file cannot be read or is not one"},
    {FindingId::kLimit, kExitUndecided, "limit",
     "more clients, sessions or open calls at once than this program keeps"},

    {FindingId::kForeignFile, kExitTampered, "foreign-file", "the directory holds something that is not a log segment"},
    {FindingId::kSegmentMissing, kExitTampered, "segment-missing",
     "the segments are not numbered consecutively from 0"},
    {FindingId::kNotAFrame, kExitTampered, "not-a-frame", "bytes that do not begin a frame where one must begin"},
    {FindingId::kFrameSize, kExitTampered, "frame-size", "header, trailer and file disagree on the size of the frame"},
    {FindingId::kHeaderField, kExitTampered, "header-field",
     "a header field has a value that version 1 does not allow"},
    {FindingId::kRecordDamaged, kExitTampered, "record-damaged",
     "the bytes of this record are not those that were written"},
    {FindingId::kFrameDamaged, kExitTampered, "frame-damaged",
     "the bytes of this frame are not those that were written; no single record can be named"},
    {FindingId::kTrailerDamaged, kExitTampered, "trailer-damaged",
     "header and records agree with each other, but not with the trailer"},

    {FindingId::kLogId, kExitTampered, "log-id", "the frame carries the id of another log"},
    {FindingId::kFrameSequence, kExitTampered, "frame-sequence", "frames are missing, doubled or out of order"},
    {FindingId::kRecordSequence, kExitTampered, "record-sequence",
     "the frame's first record number does not follow the records before it"},
    {FindingId::kPreviousHead, kExitTampered, "previous-head", "the frame does not chain to the frame before it"},
    {FindingId::kWriterTime, kExitTampered, "writer-time", "the writer's time runs backwards without a new start"},

    {FindingId::kPayload, kExitTampered, "payload", "the variable section does not decode as its frame type demands"},
    {FindingId::kFrameOrder, kExitTampered, "frame-order", "a frame of this type may not stand here"},
    {FindingId::kClientState, kExitTampered, "client-state",
     "the frame speaks of a client that is not attached, or attaches one twice"},
    {FindingId::kRingAllocation, kExitTampered, "ring-allocation",
     "ring ids are invalid, reused or shared by two clients"},
    {FindingId::kBatchMarks, kExitTampered, "batch-marks",
     "the batch's ring marks disagree with its records or clients"},
    {FindingId::kRingSequence, kExitTampered, "ring-sequence",
     "records of a ring are missing, doubled or out of order"},
    {FindingId::kEventUnknown, kExitTampered, "event-unknown", "a record carries an event id that does not exist"},
    {FindingId::kEventPlace, kExitTampered, "event-place", "an event stands in a ring that holds service calls only"},
    {FindingId::kEntryExit, kExitTampered, "entry-exit", "entry and exit records of a ring do not pair up"},
    {FindingId::kOpenEntries, kExitTampered, "open-entries",
     "the calls named as open when a client was lost are not those that the records show"},
    {FindingId::kSessionUnopened, kExitTampered, "session-unopened",
     "a client said goodbye and had used a session that it never opened"},
    {FindingId::kSessionShared, kExitTampered, "session-shared",
     "a record carries a session that another client opened"},
    {FindingId::kSealNotZero, kExitTampered, "seal-not-zero", "a record carries a seal although its client has none"},

    {FindingId::kAkInvalid, kExitTampered, "ak-invalid",
     "the attestation key in the genesis frame is not a restricted ECDSA P-256 signing key of a TPM"},
    {FindingId::kAkMismatch, kExitTampered, "ak-mismatch", "the log's attestation key is not the given one"},
    {FindingId::kEnrolmentMismatch, kExitTampered, "enrolment-mismatch",
     "the genesis frame is not the one that was enrolled"},
    {FindingId::kHeadNotFound, kExitTampered, "head-not-found", "the head given by --head is not in this log"},

    {FindingId::kAttestMalformed, kExitTampered, "attest-malformed",
     "a quote, certification or signature is not the TPM structure it must be"},
    {FindingId::kAttestSignature, kExitTampered, "attest-signature",
     "a quote or certification is not signed by the attestation key"},
    {FindingId::kAttestSigner, kExitTampered, "attest-signer",
     "a quote or certification names another signer than the attestation key in the endorsement hierarchy"},
    {FindingId::kAttestBinding, kExitTampered, "attest-binding",
     "a quote or certification was made for another log, place, counter value or time"},
    {FindingId::kAnchorPosition, kExitTampered, "anchor-position",
     "the anchor names a frame or head that this log does not have there"},
    {FindingId::kQuoteSelection, kExitTampered, "quote-selection",
     "the quote covers other registers than the log's PCR in the SHA-256 bank"},
    {FindingId::kQuotePcr, kExitTampered, "quote-pcr", "the quoted PCR is not the one these frames lead to"},
    {FindingId::kStartPcr, kExitTampered, "start-pcr",
     "a frame names a PCR value that these frames do not lead to, without saying so"},
    {FindingId::kTpmCounts, kExitTampered, "tpm-counts",
     "resetCount or restartCount disagrees with the frames that record the TPM's starts"},
    {FindingId::kTpmClock, kExitTampered, "tpm-clock", "the TPM's clock runs backwards"},
    {FindingId::kTpmIdentity, kExitTampered, "tpm-identity",
     "kind, manufacturer or firmware of the TPM changed unrecorded"},
    {FindingId::kTscOrder, kExitTampered, "tsc-order", "the time stamp counters around the quote are out of order"},
    {FindingId::kNvName, kExitTampered, "nv-name", "the certified counter is not the enrolled one"},
    {FindingId::kNvValue, kExitTampered, "nv-value",
     "the TPM counter does not continue where this log left it: anchors are missing or were made elsewhere"},
    {FindingId::kNvBehind, kExitTampered, "nv-behind",
     "the TPM counter given by --nv-value is ahead of the log's last anchor: at least one anchor is missing"},
    {FindingId::kNvBeyond, kExitTampered, "nv-beyond",
     "the log's last anchor has a value that the TPM counter given by --nv-value has not reached"},
    {FindingId::kSegmentSeal, kExitTampered, "segment-seal",
     "a segment goes on behind its seal, or the seal belongs to another place"},

    {FindingId::kNoTrustRoot, kExitIncomplete, "no-trust-root",
     "no trust root was given: the log was held only against its own claims"},
    {FindingId::kAkOnly, kExitIncomplete, "ak-only",
     "an attestation key alone pins nothing: whoever reaches the TPM can recreate it and quote another history"},
    {FindingId::kNoEnd, kExitIncomplete, "no-end",
     "the log does not end with an end frame: it is live, or was cut off"},
    {FindingId::kEndUnanchored, kExitIncomplete, "end-unanchored", "no anchor covers the end frame"},
    {FindingId::kTornLastFrame, kExitIncomplete, "torn-last-frame",
     "the last frame is incomplete: a write was interrupted, or the file was cut off"},
    {FindingId::kUncleanReset, kExitIncomplete, "unclean-reset",
     "the TPM was reset while frames were not anchored: those frames, and with them what follows, are not proved"},
    {FindingId::kUnexplainedExtend, kExitIncomplete, "unexplained-extend",
     "possible truncation: the PCR held a value this log does not explain; nothing is proved across this place"},
    {FindingId::kResetGap, kExitIncomplete, "reset-gap", "the TPM was started more often than this log recorded"},
    {FindingId::kRestartUnrecorded, kExitIncomplete, "restart-unrecorded",
     "the TPM was restarted (suspend) while the writer ran"},
    {FindingId::kNvJump, kExitIncomplete, "nv-jump",
     "the orderly TPM counter jumped ahead at an unclean start: missing anchors would look the same"},
    {FindingId::kResettablePcr, kExitIncomplete, "resettable-pcr",
     "the log's PCR can be reset by software: its quotes prove nothing"},
    {FindingId::kSealBroken, kExitIncomplete, "seal-broken", "a client broke its ring and was cut off"},
    {FindingId::kRecordTime, kExitIncomplete, "record-time",
     "a record's time is far outside the interval in which the writer can have received it"},
    {FindingId::kOpenAtDetach, kExitIncomplete, "open-at-detach", "a client said goodbye while calls were open"},
    {FindingId::kSessionUnproved, kExitIncomplete, "session-unproved",
     "a client was lost before the opening of a session it used was recorded: that it opened it cannot be shown"},
    {FindingId::kNvPending, kExitIncomplete, "nv-pending",
     "the TPM counter given by --nv-value is one ahead of a log that has not ended: an anchor is being made, was lost "
     "or "
     "was cut off"},

    {FindingId::kSoftwareAnchor, kExitVerified, "software-anchor", "software anchor: no hardware claim"},
    {FindingId::kNoIsolation, kExitVerified, "no-isolation",
     "no isolation claim: the writer runs under root's or its client's user id"},
    {FindingId::kClientLost, kExitVerified, "client-lost", "a client ended without saying goodbye"},
    {FindingId::kRecovered, kExitVerified, "recovered", "a writer continued after one that had not ended the log"},
    {FindingId::kAnchorLost, kExitVerified, "anchor-lost",
     "the TPM counter was one ahead of the log when a writer started: the one before was stopped while it made an "
     "anchor"},
    {FindingId::kFirmwareChanged, kExitVerified, "firmware-changed", "the TPM's firmware changed between two starts"},
};

inline constexpr size_t kFindingCount = sizeof kFindings / sizeof kFindings[0];

constexpr bool findings_in_order() {
  for (size_t i = 0; i < kFindingCount; ++i)
    if (static_cast<size_t>(kFindings[i].id) != i) return false;
  return kFindingCount == static_cast<size_t>(FindingId::kFirmwareChanged) + 1;
}
static_assert(findings_in_order(), "one row per finding, in the order of the enumeration");

constexpr const FindingRow& finding_row(FindingId id) { return kFindings[static_cast<size_t>(id)]; }

}  // namespace cm::audit::verify
