// SPDX-License-Identifier: Apache-2.0
// record.h: the in-memory form of an audit record and the packing of its detail field. The layout is that of
// include/cryptomod/audit_record.h and is frozen.
#pragma once
#include <cstddef>
#include <cstdint>

#include "audit/events.h"
#include "crypto/base/lane.h"
#include "cryptomod/audit_record.h"

namespace cm::audit {

using Record = cm_audit_record;
inline constexpr size_t kRecordSize = CM_AUDIT_RECORD_SIZE;
static_assert(sizeof(Record) == kRecordSize);
static_assert(offsetof(Record, time_ns) == 8 && offsetof(Record, session_id) == 16 && offsetof(Record, ring_id) == 32 &&
              offsetof(Record, object) == 40 && offsetof(Record, detail) == 48 && offsetof(Record, seal) == 56);

inline constexpr uint64_t kDetailBytesMask = (uint64_t{1} << 40) - 1;  // larger counts saturate

constexpr uint64_t exit_detail(uint64_t bytes_out, Lane lane, uint16_t reason) {
  return (bytes_out > kDetailBytesMask ? kDetailBytesMask : bytes_out) | static_cast<uint64_t>(lane) << 40 |
         static_cast<uint64_t>(reason) << 48;
}
constexpr uint64_t detail_bytes(uint64_t detail) { return detail & kDetailBytesMask; }
constexpr Lane detail_lane(uint64_t detail) { return static_cast<Lane>(detail >> 40 & 0xff); }
constexpr uint16_t detail_reason(uint64_t detail) { return static_cast<uint16_t>(detail >> 48); }

// What the seal of a record is: zero, or of the chain in audit/seal.h, which begins with a seed.
inline constexpr uint32_t kSealNone = 0;
inline constexpr uint32_t kSealChain = 1;
inline constexpr size_t kSealSeedSize = 16;

// A self-test record packs its lane and duration into detail: bits 0-7 and from 8 on.
constexpr uint64_t self_test_detail(Lane lane, uint32_t ns) { return static_cast<uint64_t>(lane) | uint64_t{ns} << 8; }
constexpr bool is_self_test(const Record& r) { return r.event_id >> 16 == static_cast<uint32_t>(EventId::kCast) >> 16; }
constexpr Lane self_test_lane(const Record& r) { return static_cast<Lane>(r.detail & 0xff); }
constexpr uint64_t self_test_ns(const Record& r) { return r.detail >> 8; }

// A record that is part of a call says in detail which: bits 0-15 a number that the service explains (of a job), 16-31
// and 32-63 ring and sequence of the call's entry record. kCallElsewhere: the entry went to the boot buffer.
inline constexpr uint32_t kCallElsewhere = 0xffff, kCallPartMax = 0xffff;
constexpr uint64_t part_of_call(uint32_t ring, uint32_t seq, uint32_t number) {
  return uint64_t{seq} << 32 | uint64_t{ring & 0xffff} << 16 | (number & 0xffff);
}

constexpr bool is_part_of_call(const Record& r) { return r.event_id == static_cast<uint32_t>(EventId::kKeyDerived); }
constexpr uint32_t part_ring(const Record& r) { return r.detail >> 16 & 0xffff; }  // counted from the client's first
constexpr uint32_t part_seq(const Record& r) { return static_cast<uint32_t>(r.detail >> 32); }
constexpr uint32_t part_number(const Record& r) { return r.detail & 0xffff; }

constexpr bool is_exit(const Record& r) { return (r.event_id & kExitBit) != 0; }
constexpr bool is_service(const Record& r) { return (r.event_id & ~kExitBit) < kServiceEnd; }

}  // namespace cm::audit
