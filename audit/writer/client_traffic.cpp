// SPDX-License-Identifier: Apache-2.0
// client_traffic.cpp: how clients come and go (writer_loop.h). A client is told that it is attached, and where its
// rings begin, only after its attach frame is durable; sequences come from the log, never from its memory.
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "audit/writer/writer_loop.h"
#include "crypto/base/secret.h"

namespace cm::audit {
namespace {

constexpr uint64_t kResumeTime_ns = 3000000000;  // clients of the writer before are not looked for earlier
constexpr uint64_t kExpiryPause_ns = 500000000;
constexpr uint64_t kRingIdEnd = uint64_t{1} << 32;

// same_process: a start time that could not be read is 0 and says nothing.
bool same_process(const ClientAttach& before, const ClientAttach& now) {
  return before.pid == now.pid &&
         (before.start_time == now.start_time || before.start_time == 0 || now.start_time == 0);
}

bool process_lives(const ClientAttach& attach) {
  const uint64_t start_time = process_start_time(static_cast<pid_t>(attach.pid));
  return start_time != 0 && (attach.start_time == 0 || attach.start_time == start_time);
}

}  // namespace

void WriterLoop::take_server_events() {
  for (ServerEvent& event : server_.take_events()) {
    switch (event.kind) {
      case ServerEvent::Kind::kHello:
        serve_hello(event);
        server_.settled();
        break;
      case ServerEvent::Kind::kChallenge:
        take_challenge(event);
        server_.settled();
        break;
      case ServerEvent::Kind::kJob:
        take_job(event.connection, std::move(event.job));
        server_.settled();
        break;
      case ServerEvent::Kind::kSign:
        take_sign(event);
        server_.settled();
        break;
      case ServerEvent::Kind::kBye:
        client_departs(event, Client::Fate::kLeaving);
        break;
      case ServerEvent::Kind::kGone:
        client_departs(event, Client::Fate::kGone);
        break;
      case ServerEvent::Kind::kViolation:
        client_departs(event, Client::Fate::kCut);
        break;
      case ServerEvent::Kind::kTerminate:
        begin_closing(2);
        break;
      case ServerEvent::Kind::kHangUp:
        close_segment_reason_ = kSealedAsked;
        break;
    }
  }
}

void WriterLoop::serve_hello(ServerEvent& event) {
  if (event.connection->closed) return;
  if (phase_ != Phase::kServing) return event.connection->refuse("the writer is ending");
  if (no_space_) return event.connection->refuse("the log's disk is full");
  if (resumes(event.greeting->hello))
    admit_returning(event);
  else
    admit_new(event);
}

void WriterLoop::admit_new(ServerEvent& event) {
  ClientAttach& attach = event.greeting->attach;
  if (next_ring_id_ + attach.ring_count > kRingIdEnd)
    return event.connection->refuse("this log has no ring numbers left; begin a new one");
  if (getrandom(attach.client_id.data(), kIdSize, 0) != ssize_t{kIdSize})
    return event.connection->refuse("no random numbers");
  attach.first_ring_id = static_cast<uint32_t>(next_ring_id_);
  attach.seal_commitment = seal_commitment(lane_, seal_seed_of(attach));
  const uint32_t ring_count = attach.ring_count;
  if (attach_client(event, std::vector<uint64_t>(ring_count, 0), {})) next_ring_id_ += ring_count;
}

void WriterLoop::admit_returning(ServerEvent& event) {
  ClientAttach& attach = event.greeting->attach;
  std::copy_n(event.greeting->hello.resume_client_id, kIdSize, attach.client_id.begin());
  const auto found = absent_.find(attach.client_id);
  if (found == absent_.end()) return event.connection->refuse("no such client is awaited");
  const LoggedClient& logged = found->second;
  const ClientAttach& before = logged.attach;
  if (before.seal_commitment != seal_commitment(lane_, seal_seed_of(before)))
    return event.connection->refuse("the secret of the seals is not the one this client began with; attach anew");
  if (logged.cut_off || !same_process(before, attach) || before.uid != attach.uid ||
      before.module_digest != attach.module_digest || before.seal_kind != attach.seal_kind ||
      before.ring_count != attach.ring_count || before.ring_records != attach.ring_records)
    return event.connection->refuse("this is not the client that is awaited");
  // The same process: it was looked at when it first came.
  attach.start_time = before.start_time;
  attach.executable = before.executable;
  attach.executable_known = before.executable_known;
  attach.executable_digest = before.executable_digest;
  attach.first_ring_id = before.first_ring_id;
  attach.seal_commitment = before.seal_commitment;
  attach.reattached = 1;
  if (attach_client(event, logged.next_seq, logged.calls)) absent_.erase(found);
}

bool WriterLoop::attach_client(ServerEvent& event, std::vector<uint64_t> next_seq, std::vector<CallRules> calls) {
  const ClientAttach& attach = event.greeting->attach;
  if (!append(FrameType::kClientAttach, encode(attach))) {
    event.connection->refuse("the log's disk is full");
    return false;
  }
  const uint64_t frame_seq = journal_.position().next_frame_seq - 1;
  const SealSeed seed = seal_seed_of(attach);
  auto client = std::make_shared<Client>(std::move(event.greeting->mapping), attach, seed, seal_lane_, event.connection,
                                         std::move(next_seq), std::move(calls));
  // Records that are in the log already count as extended when this frame is.
  for (uint32_t ring = 0; ring < client->ring_count(); ++ring)
    extend_marks_.push_back({frame_seq, client, ring, client->consumed()[ring]});
  client->begin_service(incarnation_, clock_.current(), flags_);
  welcome(*client, seed);
  clients_.push_back(std::move(client));
  return true;
}

SealSeed WriterLoop::seal_seed_of(const ClientAttach& attach) const {
  return seal_secret_.seed(lane_, journal_.position().log_id, attach.client_id);
}

void WriterLoop::welcome(const Client& client, const SealSeed& seal_seed) const {
  WireWelcome packet{};
  packet.type = static_cast<uint32_t>(WireType::kWelcome);
  packet.version = kWireVersion;
  std::copy_n(client.attach().client_id.begin(), kIdSize, packet.client_id);
  std::copy_n(journal_.position().log_id.begin(), kIdSize, packet.log_id);
  packet.first_ring_id = client.attach().first_ring_id;
  packet.incarnation = incarnation_;
  packet.tpm_kind = tpm_kind_;
  packet.writer_pid = static_cast<uint32_t>(getpid());
  if (client.attach().reattached == 0) std::copy(seal_seed.begin(), seal_seed.end(), packet.seal_seed);
  client.connection().send(&packet, sizeof packet);
  zeroise(&packet, sizeof packet);
}

void WriterLoop::client_departs(const ServerEvent& event, Client::Fate fate) {
  const auto found = std::find_if(clients_.begin(), clients_.end(), [&](const ClientPtr& client) {
    return client->connection_ptr() == event.connection;
  });
  if (found != clients_.end())
    (*found)->depart(fate, event.end_log);
  else
    event.connection->cut();
}

// finish_clients: who leaves after the end frame is still attached to the log's reader; the next writer records it.
void WriterLoop::finish_clients() {
  if (end_written_) return;
  for (size_t i = 0; i < clients_.size();) {
    Client& client = *clients_[i];
    if (client.broken() && client.fate() != Client::Fate::kCut) {
      client.depart(Client::Fate::kCut);
      client.connection().cut();
    }
    if (client.fate() == Client::Fate::kAttached || client.has_pending() || !report_breaches(client) ||
        !record_departure(client)) {
      ++i;
      continue;
    }
    drain_.forget(client.attach());
    last_client_ns_ = monotonic_ns();
    clients_.erase(clients_.begin() + static_cast<ptrdiff_t>(i));
  }
}

bool WriterLoop::report_breaches(Client& client) {
  while (const std::optional<SealBroken> breach = client.next_breach()) {
    if (!append(FrameType::kSealBroken, encode(*breach))) return false;
    client.breach_reported(breach->ring_id);
    std::fprintf(stderr, "cryptomod-auditd: client %u broke its ring %u (reason %u)\n", client.attach().pid,
                 breach->ring_id, breach->reason);
  }
  return true;
}

bool WriterLoop::record_departure(const Client& client) {
  const auto& id = client.attach().client_id;
  if (client.fate() != Client::Fate::kLeaving) {
    const uint32_t reason = client.fate() == Client::Fate::kGone ? kLostGone : kLostViolation;
    return append(FrameType::kClientLost, encode(ClientLost{id, reason, client.open_entries()}));
  }
  if (!append(FrameType::kClientDetach, encode(ClientDetach{id}))) return false;
  goodbyes_.push_back(client.connection_ptr());
  end_log_asked_ = end_log_asked_ || (options_.is_private && client.end_log());
  if (!end_log_asked_ || serves_somebody()) say_goodbye(false);
  return true;
}

// serves_somebody: clients that are gone and only not recorded yet do not count.
bool WriterLoop::serves_somebody() const {
  const auto stays = [](const ClientPtr& client) { return client->fate() == Client::Fate::kAttached; };
  return !absent_.empty() || std::any_of(clients_.begin(), clients_.end(), stays);
}

void WriterLoop::say_goodbye(bool log_ended) {
  const WireBye packet = {static_cast<uint32_t>(WireType::kByeDone), log_ended ? 1u : 0u};
  for (const std::shared_ptr<Connection>& connection : goodbyes_) connection->send(&packet, sizeof packet);
  goodbyes_.clear();
  end_log_asked_ = false;
}

// expire_absent_clients: a client is given up when its process is gone, or when the writer before had cut it off. One
// that lives may come back whenever its supervisor gets to it, and finds its unread records in the log then.
void WriterLoop::expire_absent_clients() {
  const uint64_t now = monotonic_ns();
  if (absent_.empty() || phase_ != Phase::kServing || now < next_expiry_ns_ || server_.newcomers() != 0) return;
  next_expiry_ns_ = now + kExpiryPause_ns;
  const bool in_time = now < started_ns_ + kResumeTime_ns;
  for (auto it = absent_.begin(); it != absent_.end();) {
    const LoggedClient& client = it->second;
    const ClientAttach& attach = client.attach;
    if (!client.cut_off && (in_time || process_lives(attach))) {
      ++it;
      continue;
    }
    ClientLost lost{attach.client_id, client.cut_off ? kLostViolation : kLostNotBack, {}};
    for (uint32_t i = 0; i < client.calls.size(); ++i)
      append_open_entries(attach.first_ring_id + i, client.calls[i], lost.open_entries);
    if (!append(FrameType::kClientLost, encode(lost))) return;
    drain_.forget(attach);
    it = absent_.erase(it);
  }
}

}  // namespace cm::audit
