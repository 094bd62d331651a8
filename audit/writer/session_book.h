// SPDX-License-Identifier: Apache-2.0
// session_book.h: which client opened which session: the writer's own account of what the log says, so that it writes
// no record with a session that its client did not open. It belongs to the main thread.
#pragma once
#include <cstdint>
#include <cstring>
#include <deque>
#include <unordered_map>

#include "audit/call_rules.h"

namespace cm::audit {

// Bounds below those of the verifier (audit/verify/client_rules.h), so that no client can lead it to them.
inline constexpr size_t kClientSessionsMax = 16384;  // open at once, of one client
inline constexpr size_t kAllSessionsMax = 1u << 19;  // open at once, of all
inline constexpr size_t kClosedSessionsMax = 32768;  // remembered after their close: other threads may finish calls

class SessionBook {
 public:
  using ClientId = std::array<uint8_t, kIdSize>;

  // open: false when the session was opened before or there are too many.
  bool open(const SessionId& id, const ClientId& client) {
    uint32_t& count = open_counts_[client];
    if (count >= kClientSessionsMax || open_total_ >= kAllSessionsMax) return false;
    if (!sessions_.emplace(id, Session{client, false}).second) return false;
    ++count;
    ++open_total_;
    return true;
  }
  enum class Owner { kNobody, kThisClient, kAnother };
  Owner owner(const SessionId& id, const ClientId& client) const {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return Owner::kNobody;
    return found->second.client == client ? Owner::kThisClient : Owner::kAnother;
  }
  void close(const SessionId& id) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end() || found->second.closed) return;
    found->second.closed = true;
    --open_counts_[found->second.client];
    --open_total_;
    count_close(id);
  }
  // count_close: of a session whose client is gone: those who count closes count it, too.
  void count_close(const SessionId& id) {
    closed_.push_back(id);
    if (closed_.size() <= kClosedSessionsMax) return;
    const auto oldest = sessions_.find(closed_.front());
    if (oldest != sessions_.end() && oldest->second.closed) sessions_.erase(oldest);
    closed_.pop_front();
    ++generation_;
  }
  // forget: the client is gone.
  void forget(const ClientId& client) {
    std::erase_if(sessions_, [&](const auto& entry) { return entry.second.client == client; });
    const auto count = open_counts_.find(client);
    if (count == open_counts_.end()) return;
    open_total_ -= count->second;
    open_counts_.erase(count);
    ++generation_;
  }
  // generation: changes whenever a session stops being known. What was looked up before must be looked up again.
  uint64_t generation() const { return generation_; }

 private:
  struct Session {
    ClientId client;
    bool closed;
  };
  struct IdHash {
    size_t operator()(const SessionId& id) const {
      uint64_t low, high;
      std::memcpy(&low, id.data(), 8);
      std::memcpy(&high, id.data() + 8, 8);
      return static_cast<size_t>(low ^ high * 0x9e3779b97f4a7c15u);
    }
  };

  std::unordered_map<SessionId, Session, IdHash> sessions_;
  std::unordered_map<ClientId, uint32_t, IdHash> open_counts_;
  std::deque<SessionId> closed_;
  size_t open_total_ = 0;
  uint64_t generation_ = 1;
};

}  // namespace cm::audit
