// SPDX-License-Identifier: Apache-2.0
// rechain.cpp: see rechain.h.
#include "tests/audit/mutations/rechain.h"

#include <algorithm>

namespace cm::audit::test {
namespace {

template <class Payload>
Payload decoded(const TestFrame& frame) {
  Payload p;
  static_cast<void>(decode(frame.var, p));
  return p;
}

template <class Payload>
bool store(TestFrame& frame, const Payload& p) {
  frame.var = padded(encode(p));
  return true;
}

bool is_start(const TestFrame& f) { return f.type == FrameType::kBoot || f.type == FrameType::kRecovery; }

std::optional<uint64_t> frame_with(const std::vector<Digest>& pcrs, const Digest& value) {
  const auto found = std::find(pcrs.begin(), pcrs.end(), value);
  if (found == pcrs.end()) return std::nullopt;
  return static_cast<uint64_t>(found - pcrs.begin());
}

// Corrector: replays the PCR over the new heads and puts its values where the old ones stood.
class Corrector {
 public:
  explicit Corrector(const CleanLog& clean) : refers_(references(clean)), tpm_(clean.key) {
    tpm_.pcr = decoded<Genesis>(clean.log.frames[0]).pcr_start;
  }

  void correct(TestFrame& frame, uint64_t number) {
    const std::optional<uint64_t> refers = refers_[number];
    if (frame.type == FrameType::kAnchor) {
      auto p = decoded<Anchor>(frame);
      p.anchored_head = heads_.at(p.anchored_seq);
      p.pcr_value = pcrs_.at(p.anchored_seq);
      static_cast<void>(store(frame, p));
    } else if (is_start(frame)) {
      auto p = decoded<Start>(frame);
      if (refers) p.pcr_value = pcrs_.at(*refers);
      if (!refers) tpm_.pcr = p.pcr_value;
      static_cast<void>(store(frame, p));
    } else if (frame.type == FrameType::kUnexplainedExtend) {
      auto p = decoded<UnexplainedExtend>(frame);
      p.expected = pcrs_.at(refers.value());
      tpm_.pcr = p.found;
      static_cast<void>(store(frame, p));
    }
  }
  void extended(const Digest& head, uint32_t carried) {
    if (carried != 0 && carried < pcrs_.size()) {
      tpm_.pcr = pcrs_[pcrs_.size() - carried - 1];
      std::fill(pcrs_.end() - carried, pcrs_.end(), tpm_.pcr);
    }
    tpm_.extend(head);
    heads_.push_back(head);
    pcrs_.push_back(tpm_.pcr);
  }

