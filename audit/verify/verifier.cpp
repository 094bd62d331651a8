// SPDX-License-Identifier: Apache-2.0
// verifier.cpp: see verifier.h. It must not decide exit codes (findings.h does) and must not go on after a finding of
// code 1 or 2.
#include "audit/verify/verifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "audit/payload.h"
#include "audit/verify/client_rules.h"
#include "audit/verify/frame_ahead.h"
#include "audit/verify/tpm_evidence.h"

namespace cm::audit::verify {
namespace {

class Verifier {
 public:
  Verifier(LogSource& source, const Options& options, Report& report)
      : stream_(source, options.lane, options.wide),
        options_(options),
        report_(report),
        clients_(report),
        evidence_(options.lane, report) {}

  void run();

 private:
  enum class State : uint8_t { kNothing, kRunning, kEnded };

  bool stopped() const { return report_.fatal != fatal_before_; }
  void fail(FindingId id, Place place, std::string detail) { report_.add(id, std::move(place), std::move(detail)); }
  void walk();
  void first_step_failed(Step step);
  void frame(const FrameView& f, const FramePlace& place);
  bool chained(const FrameView& f, const FramePlace& place);
  bool in_order(const FrameView& f, const FramePlace& place);
  void meaning(const FrameView& f, const FramePlace& place, const Digest& head);
  void genesis(const FrameView& f, const FramePlace& place, const Digest& head, const Genesis& p);
  void trust_root(const FramePlace& place, const Digest& head, const Genesis& p);
  void start(const FrameView& f, const FramePlace& place, const Start& p);
  void segment_seal(const FramePlace& place, const SegmentSeal& p);
  void end(const FrameView& f, const FramePlace& place, const End& p);
  void conclude();
  void live_counter(uint64_t live);
  void list_endorsement();
  void list_checks();

  template <class Payload>
  bool decoded(const FrameView& f, const FramePlace& place, Payload& p);

  FrameAhead stream_;
  const Options& options_;
  Report& report_;
  ClientRules clients_;
  TpmEvidence evidence_;

