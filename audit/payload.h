// SPDX-License-Identifier: Apache-2.0
// payload.h: what the variable section of each frame type says (audit/frame.h has the framing). encode gives the bytes
// without padding; decode is strict: every byte is accounted for, the padding is zero, lengths are bounded; it returns
// false on anything else and never throws. Used by the writer and the verifier only.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "audit/chain.h"

namespace cm::audit {

using Bytes = std::vector<uint8_t>;

// TpmIdentity: the TPM as it was when a writer began. Clock fields are those of TPMS_CLOCK_INFO.
struct TpmIdentity {
  uint8_t kind = 0;           // 1 software, 2 device
  uint32_t manufacturer = 0;  // TPM2_PT_MANUFACTURER
  uint64_t firmware = 0;      // TPMS_ATTEST.firmwareVersion
  uint32_t reset_count = 0;
  uint32_t restart_count = 0;
  uint64_t clock_ms = 0;
  uint8_t clock_safe = 0;
};

struct Genesis {
  std::string writer_version;
  uint32_t writer_uid = 0;
  uint32_t creator_uid = 0;  // uid that started the writer; clients must have it (or 0)
  uint8_t isolated = 0;      // 1 when writer_uid differs from creator_uid and is not 0
  TpmIdentity tpm;
  uint32_t pcr_index = 0;
  Digest pcr_start{};  // value of the PCR before the genesis head was extended
  Bytes ak_public;     // TPMT_PUBLIC, marshalled
  uint32_t nv_index = 0;
  Bytes nv_name;                           // name of the NV counter: u16 alg | digest
  uint64_t nv_start = 0;                   // value before the first anchor
  std::array<uint8_t, kIdSize> boot_id{};  // /proc/sys/kernel/random/boot_id
};

// Boot and Recovery share this payload.
struct Start {
  std::string writer_version;
  uint32_t writer_uid = 0;
  TpmIdentity tpm;
  Digest pcr_value{};  // as read before this frame was extended
  uint64_t nv_value = 0;
  std::array<uint8_t, kIdSize> boot_id{};
  uint64_t torn_bytes = 0;  // recovery: bytes of an unfinished last frame that were cut off
  Digest torn_digest{};     // recovery: SHA-256 of those bytes
};

struct Clock {
  uint64_t tsc = 0;  // TSC at utc_ns
  uint64_t utc_ns = 0;
  uint64_t ns_per_tick_q32 = 0;  // nanoseconds per tick, 32.32 fixed point: utc = utc_ns + ((t - tsc) * q) >> 32
  uint32_t generation = 0;       // as published to the clients
};

struct ClientAttach {
  std::array<uint8_t, kIdSize> client_id{};
  uint32_t pid = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint64_t start_time = 0;       // field 22 of /proc/PID/stat, 0 when unreadable
  uint8_t reattached = 0;        // 1: the same client came back to a new writer
  uint8_t executable_known = 0;  // 1: the descriptor was compared with /proc/PID/exe
  Digest executable_digest{};    // SHA-256 of the executable, zero when it could not be read
  std::string executable;        // path as the kernel names it
  Digest module_digest{};
  std::string module_version;
  std::string lanes;
  uint32_t seal_kind = 0;  // kSeal* of record.h
  uint32_t ring_records = 0;
  uint32_t first_ring_id = 0;  // rings first_ring_id .. first_ring_id + ring_count - 1
  uint32_t ring_count = 0;
  // Only with kSealChain.
  Digest seal_commitment{};  // SHA-256(kSealDomain | seed of the seals): who has the seed can show that it is the one
};

struct RingMark {
  uint32_t ring_id = 0;
  uint32_t count = 0;      // records of this ring in this frame
  uint64_t first_seq = 0;  // full number of the first of them
};

struct Batch {
  std::vector<RingMark> marks;  // ascending ring_id; the records follow in the same order
};

struct ClientDetach {
  std::array<uint8_t, kIdSize> client_id{};
};

struct OpenEntry {
  uint32_t ring_id = 0;
  uint32_t event_id = 0;
  uint64_t ring_seq = 0;
  uint64_t object = 0;
};

struct ClientLost {
  std::array<uint8_t, kIdSize> client_id{};
  uint32_t reason = 0;                  // 1 process gone, 2 protocol violated, 3 not back after the writer's restart
  std::vector<OpenEntry> open_entries;  // entries without exit, ascending ring_id
};

struct Anchor {
  // Frame whose head is anchored. It may lie further back than the frame just before this one: the TPM works beside the
  // appending of frames, so frames that became durable while the quote was made stand between the two. They are covered
  // by the next anchor, not by this one.
  uint64_t anchored_seq = 0;
  Digest anchored_head{};
  Digest pcr_value{};     // after that head was extended and before the next one was
  uint64_t nv_value = 0;  // counter values of a log's anchors are consecutive, genesis nv_start + 1 first
  Digest challenge{};     // zero when nobody asked
  uint64_t tsc_before = 0;
  uint64_t tsc_after = 0;
  Bytes quote_attest;     // TPMS_ATTEST, marshalled
  Bytes quote_signature;  // TPMT_SIGNATURE, marshalled
  Bytes nv_attest;
  Bytes nv_signature;
};

// UnexplainedExtend: replay starts again from found; the head of this frame is the next extend upon it. Heads of frames
// between the last extended one and this frame were never extended; this frame covers them through the chain.
struct UnexplainedExtend {
  Digest expected{};  // replay after the last frame that was extended
  Digest found{};
};

// SealBroken.reason; numbers are only ever appended.
inline constexpr uint32_t kBrokenSeal = 1;      // another seal than its ring's chain has there
inline constexpr uint32_t kBrokenSequence = 2;  // the record has another sequence number
inline constexpr uint32_t kBrokenEvent = 3;     // unknown event
inline constexpr uint32_t kBrokenHead = 4;      // head beyond the ring, or going back
inline constexpr uint32_t kBrokenCalls = 5;     // entry and exit do not pair up, or an event where none may stand
inline constexpr uint32_t kBrokenSession = 6;   // a session that this client did not open, or one opened twice
inline constexpr uint32_t kBrokenReasonLast = kBrokenSession;

struct SealBroken {
  std::array<uint8_t, kIdSize> client_id{};
  uint32_t ring_id = 0;
  uint32_t reason = 0;
  uint64_t ring_seq = 0;  // where it was found; the client is cut off there
};

// SegmentSeal.reason; numbers are only ever appended.
inline constexpr uint32_t kSealedFull = 1;   // the segment has reached its size
inline constexpr uint32_t kSealedOld = 2;    // its age
inline constexpr uint32_t kSealedAsked = 3;  // the operator asked for it
inline constexpr uint32_t kSealedReasonLast = kSealedAsked;

// SegmentSeal: the last frame of a segment file that its writer finished: nothing is appended to that file any more.
struct SegmentSeal {
  uint32_t segment = 0;  // its number
  uint32_t reason = 0;
  uint64_t bytes = 0;  // of the segment before this frame
};

struct End {
  uint32_t reason = 0;  // 1 orderly shutdown, 2 signal
};

Bytes encode(const Genesis& p);
Bytes encode(const Start& p);
Bytes encode(const Clock& p);
Bytes encode(const ClientAttach& p);
Bytes encode(const ClientDetach& p);
Bytes encode(const ClientLost& p);
Bytes encode(const Batch& p);
Bytes encode(const Anchor& p);
Bytes encode(const UnexplainedExtend& p);
Bytes encode(const SealBroken& p);
Bytes encode(const SegmentSeal& p);
Bytes encode(const End& p);

[[nodiscard]] bool decode(std::span<const uint8_t> var, Genesis& p);
[[nodiscard]] bool decode(std::span<const uint8_t> var, Start& p);
[[nodiscard]] bool decode(std::span<const uint8_t> var, Clock& p);
[[nodiscard]] bool decode(std::span<const uint8_t> var, ClientAttach& p);
[[nodiscard]] bool decode(std::span<const uint8_t> var, ClientDetach& p);
[[nodiscard]] bool decode(std::span<const uint8_t> var, ClientLost& p);
[[nodiscard]] bool decode(std::span<const uint8_t> var, Batch& p);
[[nodiscard]] bool decode(std::span<const uint8_t> var, Anchor& p);
[[nodiscard]] bool decode(std::span<const uint8_t> var, UnexplainedExtend& p);
[[nodiscard]] bool decode(std::span<const uint8_t> var, SealBroken& p);
[[nodiscard]] bool decode(std::span<const uint8_t> var, SegmentSeal& p);
[[nodiscard]] bool decode(std::span<const uint8_t> var, End& p);

inline constexpr char kSealDomain[33] = "cryptomod seals of one client v1";
Digest seal_commitment(Lane lane, std::span<const uint8_t, kSealSeedSize> seed);

// AnchorBinding: everything qualifyingData covers (frame.h, kAnchorDomain).
struct AnchorBinding {
  LogId log_id{};
  uint64_t anchored_seq = 0;
  Digest anchored_head{};
  Digest previous_attest{};  // SHA-256 of the previous anchor's quote_attest, zero for the first of a log
  Digest challenge{};
  uint64_t nv_value = 0;
  uint64_t writer_time_ns = 0;
};
Digest qualifying_data(Lane lane, const AnchorBinding& binding);

}  // namespace cm::audit
