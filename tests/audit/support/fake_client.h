// SPDX-License-Identifier: Apache-2.0
// fake_client.h: a client of the audit writer for tests: speaks audit/wire.h and fills audit/ring.h directly, so that a
// test can also do what the library never does. One object, one connection at a time; not thread-safe but for publish
// on different rings.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/record.h"
#include "audit/ring.h"
#include "audit/seal.h"
#include "audit/wire.h"

namespace cm::audit_test {

struct Geometry {
  uint32_t ring_count = 4;
  uint32_t ring_records = 1024;
};

class FakeClient {
 public:
  explicit FakeClient(std::string run_dir, Geometry geometry = {});
  ~FakeClient();
  FakeClient(const FakeClient&) = delete;
  FakeClient& operator=(const FakeClient&) = delete;

  // The memory, before a Hello: other seals, another size. Without a call they are right.
  void make_memory(int seals, size_t size);

  // The descriptor that a Hello passes as the executable; without a call it is right. The client closes it.
  void set_executable(int fd);

  bool connect();
  void disconnect();
  // send_hello: with the resume id of the last Welcome when there was one.
  bool send_hello();
  bool send_bye(bool end_log);
  bool send_raw(const void* packet, size_t size, const std::vector<int>& fds = {});
  // receive: the next packet, empty at the end of the connection or after the time.
  std::vector<uint8_t> receive(int timeout_ms = 5000);
  // peer_closed: whether the writer ends the connection within the time; packets before that are thrown away.
  bool peer_closed(int timeout_ms = 3000);
  // attach: connect, Hello, Welcome.
  bool attach();
  // detach: Bye, ByeDone.
  bool detach(bool end_log, int timeout_ms = 15000);
  // forget: attaches as a new client from now on.
  void forget() { welcome_.reset(); }

  const std::optional<audit::WireWelcome>& welcome() const { return welcome_; }
  std::string refusal() const { return refusal_; }

  // publish: the next record of a ring; waits while the ring is full, false when that lasts longer than the time.
  bool publish(uint32_t ring, uint32_t event_id, uint64_t object, int timeout_ms = 10000);
  // put: a record at the place of sequence seq, with the right seal, without publishing it; put_as_it_is: with its own.
  void put(uint32_t ring, uint64_t seq, const audit::Record& record) {
    put_as_it_is(ring, seq, sealed(ring, seq, record));
  }
  void put_as_it_is(uint32_t ring, uint64_t seq, const audit::Record& record);
  // sealed: with the seal of this place. Before the first Welcome there is none.
  audit::Record sealed(uint32_t ring, uint64_t seq, audit::Record record);
  audit::Record make_record(uint32_t ring, uint64_t seq, uint32_t event_id, uint64_t object) const;
  void set_head(uint32_t ring, uint64_t head);
  uint64_t head(uint32_t ring) const { return heads_[ring]; }
  uint64_t acked(uint32_t ring) const { return control(ring).acked.load(std::memory_order_acquire); }
  uint64_t extended(uint32_t ring) const { return control(ring).extended.load(std::memory_order_acquire); }
  // wait_acked, wait_extended: until everything published on the ring is, as a waiter that raises waiters.
  bool wait_acked(uint32_t ring, int timeout_ms = 10000);
  bool wait_extended(uint32_t ring, int timeout_ms = 10000);
  bool wait_flag(uint32_t flag, bool set, int timeout_ms = 15000);
  uint32_t flags() const { return page().flags.load(std::memory_order_acquire); }
  audit::WriterPage& page() const;

 private:
  audit::RingControl& control(uint32_t ring) const;
  bool wait_until(const std::atomic<uint64_t>& word, uint64_t target, int timeout_ms);
  void ring_doorbell(bool always);

  const std::string run_dir_;
  const Geometry geometry_;
  int memory_fd_ = -1;
  int executable_fd_ = -1;
  int socket_ = -1;
  uint8_t* base_ = nullptr;
  size_t size_ = 0;
  std::vector<uint64_t> heads_;
  // Chains whose next record key is that of sequence `at`; a ring belongs to one thread at a time.
  struct Seals {
    std::unique_ptr<audit::SealChain> chain;
    uint64_t at = 0;
  };
  std::vector<Seals> seals_;
  std::optional<audit::WireWelcome> welcome_;
  std::string refusal_;
};

}  // namespace cm::audit_test