 private:
  References refers_;
  SoftTpm tpm_;
  std::vector<Digest> heads_, pcrs_;
};

void change_byte(Digest& digest, Dice& dice) { digest[dice.below(digest.size())] ^= 0x20; }

void change_record(TestFrame& frame, Dice& dice) {
  Record& r = frame.records[dice.below(frame.records.size())];
  if (dice.one_in(3))
    r.time_ns += 1;
  else
    r.detail ^= dice.from_to(1, UINT64_MAX - 1);
}

uint32_t other_reason(uint32_t reason, uint32_t last) { return reason % last + 1; }

// change_payload: fields that are for the reader alone.
bool change_payload(TestFrame& frame, Dice& dice) {
  switch (frame.type) {
    case FrameType::kClock: {
      auto p = decoded<Clock>(frame);
      p.utc_ns ^= uint64_t{1} << dice.below(64);
      return store(frame, p);
    }
    case FrameType::kClientAttach: {
      auto p = decoded<ClientAttach>(frame);
      if (dice.one_in(2))
        p.pid += 1;
      else
        change_byte(p.executable_digest, dice);
      return store(frame, p);
    }
    case FrameType::kBoot:
    case FrameType::kRecovery: {
      auto p = decoded<Start>(frame);
      if (dice.one_in(2))
        p.boot_id[dice.below(p.boot_id.size())] ^= 1;
      else
        change_byte(p.torn_digest, dice);
      return store(frame, p);
    }
    case FrameType::kSegmentSeal: {
      auto p = decoded<SegmentSeal>(frame);
      p.reason = other_reason(p.reason, 3);
      return store(frame, p);
    }
    case FrameType::kSealBroken: {
      auto p = decoded<SealBroken>(frame);
      p.reason = other_reason(p.reason, 6);
      return store(frame, p);
    }
    case FrameType::kEnd: {
      auto p = decoded<End>(frame);
      p.reason = other_reason(p.reason, 2);
      return store(frame, p);
    }
    default:
      return false;
  }
}

}  // namespace

References references(const CleanLog& clean) {
  const LogBuilder& log = clean.log;
  References out(log.frames.size());
  uint32_t reset_count = decoded<Genesis>(log.frames[0]).tpm.reset_count;
  for (size_t i = 0; i < log.frames.size(); ++i) {
    const TestFrame& f = log.frames[i];
    if (f.type == FrameType::kAnchor) out[i] = decoded<Anchor>(f).anchored_seq;
    if (f.type == FrameType::kUnexplainedExtend) out[i] = frame_with(log.pcrs, decoded<UnexplainedExtend>(f).expected);
    if (!is_start(f)) continue;
    const auto start = decoded<Start>(f);
    if (start.tpm.reset_count == reset_count) out[i] = frame_with(log.pcrs, start.pcr_value);
    reset_count = start.tpm.reset_count;
  }
  return out;
}

// first_witness: an anchor's quote covers the true head. A start frame shows a value of the PCR; that it is not
// explained counts when the next frame does not say so, and at once where the counter is one ahead.
std::optional<Witness> first_witness(const CleanLog& clean, uint64_t changed, Claims claims) {
  const References refers = references(clean);
  const std::vector<TestFrame>& frames = clean.log.frames;
  const bool left = claims == Claims::kLeft;
  for (uint64_t i = changed + 1; i < frames.size(); ++i) {
    if (!refers[i] || *refers[i] < changed) continue;
    if (frames[i].type == FrameType::kAnchor)
      return Witness{i, left ? FindingId::kAnchorPosition : FindingId::kAttestBinding};
    if (!left) continue;
    if (frames[i].type == FrameType::kUnexplainedExtend) return Witness{i, FindingId::kStartPcr};
    if (decoded<Start>(frames[i]).nv_value != clean.moments[i - 1].nv_value) return Witness{i, FindingId::kNvValue};
    const bool said = i + 1 == frames.size() || frames[i + 1].type == FrameType::kUnexplainedExtend;
    if (!said) return Witness{i, FindingId::kStartPcr};
  }
  return std::nullopt;
}

std::vector<Bytes> rechain(const CleanLog& clean, std::vector<TestFrame> frames, Claims claims) {
  Corrector corrector(clean);
  Chain chain;
  chain.log_id = clean.log.chain.log_id;
  std::vector<Bytes> segments(1);
  for (uint64_t i = 0; i < frames.size(); ++i) {
    TestFrame& f = frames[i];
    if (f.new_segment) segments.emplace_back();
    if (f.type == FrameType::kSegmentSeal) {
      auto p = decoded<SegmentSeal>(f);
      p.segment = static_cast<uint32_t>(segments.size() - 1);
      p.bytes = segments.back().size();
      static_cast<void>(store(f, p));
    }
    if (claims == Claims::kCorrected) corrector.correct(f, i);
    const Bytes bytes = frame_bytes(chain, f);
    segments.back().insert(segments.back().end(), bytes.begin(), bytes.end());
    corrector.extended(chain.previous, f.carried);
  }
  return segments;
}

bool change_freely(TestFrame& frame, Dice& dice) {
  if (frame.type == FrameType::kAnchor) {
    // The time and everything else in it is quoted; these two are covered by the next anchor only.
    auto p = decoded<Anchor>(frame);
    p.tsc_after += dice.from_to(1, 1000);
    return store(frame, p);
  }
  if (frame.type == FrameType::kGenesis) return false;
  if (!frame.records.empty() && !dice.one_in(4)) {
    change_record(frame, dice);
    return true;
  }
  if (!dice.one_in(4) && change_payload(frame, dice)) return true;
  frame.writer_time_ns += 1;
  return true;
}

}  // namespace cm::audit::test
