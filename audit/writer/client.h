// SPDX-License-Identifier: Apache-2.0
// client.h: one attached client: how far each of its rings is consumed, what is wrong with it, and how it leaves. It
// copies every record before it looks at it and believes the copy only after it was checked. It belongs to the main
// thread and does no I/O but waking the client.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "audit/payload.h"
#include "audit/seal.h"
#include "audit/writer/seal_secret.h"
#include "audit/writer/server.h"
#include "audit/writer/session_book.h"
#include "audit/writer/shared_mapping.h"

namespace cm::audit {

// ClientLost.reason
inline constexpr uint32_t kLostGone = 1;
inline constexpr uint32_t kLostViolation = 2;
inline constexpr uint32_t kLostNotBack = 3;

// Take: records of one ring that were copied and checked and stand in no frame yet.
struct Take {
  uint32_t ring = 0;
  uint32_t count = 0;
  uint64_t first_seq = 0;
};

// append_open_entries: the calls of one ring as ClientLost names them.
void append_open_entries(uint32_t ring_id, const CallRules& calls, std::vector<OpenEntry>& out);

class Client {
 public:
  enum class Fate {
    kAttached,
    kLeaving,  // said goodbye
    kGone,     // its connection ended without a goodbye
    kCut,      // it broke the protocol
  };

  // The rings begin at next_seq (of the log); calls as the log has them. seal_seed: of attach's commitment.
  Client(SharedMapping mapping, const ClientAttach& attach, const SealSeed& seal_seed, Lane seal_lane,
         std::shared_ptr<Connection> connection, std::vector<uint64_t> next_seq, std::vector<CallRules> calls);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  const ClientAttach& attach() const { return attach_; }
  Connection& connection() const { return *connection_; }
  const std::shared_ptr<Connection>& connection_ptr() const { return connection_; }
  Fate fate() const { return fate_; }
  bool end_log() const { return end_log_; }

  // begin_service: makes the shared memory say what the log says. Call when the attach frame is durable.
  void begin_service(uint32_t incarnation, const Clock& clock, uint32_t flags);
  // freeze: from now on only what is published already is taken. depart: that, and the client leaves for this reason;
  // the first reason stands, but a breach of the protocol beats it.
  void freeze();
  void depart(Fate fate, bool end_log = false);

  uint32_t ring_count() const { return mapping_.ring_count(); }
  uint32_t ring_id(uint32_t ring) const { return attach_.first_ring_id + ring; }
  uint32_t ring_records() const { return mapping_.ring_records(); }
  // pending: published records that are not consumed. A head beyond the ring breaks the ring.
  uint32_t pending(uint32_t ring);
  bool has_pending();
  // take: copies at most max records to out and checks them. Fewer than asked: the ring is broken behind the last, or
  // it waits: the next record's session was not opened yet. What an honest client uses in one ring it has published the
  // opening of in another, so the wait ends when that ring is drained. What was taken has to be written next.
  Take take(uint32_t ring, uint32_t max, SessionBook& sessions, Record* out);
  // settle_waits: after every ring of the client with pending records was offered to take. When none of them gives a
  // record any more, the sessions they wait for do not exist: the rings are broken. A client that is only frozen,
  // because the writer ends, keeps those records for the next writer.
  void settle_waits(uint64_t now_ns);
  // acknowledge: the take's frame is durable.
  void acknowledge(const Take& take);
  std::vector<uint64_t> consumed() const;
  void set_extended(uint32_t ring, uint64_t end) const;

  // next_breach: a broken ring whose records before the breach are consumed and that was not reported.
  std::optional<SealBroken> next_breach() const;
  void breach_reported(uint32_t ring_id);
  bool broken() const { return broken_; }
  std::vector<OpenEntry> open_entries() const;

  // wants_haste: somebody began to wait a short while ago. Who waits rings the doorbell; `waiters` alone may be what a
  // thread that is gone has left there.
  bool wants_haste(uint64_t now_ns);
  bool has_waiters() const { return mapping_.page().waiters.load(std::memory_order_seq_cst) != 0; }
  void notify() const;
  void set_flags(uint32_t flags) const;
  void publish_clock(const Clock& clock) const;
  void set_sleeping(bool sleeping) const {
    mapping_.page().sleeping.store(sleeping ? 1 : 0, std::memory_order_seq_cst);
  }
  std::atomic<uint32_t>& doorbell() const { return mapping_.page().doorbell; }

 private:
  struct Ring {
    uint64_t consumed = 0;
    uint64_t taken = 0;             // consumed, or copied for a frame that is not written yet
    uint64_t limit = ~uint64_t{0};  // nothing is taken from here on
    uint32_t breach = 0;            // SealBroken.reason, 0 while all is well
    bool breach_reported = false;
    bool waits = false;                // for the opening of the next record's session
    CallRules calls;                   // of what is taken
    std::unique_ptr<SealChain> seals;  // at taken; null until the ring is first used
    SessionId known_session{};
    uint64_t known_generation = 0;  // of the book when known_session was looked up
  };
  enum class SessionState { kGood, kUnknown, kBad };

  SessionState check_session(Ring& ring, const Record& record, SessionBook& sessions) const;
  bool seal_holds(uint32_t ring, const Record& copy);
  void break_ring(uint32_t ring, uint32_t reason, uint64_t seq);

  SharedMapping mapping_;
  const ClientAttach attach_;
  SealSeed seal_seed_;
  const Lane seal_lane_;
  std::shared_ptr<Connection> connection_;
  std::vector<Ring> rings_;
  Fate fate_ = Fate::kAttached;
  bool end_log_ = false;
  bool broken_ = false;
  bool frozen_ = false;
  uint32_t heard_doorbell_ = 0;
  uint64_t haste_until_ns_ = 0;
  bool took_ = false;              // something since settle_waits
  uint64_t waiting_since_ns_ = 0;  // no ring gives a record since then, and some wait
};

}  // namespace cm::audit
