// SPDX-License-Identifier: Apache-2.0
// record_selection.cpp: see record_selection.h. It must not depend on the rules for clients being kept: logs are read
// here that no verifier has seen.
#include "audit/verify/record_selection.h"

#include <algorithm>

#include "audit/call_rules.h"

namespace cm::audit::verify {

void RingOwners::attach(const ClientAttach& client, bool wanted) {
  remove(client.client_id);
  if (const auto other = by_ring_.find(client.first_ring_id); other != by_ring_.end())
    first_rings_.erase(other->second.client_id);
  by_ring_[client.first_ring_id] = {
      client.client_id,     client.pid,        client.executable.substr(0, kKeptExecutableSize),
      client.first_ring_id, client.ring_count, wanted};
  first_rings_[client.client_id] = client.first_ring_id;
  if (by_ring_.size() <= kKeptClients) return;
  first_rings_.erase(by_ring_.begin()->second.client_id);  // rings are numbered upwards: the oldest client
  by_ring_.erase(by_ring_.begin());
}

std::optional<RingOwner> RingOwners::remove(const std::array<uint8_t, kIdSize>& client_id) {
  const auto first_ring = first_rings_.find(client_id);
  if (first_ring == first_rings_.end()) return std::nullopt;
  const auto owner = by_ring_.find(first_ring->second);
  RingOwner out = std::move(owner->second);
  by_ring_.erase(owner);
  first_rings_.erase(first_ring);
  return out;
}

const RingOwner* RingOwners::find(uint32_t ring) const {
  const auto behind = by_ring_.upper_bound(ring);
  if (behind == by_ring_.begin()) return nullptr;
  const RingOwner& owner = std::prev(behind)->second;
  return ring - owner.first_ring < owner.ring_count ? &owner : nullptr;
}

void OpenEntries::add(const RecordRow& row, bool first_ring) {
  std::vector<RecordRow>& entries = rings_[row.record.ring_id];
  const size_t room = first_ring ? kMaxOpenCalls : 1;
  if (entries.size() >= room) {
    count_ -= entries.size() - room + 1;
    given_up_ += entries.size() - room + 1;
    entries.erase(entries.begin(), entries.end() - static_cast<std::ptrdiff_t>(room - 1));
  }
  entries.push_back(row);
  if (++count_ <= kKeptEntries) return;
  count_ -= rings_.begin()->second.size();
  given_up_ += rings_.begin()->second.size();
  rings_.erase(rings_.begin());
}

std::optional<RecordRow> OpenEntries::take(const Record& exit) {
  const auto ring = rings_.find(exit.ring_id);
  if (ring == rings_.end()) return std::nullopt;
  std::vector<RecordRow>& entries = ring->second;
  const auto entry = std::find_if(entries.begin(), entries.end(), [&](const RecordRow& row) {
    return row.record.event_id == (exit.event_id & ~kExitBit);
  });
  if (entry == entries.end()) return std::nullopt;
  const RecordRow out = *entry;
  entries.erase(entry);
  --count_;
  if (entries.empty()) rings_.erase(ring);
  return out;
}

std::vector<RecordRow> OpenEntries::forget(const RingOwner& owner) {
  std::vector<RecordRow> out;
  auto ring = rings_.lower_bound(owner.first_ring);
  while (ring != rings_.end() && ring->first - owner.first_ring < owner.ring_count) {
    count_ -= ring->second.size();
    out.insert(out.end(), ring->second.begin(), ring->second.end());
    ring = rings_.erase(ring);
  }
  return out;
}

bool RecordSelection::take(const FrameView& frame, bool damaged, const Emit& emit) {
  clients(frame);
  Batch batch;
  if (!decode(frame.var, batch)) batch.marks.clear();
  size_t mark = 0;
  uint64_t before = 0;
  for (size_t i = 0; i < frame.header.record_count; ++i) {
    while (mark < batch.marks.size() && i >= before + batch.marks[mark].count) before += batch.marks[mark++].count;
    RecordRow row{.record = frame.record(i),
                  .number = frame.header.first_record + i,
                  .frame = frame.header.frame_seq,
                  .damaged = damaged};
    row.ring_seq = mark < batch.marks.size() ? batch.marks[mark].first_seq + (i - before) : row.record.ring_seq;
    if (!record(row, emit)) return false;
  }
  return true;
}

bool RecordSelection::record(RecordRow& row, const Emit& emit) {
  const Record& r = row.record;
  row.owner = owners_.find(r.ring_id);
  const bool pairs = filter_.about_result() && is_service(r);
  if (pairs && !is_exit(r)) {
    open_.add(row, row.owner != nullptr && row.owner->first_ring == r.ring_id);
    return true;
  }
  auto entry = pairs ? open_.take(r) : std::nullopt;
  const bool process = filter_.processes.empty() || (row.owner != nullptr && row.owner->wanted);
  if (!process || !filter_.holds(r)) return true;
  if (entry) {
    entry->owner = row.owner;
    entry->with_exit = true;
    if (!emit(*entry)) return false;
  }
  return emit(row);
}

void RecordSelection::clients(const FrameView& frame) {
  ClientAttach attach;
  ClientDetach detach;
  ClientLost lost;
  if (frame.type() == FrameType::kClientAttach && decode(frame.var, attach))
    owners_.attach(attach, filter_.holds(attach));
  else if (frame.type() == FrameType::kClientDetach && decode(frame.var, detach))
    leave(detach.client_id);
  else if (frame.type() == FrameType::kClientLost && decode(frame.var, lost))
    leave(lost.client_id);
}

void RecordSelection::leave(const std::array<uint8_t, kIdSize>& client_id) {
  if (const auto owner = owners_.remove(client_id)) open_.forget(*owner);
}

}  // namespace cm::audit::verify
