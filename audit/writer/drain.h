// SPDX-License-Identifier: Apache-2.0
// drain.h: gathers published records of all rings into one batch frame (group commit: the frame is as large as what
// came in while the frame before was made durable). It neither writes nor acknowledges on its own.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "audit/payload.h"
#include "audit/writer/client.h"

namespace cm::audit {

using ClientPtr = std::shared_ptr<Client>;

// Backlog: what waits in the rings.
struct Backlog {
  uint64_t records = 0;
  bool urgent = false;  // somebody waits, a client leaves, or a ring is filling up
};
Backlog look_at_rings(std::span<const ClientPtr> clients);

class Drain {
 public:
  // sessions: as the log has them.
  explicit Drain(SessionBook sessions) : sessions_(std::move(sessions)), records_(kMaxFrameRecords) {}

  // gather: copies and checks at most limit records, in turn over the rings so that no ring starves. Returns how many.
  // What was gathered has to be written before it is called again.
  uint32_t gather(std::span<const ClientPtr> clients, uint64_t limit);
  const Batch& batch() const { return batch_; }
  std::span<const Record> records() const { return {records_.data(), used_}; }
  struct Gathered {
    ClientPtr client;
    Take take;
  };
  const std::vector<Gathered>& gathered() const { return gathered_; }
  // forget: the client is gone, and its sessions with it.
  void forget(const ClientAttach& client) { sessions_.forget(client.client_id); }

 private:
  struct Wish {
    ClientPtr client;
    uint32_t ring;
    uint32_t count;
  };

  // choose: false when the limit did not allow to look at everything that is pending.
  bool choose(std::span<const ClientPtr> clients, uint64_t limit);

  SessionBook sessions_;
  std::vector<Record> records_;
  uint32_t used_ = 0;
  uint32_t next_ring_id_ = 0;  // where the next round begins
  std::vector<Wish> wishes_;
  std::vector<Gathered> gathered_;
  Batch batch_;
};

}  // namespace cm::audit