  uint64_t fatal_before_ = 0;
  State state_ = State::kNothing;
  LogId log_id_{};
  uint64_t next_frame_ = 0;
  uint64_t next_record_ = 0;
  Digest previous_head_{};
  uint64_t writer_time_ns_ = 0;
  uint32_t writer_uid_ = 0;
  uint64_t end_frame_ = 0;
  bool end_covered_ = false;
  std::string sealed_segment_;  // the last one; nothing may follow in it
};

void Verifier::run() {
  switch (options_.trust.enrolment ? TrustRoot::kEnrolment : options_.trust.ak ? TrustRoot::kAk : TrustRoot::kNone) {
    case TrustRoot::kNone:
      report_.root = TrustRoot::kNone;
      report_.add(FindingId::kNoTrustRoot, Place{}, "");
      break;
    case TrustRoot::kAk:
      report_.root = TrustRoot::kAk;
      report_.add(FindingId::kAkOnly, Place{}, "");
      break;
    case TrustRoot::kEnrolment:
      report_.root = TrustRoot::kEnrolment;
      if (options_.trust.enrolment) report_.endorsement = options_.trust.enrolment->endorsement;
      break;
  }
  report_.head_given = options_.head.has_value();
  report_.nv_value_given = options_.nv_value;
  walk();
  if (report_.complete) conclude();
  list_checks();
}

// walk: findings about the directory (a foreign file, a missing segment) do not keep the frames that are there from
// being checked.
void Verifier::walk() {
  fatal_before_ = report_.fatal;
  while (!stopped()) {
    const Step step = stream_.next();
    if (step != Step::kEnd && !sealed_segment_.empty() && stream_.place().segment == sealed_segment_) {
      FramePlace place = stream_.place();
      place.frame_seq = next_frame_;
      fail(FindingId::kSegmentSeal, place.at(), "bytes behind the seal");
      return;
    }
    if (step == Step::kFrame) {
      frame(stream_.frame(), stream_.place());
      continue;
    }
    if (step == Step::kEnd) {
      report_.complete = true;
      if (state_ == State::kNothing) report_.add(FindingId::kNotALog, Place{}, "no frame");
      return;
    }
    if (state_ == State::kNothing) {
      first_step_failed(step);
      return;
    }
    FramePlace place = stream_.place();
    place.frame_seq = next_frame_;
    if (step == Step::kTorn) {
      report_.add(FindingId::kTornLastFrame, place.at(), fmt::format("{} bytes", stream_.left()));
      report_.complete = true;
      return;
    }
    const Problem& problem = stream_.problem();
    fail(problem.id, place.at(problem.offset), problem.detail);
  }
}

// first_step_failed: where the very first frame cannot be cut, this may be no log of ours at all.
void Verifier::first_step_failed(Step step) {
  FramePlace place = stream_.place();
  place.frame_seq = 0;
  const FrameHeader& header = stream_.frame().header;
  if (step == Step::kTorn || stream_.problem().id == FindingId::kNotAFrame)
    report_.add(FindingId::kNotALog, place.at(), "");
  else if (header.magic == kFrameMagic && header.version != kFormatVersion)
    report_.add(FindingId::kUnsupportedVersion, place.at(), fmt::format("version {}", header.version));
  else
    report_.add(stream_.problem().id, place.at(stream_.problem().offset), stream_.problem().detail);
}

void Verifier::frame(const FrameView& f, const FramePlace& place) {
  if (auto problem = stream_.check()) {
    FramePlace named = place;
    named.frame_seq = next_frame_;  // the header's own number may be what is damaged
    fail(problem->id, named.at(problem->offset, problem->record), problem->detail);
    return;
  }
  if (!chained(f, place) || !in_order(f, place)) return;
  const Digest& head = stream_.head();
  meaning(f, place, head);
  if (stopped()) return;
  if (!evidence_.frame_extended(f, place, head)) return;
  if (options_.head && *options_.head == head) report_.head_found = true;
  report_.head = hex_text(head);
  previous_head_ = head;
  ++next_frame_;
  next_record_ += f.header.record_count;
  if (f.type() != FrameType::kAnchor) writer_time_ns_ = f.header.writer_time_ns;
  ++report_.counts.frames;
  report_.counts.records += f.header.record_count;
  report_.counts.bytes += f.bytes.size();
  if (options_.observer != nullptr) options_.observer->accepted(f, place);
}

bool Verifier::chained(const FrameView& f, const FramePlace& place) {
  const FrameHeader& h = f.header;
  if (h.frame_seq != next_frame_) {
    FramePlace expected = place;
    expected.frame_seq = next_frame_;
    fail(FindingId::kFrameSequence, expected.at(),
         fmt::format("frame {} stands where frame {} belongs", h.frame_seq, next_frame_));
    return false;
  }
  if (next_frame_ == 0) std::memcpy(log_id_.data(), h.log_id, log_id_.size());
  if (std::memcmp(h.log_id, log_id_.data(), log_id_.size()) != 0) {
    fail(FindingId::kLogId, place.at(), "");
    return false;
  }
  if (std::memcmp(h.prev_head, previous_head_.data(), previous_head_.size()) != 0) {
    fail(FindingId::kPreviousHead, place.at(), "");
    return false;
  }
  if (h.first_record != next_record_) {
    fail(FindingId::kRecordSequence, place.at(), fmt::format("{} instead of {}", h.first_record, next_record_));
    return false;
  }
  // An anchor carries the time at which it was asked for; frames may have been written since.
  const bool free_time =
      f.type() == FrameType::kBoot || f.type() == FrameType::kRecovery || f.type() == FrameType::kAnchor;
  if (!free_time && h.writer_time_ns < writer_time_ns_) {
    fail(FindingId::kWriterTime, place.at(), utc_text(h.writer_time_ns));
    return false;
  }
  return true;
}

bool Verifier::in_order(const FrameView& f, const FramePlace& place) {
  const FrameType type = f.type();
  bool allowed = false;
  switch (state_) {
    case State::kNothing:
      allowed = type == FrameType::kGenesis;
      break;
    case State::kRunning:
      allowed = type != FrameType::kGenesis;
      break;
    case State::kEnded:
      allowed = type == FrameType::kAnchor || type == FrameType::kUnexplainedExtend || type == FrameType::kBoot;
      break;
  }
  if (!allowed) {
    fail(FindingId::kFrameOrder, place.at(), frame_type_text(f.header.type));
    return false;
  }
  if (type != FrameType::kBatch && f.header.record_count != 0) {
    fail(FindingId::kPayload, place.at(), "records in a frame that is no batch");
    return false;
  }
  return true;
}

template <class Payload>
bool Verifier::decoded(const FrameView& f, const FramePlace& place, Payload& p) {
  if (decode(f.var, p)) return true;
  fail(FindingId::kPayload, place.at(sizeof(FrameHeader)), frame_type_text(f.header.type));
  return false;
}

void Verifier::meaning(const FrameView& f, const FramePlace& place, const Digest& head) {
  evidence_.frame(f.type());
  if (stopped()) return;
  switch (f.type()) {
    case FrameType::kGenesis:
      if (Genesis p; decoded(f, place, p)) genesis(f, place, head, p);
      return;
    case FrameType::kBoot:
    case FrameType::kRecovery:
      if (Start p; decoded(f, place, p)) start(f, place, p);
      return;
    case FrameType::kClock: {
      Clock p;
      static_cast<void>(decoded(f, place, p));
      return;
    }
    case FrameType::kClientAttach:
      if (ClientAttach p; decoded(f, place, p)) clients_.attach(f, place, p, writer_uid_);
      return;
    case FrameType::kClientDetach:
      if (ClientDetach p; decoded(f, place, p)) clients_.detach(place, p);
      return;
    case FrameType::kClientLost:
      if (ClientLost p; decoded(f, place, p)) clients_.lost(place, p);
      return;
    case FrameType::kBatch:
      if (Batch p; decoded(f, place, p)) clients_.batch(f, place, p);
      return;
    case FrameType::kAnchor:
      if (Anchor p; decoded(f, place, p)) evidence_.anchor(f, place, p);
      if (state_ == State::kEnded && evidence_.ledger().covers(end_frame_)) {
        end_covered_ = true;
        evidence_.closed();
      }
      return;
    case FrameType::kUnexplainedExtend:
      if (UnexplainedExtend p; decoded(f, place, p)) evidence_.unexplained_extend(place, p);
      return;
    case FrameType::kSealBroken:
      if (SealBroken p; decoded(f, place, p)) clients_.seal_broken(place, p);
      return;
    case FrameType::kEnd:
      if (End p; decoded(f, place, p)) end(f, place, p);
      return;
    case FrameType::kSegmentSeal:
      if (SegmentSeal p; decoded(f, place, p)) segment_seal(place, p);
      return;
  }
}

void Verifier::genesis(const FrameView&, const FramePlace& place, const Digest& head, const Genesis& p) {
  report_.log_id = hex_text(log_id_);
  writer_uid_ = p.writer_uid;
  if (p.isolated != 0 && (p.writer_uid == 0 || p.writer_uid == p.creator_uid)) {
    fail(FindingId::kPayload, place.at(), "claims isolation that its user ids deny");
    return;
  }
  if (p.isolated == 0) report_.add(FindingId::kNoIsolation, place.at(), fmt::format("uid {}", p.writer_uid));
  evidence_.genesis(place, log_id_, p);
  trust_root(place, head, p);
  state_ = State::kRunning;
}

void Verifier::trust_root(const FramePlace& place, const Digest& head, const Genesis& p) {
  if (options_.trust.enrolment) {
    const std::string field = enrolment_difference(*options_.trust.enrolment, log_id_, head, p);
    if (!field.empty()) fail(FindingId::kEnrolmentMismatch, place.at(), field);
  }
  if (options_.trust.ak) {
    const auto ak = parse_ak_public(p.ak_public);
    if (!ak || !(ak->point == *options_.trust.ak)) fail(FindingId::kAkMismatch, place.at(), "");
  }
}

void Verifier::start(const FrameView& f, const FramePlace& place, const Start& p) {
  const bool boot = f.type() == FrameType::kBoot;
  const bool after_end = state_ == State::kEnded;
  if (boot && !after_end && p.tpm.reset_count == evidence_.ledger().tpm().reset_count) {
    fail(FindingId::kFrameOrder, place.at(), "boot without an end frame or a reset of the TPM before it");
    return;
  }
  if (!boot) report_.add(FindingId::kRecovered, place.at(), fmt::format("{} bytes were torn", p.torn_bytes));
  writer_uid_ = p.writer_uid;
  evidence_.start(place, p);
  // A boot frame without an end frame before it may come from the writer that was running when the TPM was reset.
  clients_.writer_started(boot && !after_end);
  state_ = State::kRunning;
  end_covered_ = false;
}

void Verifier::segment_seal(const FramePlace& place, const SegmentSeal& p) {
  if (p.reason == 0 || p.reason > kSealedReasonLast) {
    fail(FindingId::kPayload, place.at(), "reason");
  } else if (segment_file_name(p.segment) != place.segment || p.bytes != place.offset) {
    fail(FindingId::kSegmentSeal, place.at(), fmt::format("it says segment {} after {} bytes", p.segment, p.bytes));
  } else {
    sealed_segment_ = place.segment;
  }
}

void Verifier::end(const FrameView& f, const FramePlace& place, const End& p) {
  constexpr uint32_t kReasonLast = 2;
  if (p.reason == 0 || p.reason > kReasonLast) {
    fail(FindingId::kPayload, place.at(), "reason");
    return;
  }
  state_ = State::kEnded;
  end_frame_ = f.header.frame_seq;
  end_covered_ = false;
}

void Verifier::conclude() {
  clients_.conclude();
  if (state_ == State::kRunning) report_.add(FindingId::kNoEnd, Place{}, "");
  if (state_ == State::kEnded && !end_covered_) report_.add(FindingId::kEndUnanchored, Place{}, "");
  if (state_ != State::kNothing && options_.head && !report_.head_found)
    report_.add(FindingId::kHeadNotFound, Place{}, hex_text(*options_.head));
  if (state_ == State::kNothing) return;
  report_.nv_value = evidence_.ledger().counter();
  if (options_.nv_value) live_counter(*options_.nv_value);
}

// live_counter: each anchor increments the counter once and nothing else does. Only a log that has not ended may be one
// behind: its writer increments first and writes the anchor afterwards.
void Verifier::live_counter(uint64_t live) {
  const uint64_t last = evidence_.ledger().counter();
  const std::string detail = fmt::format("given {}, last anchor {}", live, last);
  if (live == last) return;
  if (live < last)
    fail(FindingId::kNvBeyond, Place{}, detail);
  else if (live == last + 1 && !end_covered_)
    report_.add(FindingId::kNvPending, Place{}, detail);
  else
    fail(FindingId::kNvBehind, Place{}, detail);
}

// list_endorsement: the enrolment record says whose TPM has the key; what that TPM is, it says itself in genesis, and
// its certificate in the name of a CA that the auditor chose.
void Verifier::list_endorsement() {
  auto& no = report_.not_checked;
  if (!report_.endorsement) {
    no.push_back("whether the TPM is genuine hardware: no endorsement certificate was enrolled");
    return;
  }
  const std::string text = endorsement_text(*report_.endorsement);
  if (hardware_shown(report_))
    report_.checked.push_back("hardware, when the record was made: the attestation key is in the TPM of the " + text);
  else if (report_.tpm_kind == "software")
    no.push_back("whether the TPM is genuine hardware: it says that it is software, and was enrolled with the " + text);
  else
    no.push_back("whether the TPM is genuine hardware: nothing is proved with the key that was enrolled with the " +
                 text);
}

void Verifier::list_checks() {
  auto& yes = report_.checked;
  auto& no = report_.not_checked;
  const Counts& n = report_.counts;
  yes.push_back(fmt::format("every byte of {} frames: sizes, digests, midstates, padding, checksums", n.frames));
  yes.push_back("one chain of heads from the genesis frame, frame and record numbers without a gap");
  yes.push_back(
      fmt::format("{} records: ring order, entry and exit pairs, sessions, open calls of lost clients", n.records));
  yes.push_back(fmt::format("{} anchors: signatures, PCR replay, counter values, TPM counts and clock", n.anchors));
  if (report_.root == TrustRoot::kEnrolment)
    yes.push_back("the genesis frame, attestation key and TPM counter against the enrolment record");
  if (report_.root == TrustRoot::kAk) yes.push_back("the attestation key against the given one");
  if (report_.head_given && report_.complete) yes.push_back("that the log contains the given head");
  if (report_.nv_value_given && report_.complete) yes.push_back("the last anchor against the given TPM counter");

  if (!report_.complete) no.push_back("everything after the first finding of code 1 or 2");
  if (report_.root == TrustRoot::kNone) no.push_back("who made the log: no trust root was given");
  if (report_.root == TrustRoot::kAk) no.push_back("which history this key quoted: no enrolment record was given");
  if (!report_.head_given && !report_.nv_value_given)
    no.push_back("whether the log once went on after its last frame: neither --head nor --nv-value was given");
  list_endorsement();
  if (n.records != 0)
    no.push_back("the seals of the records: the writer held them against keys that it alone had, and no log has them");
  no.push_back("whether the application recorded truthfully: code inside it can forge or skip its own future records");
}

}  // namespace

void verify_log(LogSource& source, const Options& options, Report& report) {
  report.counts.segments = source.segment_count();
  Verifier(source, options, report).run();
}

}  // namespace cm::audit::verify
