// SPDX-License-Identifier: Apache-2.0
// drain.cpp: see drain.h.
#include "audit/writer/drain.h"

#include <algorithm>

#include "audit/probes.h"
#include "audit/writer/futex.h"

namespace cm::audit {
namespace {

// kFillShare: a ring that is filled by a quarter is drained at once, long before its producer has to wait.
constexpr uint32_t kFillShare = 4;
constexpr uint64_t kManyRecords = 8192;  // half a megabyte: a frame of this size costs little more than its bytes

}  // namespace

Backlog look_at_rings(std::span<const ClientPtr> clients) {
  Backlog backlog;
  const uint64_t now = monotonic_ns();
  for (const ClientPtr& client : clients) {
    uint64_t of_client = 0;
    for (uint32_t ring = 0; ring < client->ring_count(); ++ring) {
      const uint32_t pending = client->pending(ring);
      of_client += pending;
      if (pending >= client->ring_records() / kFillShare) backlog.urgent = true;
    }
    backlog.records += of_client;
    if (of_client != 0 && (client->fate() != Client::Fate::kAttached || client->wants_haste(now)))
      backlog.urgent = true;
  }
  if (backlog.records >= kManyRecords) backlog.urgent = true;
  return backlog;
}

bool Drain::choose(std::span<const ClientPtr> clients, uint64_t limit) {
  wishes_.clear();
  for (const ClientPtr& client : clients)
    for (uint32_t ring = 0; ring < client->ring_count(); ++ring)
      if (const uint32_t count = client->pending(ring); count != 0) wishes_.push_back({client, ring, count});
  const auto id = [](const Wish& w) { return w.client->ring_id(w.ring); };
  std::sort(wishes_.begin(), wishes_.end(), [&](const Wish& a, const Wish& b) { return id(a) < id(b); });
  const auto first =
      std::find_if(wishes_.begin(), wishes_.end(), [&](const Wish& w) { return id(w) >= next_ring_id_; });
  std::rotate(wishes_.begin(), first, wishes_.end());
  uint64_t left = std::min<uint64_t>(limit, kMaxFrameRecords);
  uint64_t wished = 0;
  for (const Wish& wish : wishes_) wished += wish.count;
  const bool all = wished <= left;
  size_t kept = 0;
  for (; kept < wishes_.size() && left > 0; ++kept) {
    wishes_[kept].count = static_cast<uint32_t>(std::min<uint64_t>(wishes_[kept].count, left));
    left -= wishes_[kept].count;
  }
  next_ring_id_ = kept < wishes_.size() ? id(wishes_[kept]) : 0;
  wishes_.resize(kept);
  std::sort(wishes_.begin(), wishes_.end(), [&](const Wish& a, const Wish& b) { return id(a) < id(b); });
  return all;
}

uint32_t Drain::gather(std::span<const ClientPtr> clients, uint64_t limit) {
  const bool all = choose(clients, limit);
  gathered_.clear();
  batch_.marks.clear();
  used_ = 0;
  for (const Wish& wish : wishes_) {
    const Take take = wish.client->take(wish.ring, wish.count, sessions_, records_.data() + used_);
    if (take.count == 0) continue;
    used_ += take.count;
    batch_.marks.push_back({wish.client->ring_id(wish.ring), take.count, take.first_seq});
    gathered_.push_back({wish.client, take});
  }
  wishes_.clear();
  CM_PROBE_RINGS_DRAINED(used_);
  if (all)
    for (const ClientPtr& client : clients) client->settle_waits(monotonic_ns());
  return used_;
}

}  // namespace cm::audit
