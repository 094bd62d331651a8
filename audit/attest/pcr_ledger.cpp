// SPDX-License-Identifier: Apache-2.0
// pcr_ledger.cpp: see pcr_ledger.h.
#include "audit/attest/pcr_ledger.h"

#include <algorithm>

#include "crypto/sha2/sha256.h"

namespace cm::audit {

Digest extended_pcr(Lane lane, const Digest& pcr, const Digest& head) {
  std::array<uint8_t, 2 * kDigestSize> both;
  std::copy(pcr.begin(), pcr.end(), both.begin());
  std::copy(head.begin(), head.end(), both.begin() + kDigestSize);
  Digest out;
  sha256(lane, out.data(), both.data(), both.size());
  return out;
}

void PcrLedger::begin(const Digest& value) {
  frames_.clear();
  values_.clear();
  base_ = value_ = value;
}

void PcrLedger::found(const Digest& value) { value_ = value; }

// extend: the first of frames_ is anchored, or the replay began with it, or it is as far back as is remembered; so it
// stays. A frame that carries some of the frames that went in with another one carries that one, too.
bool PcrLedger::extend(const FrameHeader& header, const Digest& head) {
  if (header.carried > header.frame_seq) return false;
  uint64_t first_seq = header.frame_seq - header.carried;
  auto kept = frames_.end();
  while (kept != frames_.begin() && (kept - 1)->frame_seq >= first_seq) {
    if ((--kept)->begins) return false;
  }
  if (header.carried > 0 && kept == frames_.begin()) return false;
  if (kept != frames_.end()) {
    value_ = kept->before;
    first_seq = std::min(first_seq, kept->first_seq);
    for (auto gone = kept; gone != frames_.end(); ++gone) values_.erase(values_.find(gone->pcr));
    frames_.erase(kept, frames_.end());
  }
  const Digest before = value_;
  value_ = extended_pcr(lane_, before, head);
  frames_.push_back({header.frame_seq, first_seq, header.first_record + header.record_count, head, before, value_,
                     begins_replay(static_cast<FrameType>(header.type))});
  values_.insert(value_);
  if (frames_.size() > kMaxFrames) forget_oldest();
  return true;
}

void PcrLedger::anchored(uint64_t frame_seq) {
  while (frames_.front().frame_seq < frame_seq) forget_oldest();
  base_ = frames_.front().pcr;
}

void PcrLedger::forget_oldest() {
  base_ = frames_.front().pcr;
  values_.erase(values_.find(base_));
  frames_.pop_front();
}

std::deque<ExtendedFrame>::const_iterator PcrLedger::at_or_behind(uint64_t frame_seq) const {
  return std::ranges::lower_bound(frames_, frame_seq, {}, &ExtendedFrame::frame_seq);
}

const ExtendedFrame* PcrLedger::find(uint64_t frame_seq) const {
  const auto found = at_or_behind(frame_seq);
  return found != frames_.end() && found->frame_seq == frame_seq ? &*found : nullptr;
}

bool PcrLedger::carried(uint64_t frame_seq) const {
  const auto found = at_or_behind(frame_seq);
  return found != frames_.end() && found->frame_seq != frame_seq && found->first_seq <= frame_seq;
}

bool PcrLedger::behind(const Digest& pcr, std::deque<ExtendedFrame>& out) const {
  out.clear();
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
    if (frame->pcr == pcr) return true;
    out.push_front(*frame);
    if (frame->begins) return pcr == frame->before;
  }
  return pcr == base_;
}

}  // namespace cm::audit
