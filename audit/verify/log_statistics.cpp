// SPDX-License-Identifier: Apache-2.0
// log_statistics.cpp: see log_statistics.h. The frames hold: what the verifier asks of them is not asked again.
#include "audit/verify/log_statistics.h"

#include <algorithm>

#include "audit/verify/frame_text.h"
#include "audit/verify/record_filter.h"

namespace cm::audit::verify {
namespace {

std::string shortened(const std::string& text) {
  return text.size() <= kListedTextSize ? text : text.substr(0, kListedTextSize) + "...";
}

void add_saturating(uint64_t& sum, uint64_t value) { sum = value > UINT64_MAX - sum ? UINT64_MAX : sum + value; }

bool begins_or_breaks(FrameType type) {
  return type == FrameType::kGenesis || type == FrameType::kBoot || type == FrameType::kRecovery ||
         type == FrameType::kUnexplainedExtend;
}

}  // namespace

void LogStatistics::accepted(const FrameView& frame, const FramePlace&) {
  ++out_.frames;
  out_.records += frame.header.record_count;
  ++out_.frames_by_type[frame.type()];
  frame_times(frame);
  milestone(frame);
  if (Batch p; frame.type() == FrameType::kBatch && decode(frame.var, p)) batch(frame, p);
  if (ClientAttach p; frame.type() == FrameType::kClientAttach && decode(frame.var, p)) attach(frame, p);
  if (ClientDetach p; frame.type() == FrameType::kClientDetach && decode(frame.var, p))
    leave(frame, p.client_id, ClientEnd::kDetached, 0);
  if (ClientLost p; frame.type() == FrameType::kClientLost && decode(frame.var, p))
    leave(frame, p.client_id, ClientEnd::kLost, p.reason);
  if (Anchor p; frame.type() == FrameType::kAnchor && decode(frame.var, p)) anchor(frame, p);
  if (Start p; frame.type() == FrameType::kRecovery && decode(frame.var, p))
    add_saturating(out_.losses.torn_bytes, p.torn_bytes);
}

// frame_times: an anchor has the time at which it was asked for, which may be before that of the frame in front of it.
void LogStatistics::frame_times(const FrameView& frame) {
  if (frame.type() == FrameType::kAnchor) return;
  const uint64_t time = frame.header.writer_time_ns;
  const bool start = frame.type() == FrameType::kBoot || frame.type() == FrameType::kRecovery;
  if (out_.frames == 1) out_.first_ns = time;
  if (out_.frames > 1 && !start && time > time_before_)
    out_.longest_silence_ns = std::max(out_.longest_silence_ns, time - time_before_);
  time_before_ = time;
  out_.last_ns = std::max(out_.last_ns, time);
  Timeline::Bucket& bucket = out_.timeline.at(time);
  if (begins_or_breaks(frame.type())) ++bucket.starts;
}

void LogStatistics::batch(const FrameView& frame, const Batch& p) {
  Timeline::Bucket& bucket = out_.timeline.at(frame.header.writer_time_ns);
  bucket.records += frame.header.record_count;
  size_t index = 0;
  for (const RingMark& mark : p.marks) {
    const RingOwner* owner = owners_.find(mark.ring_id);
    ClientStatistics* client = owner == nullptr ? nullptr : listed(owner->client_id);
    (client == nullptr ? out_.other_clients_records : client->records) += mark.count;
    const bool first_ring = owner != nullptr && owner->first_ring == mark.ring_id;
    for (uint32_t i = 0; i < mark.count; ++i, ++index) {
      RecordRow row{.record = frame.record(index),
                    .number = frame.header.first_record + index,
                    .frame = frame.header.frame_seq,
                    .ring_seq = mark.first_seq + i};
      record(row, first_ring, owner, bucket);
    }
  }
}

void LogStatistics::record(RecordRow& row, bool first_ring, const RingOwner* owner, Timeline::Bucket& bucket) {
  if (!is_service(row.record))
    event(row, owner, bucket);
  else if (is_exit(row.record))
    call_ended(row.record, bucket);
  else
    call(row, first_ring);
}

void LogStatistics::call(const RecordRow& row, bool first_ring) {
  ServiceStatistics& service = out_.services[row.record.event_id];
  ++service.entries;
  add_saturating(service.bytes_in, row.record.detail);
  open_.add(row, first_ring);
}

void LogStatistics::call_ended(const Record& exit, Timeline::Bucket& bucket) {
  const uint32_t id = exit.event_id & ~kExitBit;
  ServiceStatistics& service = out_.services[id];
  ++service.exits;
  add_saturating(service.bytes_out, detail_bytes(exit.detail));
  const uint32_t reason = indicator_reason(exit);
  if (static_cast<int32_t>(exit.return_code) < 0) {
    ++service.failed;
    ++bucket.failed;
    out_.errors.add({id, exit.return_code});
  } else if (reason == 0) {
    ++service.approved;
  }
  if (reason != 0) {
    ++service.not_approved;
    out_.reasons.add({id, reason});
  }
  const auto entry = open_.take(exit);
  if (!entry) {
    ++out_.unpaired_exits;
    return;
  }
  service.latencies.add(entry->record.time_ns, exit.time_ns);
  out_.latencies.add(entry->record.time_ns, exit.time_ns);
}

void LogStatistics::event(const RecordRow& row, const RingOwner* owner, Timeline::Bucket& bucket) {
  const Record& r = row.record;
  if (is_self_test(r)) {
    SelfTestStatistics& test = out_.self_tests[r.event_id];
    if (test.runs++ == 0) test.first_ns = r.time_ns;
    test.last_ns = r.time_ns;
    test.slowest_ns = std::max(test.slowest_ns, self_test_ns(r));
    if (static_cast<int32_t>(r.return_code) < 0) {
      ++test.failed;
      ++bucket.failed;
    }
    return;
  }
  ++out_.events[r.event_id];
  switch (static_cast<EventId>(r.event_id)) {
    case EventId::kHealthRefused:
      add_saturating(out_.losses.calls_refused, r.object);
      add_saturating(out_.losses.acts_unrecorded, r.detail);
      return;
    case EventId::kHealthReentered:
      add_saturating(out_.losses.calls_reentered, r.object);
      return;
    case EventId::kHealthBootOverflow:
      add_saturating(out_.losses.boot_overflow, r.object);
      return;
    default:
      break;
  }
  if (r.event_id >> 16 == static_cast<uint32_t>(EventId::kState) >> 16)
    out_.states.add({r.time_ns, row.number, r.event_id, r.return_code, owner != nullptr ? owner->pid : 0});
}

void LogStatistics::attach(const FrameView& frame, const ClientAttach& p) {
  const uint64_t time = frame.header.writer_time_ns;
  owners_.attach(p, false);
  if (ClientStatistics* known = listed(p.client_id); known != nullptr) {
    ++known->returns;
    return;
  }
  if (p.reattached != 0) return;
  if (out_.clients.size() >= kListedClients) {
    ++out_.other_clients;
    return;
  }
  listed_[p.client_id] = out_.clients.size();
  out_.clients.push_back({.id = hex_text(p.client_id),
                          .pid = p.pid,
                          .uid = p.uid,
                          .executable = shortened(p.executable),
                          .module_version = shortened(p.module_version),
                          .attached_ns = time});
}

void LogStatistics::leave(const FrameView& frame, const std::array<uint8_t, kIdSize>& id, ClientEnd end,
                          uint32_t reason) {
  if (ClientStatistics* client = listed(id); client != nullptr) {
    client->end = end;
    client->lost_reason = reason;
    client->left_ns = frame.header.writer_time_ns;
    listed_.erase(id);
  }
  const auto owner = owners_.remove(id);
  if (!owner) return;
  for (const RecordRow& row : open_.forget(*owner)) unfinished(row, *owner, end);
}

void LogStatistics::unfinished(const RecordRow& row, const RingOwner& owner, ClientEnd end) {
  out_.unfinished.add({row, owner.pid, shortened(owner.executable), end});
}

void LogStatistics::anchor(const FrameView& frame, const Anchor& p) {
  AnchorStatistics& a = out_.anchors;
  const uint64_t time = frame.header.writer_time_ns;
  if (a.count++ == 0) a.first_ns = time;
  const uint64_t since = a.count == 1 ? out_.first_ns : a.last_ns;
  if (time > since) a.longest_ns = std::max(a.longest_ns, time - since);
  a.most_records = std::max(a.most_records, frame.header.first_record - records_at_anchor_);
  records_at_anchor_ = frame.header.first_record;
  a.last_ns = time;
  if (p.challenge != Digest{}) ++a.challenged;
  ++out_.timeline.at(time).anchors;
}

void LogStatistics::milestone(const FrameView& frame) {
  const FrameType type = frame.type();
  if (!begins_or_breaks(type) && type != FrameType::kSealBroken && type != FrameType::kEnd) return;
  out_.milestones.add({frame.header.writer_time_ns, frame.header.frame_seq, type, shortened(frame_about(frame))});
}

ClientStatistics* LogStatistics::listed(const std::array<uint8_t, kIdSize>& id) {
  const auto index = listed_.find(id);
  return index == listed_.end() ? nullptr : &out_.clients[index->second];
}

const Statistics& LogStatistics::conclude() {
  for (const auto& [ring, rows] : open_.rings())
    if (const RingOwner* owner = owners_.find(ring); owner != nullptr)
      for (const RecordRow& row : rows) unfinished(row, *owner, ClientEnd::kStillAttached);
  out_.given_up = open_.given_up();
  return out_;
}

}  // namespace cm::audit::verify
