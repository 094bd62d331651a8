// SPDX-License-Identifier: Apache-2.0
// load.cpp: see load.h.
#include "tests/audit/faults/load.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>

#include "tests/audit/support/writer_process.h"

namespace cm::audit_test {
namespace {

using audit::FrameType;
using Clock = std::chrono::steady_clock;

constexpr uint32_t kEntry = static_cast<uint32_t>(audit::EventId::kAeadSeal);
constexpr uint32_t kExit = kEntry | audit::kExitBit;
constexpr uint32_t kRingRecords = 1024;
constexpr int kSlice_ms = 20;
constexpr auto kPatience = std::chrono::seconds(15);  // longer than a TPM that counts as dead and its return
constexpr int kComebacks = 100;
constexpr uint64_t kPairsMax = 6;

template <class Payload>
bool names(const Log& log, FrameType type, const uint8_t (&id)[audit::kIdSize]) {
  const auto all = log.payloads<Payload>(type);
  return std::any_of(all.begin(), all.end(), [&](const Payload& payload) {
    return std::equal(payload.client_id.begin(), payload.client_id.end(), std::begin(id));
  });
}

const std::vector<audit::Record>& ring_of(const Log& log, uint32_t ring) {
  static const std::vector<audit::Record> kNone;
  const auto found = log.rings.find(ring);
  return found == log.rings.end() ? kNone : found->second;
}

bool in_order(const std::vector<audit::Record>& records) {
  for (uint64_t i = 0; i < records.size(); ++i)
    if (records[i].object != i) return false;
  return true;
}

std::string text(const char* what, uint32_t ring, uint64_t has, uint64_t should) {
  return "ring " + std::to_string(ring) + " has " + std::to_string(has) + " records in the log, " + what + " " +
         std::to_string(should);
}

}  // namespace

Load::Load(const Plan& plan, std::string run_dir, std::function<bool()> writer_runs)
    : plan_(plan), run_dir_(std::move(run_dir)), writer_runs_(std::move(writer_runs)), random_(plan.seed) {
  for (uint32_t i = 0; i < plan.clients; ++i)
    clients_.push_back({std::make_unique<FakeClient>(run_dir_, Geometry{plan.rings, kRingRecords})});
}

void Load::say(const std::string& what) {
  if (wrong_.empty()) wrong_ = what;
}

bool Load::somebody_replaced() const {
  return std::any_of(clients_.begin(), clients_.end(), [](const LoadClient& c) { return c.replaced; });
}

void Load::play() {
  for (uint32_t i = 0; i < plan_.steps && writer_runs_() && wrong_.empty(); ++i) {
    step();
    if (i % 8 == 4) act();
  }
}

void Load::step() {
  LoadClient& c = clients_[below(plan_.clients)];
  if (!attached(c)) return pause_ms(1);
  const auto ring = static_cast<uint32_t>(below(plan_.rings));
  publish(c, ring, 1 + below(kPairsMax));
  const uint64_t waits = below(3);
  if (waits != 0) (void)wait(c, ring, waits == 2);
  pause_ms(static_cast<int>(below(4)));
}

void Load::act() {
  if (plan_.kind == Kind::kClientKilled) kill_one();
  if (plan_.kind == Kind::kClientHostile) break_one();
  if (plan_.kind == Kind::kClientsMany) come_and_go();
}

void Load::publish(LoadClient& c, uint32_t ring, uint64_t pairs) {
  for (uint64_t i = 0; i < 2 * pairs; ++i) {
    const uint64_t seq = c.client->head(ring);
    if (!c.client->publish(ring, seq % 2 == 0 ? kEntry : kExit, seq, kSlice_ms)) return;
  }
}

bool Load::wait(LoadClient& c, uint32_t ring, bool extended) {
  const auto deadline = Clock::now() + kPatience;
  while (!(extended ? c.client->wait_extended(ring, kSlice_ms) : c.client->wait_acked(ring, kSlice_ms))) {
    if (!writer_runs_()) return false;
    if (c.client->peer_closed(0)) {
      c.connected = false;
      return false;
    }
    if (Clock::now() < deadline) continue;
    say(std::string("hang: the writer runs and a record is not ") + (extended ? "extended" : "acknowledged"));
    return false;
  }
  return true;
}

// attached: connects a client that is not. One that is refused although it should be awaited is replaced by a new one.
bool Load::attached(LoadClient& c) {
  if (c.connected && c.client->peer_closed(0)) c.connected = false;
  if (c.connected) return true;
  std::vector<uint64_t> acked;
  if (c.client->welcome())
    for (uint32_t ring = 0; ring < plan_.rings; ++ring) acked.push_back(c.client->acked(ring));
  c.connected = c.client->attach();
  if (!c.connected) {
    const std::string refusal = c.client->refusal();
    if (refusal.find("no such client") != std::string::npos || refusal.find("not the client") != std::string::npos)
      replace(c);
    return false;
  }
  for (uint32_t ring = 0; ring < acked.size(); ++ring)
    if (c.client->acked(ring) < acked[ring]) say("an acknowledgement went back when the client returned");
  return true;
}

void Load::replace(LoadClient& c) {
  LoadClient old = std::move(c);
  old.replaced = true;
  c = {std::make_unique<FakeClient>(run_dir_, Geometry{plan_.rings, kRingRecords})};
  clients_.push_back(std::move(old));
}

void Load::kill_one() {
  void* shared = mmap(nullptr, sizeof(Killed), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto* killed = static_cast<volatile Killed*>(shared);
  killed->first_ring = UINT32_MAX;
  const pid_t child = fork();
  if (child == 0) {
    FakeClient client(run_dir_, {1, kRingRecords});
    if (!client.attach()) _exit(1);
    killed->first_ring = client.welcome()->first_ring_id;
    for (uint64_t i = 0;; ++i) {
      (void)client.publish(0, i % 2 == 0 ? kEntry : kExit, i);
      if (i % 5 == 0 && client.wait_acked(0)) killed->acked = client.acked(0);
    }
  }
  for (int i = 0; i < 200 && killed->first_ring == UINT32_MAX && writer_runs_(); ++i) pause_ms(1);
  pause_ms(static_cast<int>(below(10)));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  pause_ms(5);
  if (killed->first_ring == UINT32_MAX) return;
  killed_.push_back(static_cast<Killed*>(shared));
  ++acts_;
}

// break_one: good records, then one of four ways to break the ring's rules.
void Load::break_one() {
  clients_.push_back({std::make_unique<FakeClient>(run_dir_, Geometry{1, kRingRecords})});
  LoadClient& c = clients_.back();
  c.leaves = true;
  if (!attached(c)) return;
  publish(c, 0, 5);
  if (!wait(c, 0, false)) return;
  FakeClient& client = *c.client;
  const uint64_t head = client.head(0);
  audit::Record record = client.make_record(0, head, kEntry, head);
  switch (below(4)) {
    case 0:
      client.set_head(0, head + (uint64_t{1} << (11 + below(50))));
      break;
    case 1:
      client.set_head(0, head - 1 - below(head));
      break;
    case 2:
      record = client.sealed(0, head, record);
      record.seal ^= uint64_t{1} << below(64);
      client.put_as_it_is(0, head, record);
      client.set_head(0, head + 1);
      break;
    default:
      for (size_t i = 0; i < sizeof record; ++i)
        reinterpret_cast<uint8_t*>(&record)[i] = static_cast<uint8_t>(random_());
      client.put_as_it_is(0, head, record);
      client.set_head(0, head + 1);
      break;
  }
  if (client.peer_closed(3000))
    ++acts_;
  else if (writer_runs_())
    say("a client that broke its ring was not cut off");
  c.connected = false;
}

void Load::come_and_go() {
  for (int i = 0; i < 5 && writer_runs_(); ++i) {
    clients_.push_back({std::make_unique<FakeClient>(run_dir_, Geometry{1, kRingRecords})});
    LoadClient& c = clients_.back();
    c.leaves = true;
    if (!attached(c)) return;
    publish(c, 0, 1 + below(3));
    if (below(2) == 0)
      (void)c.client->detach(false, 2000);
    else if (below(2) == 0)
      (void)wait(c, 0, false);
    c.client->disconnect();
    c.connected = false;
    ++acts_;
  }
}

void Load::finish() {
  for (uint32_t i = 0; i < plan_.clients && wrong_.empty(); ++i) {
    int tries = 0;
    while (!attached(clients_[i]) && ++tries < kComebacks) pause_ms(2);
    LoadClient& c = clients_[i];
    if (!c.connected) return say("a client cannot attach to a writer without faults: " + c.client->refusal());
    for (uint32_t ring = 0; ring < plan_.rings; ++ring) {
      publish(c, ring, 1);
      if (!wait(c, ring, true)) return say("a writer without faults does not extend");
    }
    if (!c.client->detach(false)) return say("no answer to a goodbye");
  }
}

void Load::check_rings(const LoadClient& c, const Log& log, bool at_end) {
  if (!c.client->welcome()) return;
  const uint8_t(&id)[audit::kIdSize] = c.client->welcome()->client_id;
  const bool recorded = names<audit::ClientLost>(log, FrameType::kClientLost, id) ||
                        names<audit::SealBroken>(log, FrameType::kSealBroken, id);
  if (at_end && c.replaced && !recorded) say("a client was not let in again, and no frame says that it was lost");
  for (uint32_t ring = 0; ring < (c.leaves ? 1 : plan_.rings); ++ring) {
    const uint32_t number = c.client->welcome()->first_ring_id + ring;
    const auto& records = ring_of(log, number);
    const uint64_t acked = c.client->acked(ring), head = c.client->head(ring);
    if (!in_order(records)) say("records of ring " + std::to_string(number) + " are doubled or out of order");
    if (records.size() < acked) say(text("acknowledged were", number, records.size(), acked));
    if (at_end && !c.leaves && !recorded && records.size() != head)
      say(text("published were", number, records.size(), head));
  }
}

void Load::check_killed(const Killed& killed, const Log& log) {
  const auto& records = ring_of(log, killed.first_ring);
  if (!in_order(records)) say("records of a killed client are doubled or out of order");
  if (records.size() < killed.acked) say(text("acknowledged were", killed.first_ring, records.size(), killed.acked));
}

void Load::check_durable(const Log& log) {
  for (const LoadClient& c : clients_) check_rings(c, log, false);
  for (const Killed* killed : killed_) check_killed(*killed, log);
}

void Load::check_all(const Log& log) {
  if (!log.fault.empty()) say("the log does not fit together: " + log.fault);
  for (const LoadClient& c : clients_) check_rings(c, log, true);
  for (const Killed* killed : killed_) check_killed(*killed, log);
}

}  // namespace cm::audit_test
