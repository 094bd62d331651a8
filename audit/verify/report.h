// SPDX-License-Identifier: Apache-2.0
// report.h: what the verifier found and where, and the verdict as text and as JSON. It must never say a bare "pass": a
// verdict always names the record up to which something is proved, and what was not checked.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/attest/attest_key.h"
#include "audit/chain.h"
#include "audit/text.h"
#include "audit/verify/findings.h"

namespace cm::audit::verify {

// RecordPlace: names one record. ring_seq is the full number where the batch's marks are sound.
struct RecordPlace {
  uint64_t number = 0;  // global, from 0
  uint32_t ring_id = 0;
  uint64_t ring_seq = 0;
  uint32_t event_id = 0;
};

// Place: empty segment = the log as a whole.
struct Place {
  std::string segment;
  uint64_t offset = 0;  // of the frame, or of the byte where one is known
  std::optional<uint64_t> frame;
  std::optional<RecordPlace> record;
};

// Problem: a finding inside one frame, before the place of the frame is known.
struct Problem {
  FindingId id = FindingId::kIoError;
  std::string detail;
  uint64_t offset = 0;  // within the frame
  std::optional<RecordPlace> record;
};

// finding_of: the finding that a fault in what a TPM attests is.
FindingId finding_of(AttestFault::Kind kind);

// Finding: the first occurrence and how many there were.
struct Finding {
  FindingId id = FindingId::kIoError;
  Place place;
  std::string detail;
  uint64_t count = 1;
};

// Proof: what one anchor covers.
struct Proof {
  uint64_t records = 0;  // records 0 .. records - 1
  uint64_t frame_seq = 0;
  uint64_t clock_ms = 0;  // TPM time of the quote
  uint32_t reset_count = 0;
  uint32_t restart_count = 0;
  bool clock_safe = false;
  uint64_t writer_time_ns = 0;
};

enum class TrustRoot : uint8_t { kNone, kAk, kEnrolment };

// Endorsement: what an enrolment record says of the TPM: an auditor held its endorsement certificate against a CA, and
// the TPM showed that it has that certificate's key beside the attestation key.
struct Endorsement {
  Digest certificate_sha256{};
  std::string subject;
  std::string issuer;
  Digest ca_sha256{};   // the certificate that he trusted
  std::string checked;  // when, by his clock
};

struct Counts {
  uint64_t segments = 0;
  uint64_t bytes = 0;
  uint64_t frames = 0;
  uint64_t records = 0;
  uint64_t clients = 0;
  uint64_t sessions = 0;
  uint64_t anchors = 0;
  uint64_t signatures = 0;
};

struct Report {
  TrustRoot root = TrustRoot::kNone;
  std::string log_id;     // hex, empty when no genesis was read
  std::string head;       // hex, of the last whole frame
  std::string tpm_kind;   // "software" or "device"
  bool complete = false;  // every byte up to the end was read
  bool head_given = false;
  bool head_found = false;
  std::optional<uint64_t> nv_value;        // of the last anchor, or of genesis
  std::optional<uint64_t> nv_value_given;  // by --nv-value
  std::optional<Proof> proof;
  std::optional<Endorsement> endorsement;  // of the enrolment record
  Counts counts;
  uint64_t fatal = 0;             // findings of code 1 or 2
  std::vector<Finding> findings;  // in the order of their first occurrence
  std::vector<std::string> checked;
  std::vector<std::string> not_checked;

  void add(FindingId id, Place place, std::string detail);
  bool has(FindingId id) const;
  const Finding* first(int exit_code) const;
};

// exit_code: by the table of findings.h alone.
int exit_code(const Report& report);

// verdict_word: of an exit code. statement: the sentence that says what is proved; only an enrolment record makes it a
// proof. tail_records: judged, and covered by no anchor.
std::string_view verdict_word(int exit_code);
std::string statement(const Report& report);
uint64_t tail_records(const Report& report);

// hardware_shown: the quotes that prove something come from a TPM device whose endorsement certificate was enrolled.
bool hardware_shown(const Report& report);
// endorsement_text: of an endorsement, on one line.
std::string endorsement_text(const Endorsement& endorsement);

std::string to_text(const Report& report);
std::string to_json(const Report& report);
std::string describe(const Place& place);

// Formatting shared with show.
std::string utc_text(uint64_t time_ns);  // 2026-11-21T20:50:00.123456789Z
std::string event_text(uint32_t event_id);
// printable_text: text that somebody else chose, safe for a terminal and on one line: everything but printable ASCII is
// escaped, and the backslash. quoted_text: the same in quotes, those within escaped too.
std::string printable_text(std::string_view text);
std::string quoted_text(std::string_view text);
std::string frame_type_text(uint16_t type);
using audit::hex_text;

}  // namespace cm::audit::verify
