// SPDX-License-Identifier: Apache-2.0
// journal.cpp: see journal.h.
#include "audit/writer/journal.h"

#include <algorithm>
#include <cstdio>

#include "audit/probes.h"
#include "audit/writer/futex.h"

namespace cm::audit {

void Journal::set_position(const ChainPosition& position, uint64_t last_time_ns, bool unanchored,
                           uint64_t segment_time_ns) {
  position_ = position;
  segment_age_ = {segment_time_ns, true};
  last_time_ns_ = last_time_ns;
  unanchored_ = unanchored;
  last_plain_seq_ = position.next_frame_seq == 0 ? 0 : position.next_frame_seq - 1;
}

uint64_t Journal::request_time() {
  last_time_ns_ = std::max(last_time_ns_, clock_ns(CLOCK_REALTIME));
  return last_time_ns_;
}

Appended Journal::append(FrameType type, const Bytes& payload, const FrameExtras& extras) {
  if (must_close(type, payload, extras.records.size())) {
    const Appended closed = close_segment(kSealedFull);
    if (closed != Appended::kDone) return closed;
  }
  return append_here(type, payload, extras);
}

// must_close: frames that belong behind the one before them, such as the anchor of an end, do not begin a segment.
bool Journal::must_close(FrameType type, const Bytes& payload, size_t records) const {
  if (type != FrameType::kBatch && type != FrameType::kClock && type != FrameType::kClientAttach) return false;
  const auto var_size = static_cast<uint32_t>((payload.size() + kFrameAlign - 1) / kFrameAlign * kFrameAlign);
  return store_.full_for(frame_size(var_size, static_cast<uint32_t>(records)));
}

Appended Journal::close_segment(uint32_t reason) {
  if (!store_.open()) return Appended::kDone;
  const Appended result =
      append_here(FrameType::kSegmentSeal, encode(SegmentSeal{store_.segment(), reason, store_.size()}), {});
  if (result != Appended::kDone) return result;
  segment_age_ = {};
  if (const Error error = store_.close_segment()) std::fprintf(stderr, "cryptomod-auditd: %s\n", error.text.c_str());
  return result;
}

Appended Journal::append_here(FrameType type, const Bytes& payload, const FrameExtras& extras) {
  if (type == FrameType::kBoot || type == FrameType::kRecovery) last_time_ns_ = 0;
  const uint64_t time_ns = extras.writer_time_ns ? *extras.writer_time_ns : request_time();
  ChainPosition after = position_;
  const Withdrawn carried = extras.base ? Withdrawn{} : tpm_.withdraw(position_.next_frame_seq);
  const std::vector<uint8_t> frame = build_frame(lane_, after, type, time_ns, payload, extras.records, carried.frames);
  const uint64_t begun_ns = monotonic_ns();
  const Appended result = store_.append(frame, error_);
  if (result != Appended::kDone) {
    tpm_.put_back(carried);
    return result;
  }
  const uint64_t spent_ns = monotonic_ns() - begun_ns;
  counted_.append_ns_total += spent_ns;
  counted_.append_ns_longest = std::max(counted_.append_ns_longest, spent_ns);
  counted_.frames_total[static_cast<size_t>(type)] += 1;
  counted_.records_total += extras.records.size();
  counted_.bytes_total += frame.size();
  if (store_.size() == frame.size()) segment_age_ = {time_ns, false};
  segment_age_.has_records |= !extras.records.empty();
  const uint64_t frame_seq = position_.next_frame_seq;
  if (!extras.records.empty()) marks_.push_back({frame_seq, position_.next_record});
  position_ = after;
  note(type, payload, frame_seq);
  CM_PROBE_FRAME_DURABLE(static_cast<uint16_t>(type), frame_seq, extras.records.size(), spent_ns);
  tpm_.enqueue({frame_seq, position_.prev_head, extras.base, time_ns});
  return result;
}

void Journal::note(FrameType type, const Bytes& payload, uint64_t frame_seq) {
  if (type != FrameType::kAnchor) {
    unanchored_ = true;
    last_plain_seq_ = frame_seq;
    return;
  }
  Bytes padded = payload;
  padded.resize((padded.size() + kFrameAlign - 1) / kFrameAlign * kFrameAlign);
  Anchor anchor;
  if (decode(padded, anchor) && anchor.anchored_seq >= last_plain_seq_) unanchored_ = false;
}

uint64_t Journal::tail_records() {
  const uint64_t extended_end = tpm_.extended_end();
  while (!marks_.empty() && marks_.front().frame_seq < extended_end) marks_.pop_front();
  return marks_.empty() ? 0 : position_.next_record - marks_.front().records_before;
}

void Journal::count(Metrics& metrics) {
  metrics = counted_;
  counted_.append_ns_longest = 0;
  metrics.log_frames = position_.next_frame_seq;
  metrics.log_records = position_.next_record;
  metrics.segment = store_.segment();
  metrics.segment_bytes = store_.size();
  metrics.unextended_records = tail_records();
  metrics.unextended_frames = tail_frames();
}

}  // namespace cm::audit
