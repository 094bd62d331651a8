// SPDX-License-Identifier: Apache-2.0
// journal.cpp: see journal.h.
#include "audit/writer/journal.h"

#include <algorithm>

#include "audit/writer/futex.h"

namespace cm::audit {

void Journal::set_position(const ChainPosition& position, uint64_t last_time_ns, bool unanchored) {
  position_ = position;
  last_time_ns_ = last_time_ns;
  unanchored_ = unanchored;
  last_plain_seq_ = position.next_frame_seq == 0 ? 0 : position.next_frame_seq - 1;
}

uint64_t Journal::request_time() {
  last_time_ns_ = std::max(last_time_ns_, clock_ns(CLOCK_REALTIME));
  return last_time_ns_;
}

Appended Journal::append(FrameType type, const Bytes& payload, const FrameExtras& extras) {
  if (type == FrameType::kBoot || type == FrameType::kRecovery) last_time_ns_ = 0;
  const uint64_t time_ns = extras.writer_time_ns ? *extras.writer_time_ns : request_time();
  ChainPosition after = position_;
  const std::vector<uint8_t> frame = build_frame(lane_, after, type, time_ns, payload, extras.records);
  const Appended result = store_.append(frame, error_);
  if (result != Appended::kDone) return result;
  const uint64_t frame_seq = position_.next_frame_seq;
  if (!extras.records.empty()) marks_.push_back({frame_seq, position_.next_record});
  position_ = after;
  note(type, payload, frame_seq);
  tpm_.enqueue({frame_seq, position_.prev_head, extras.base});
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

}  // namespace cm::audit
