// SPDX-License-Identifier: Apache-2.0
// client_traffic.cpp: how clients come and go (writer_loop.h). A client is told that it is attached, and where its
// rings begin, only after its attach frame is durable; sequences come from the log, never from its memory.
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "audit/writer/writer_loop.h"

namespace cm::audit {
namespace {

constexpr uint64_t kResumeTime_ns = 3000000000;  // clients of the writer before have so long to come back
constexpr uint64_t kRingIdEnd = uint64_t{1} << 32;

}  // namespace

void WriterLoop::take_server_events() {
  for (ServerEvent& event : server_.take_events()) {
    switch (event.kind) {
      case ServerEvent::Kind::kHello:
        serve_hello(event);
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
      case ServerEvent::Kind::kSignal:
        begin_closing(2);
        break;
    }
  }
}

void WriterLoop::serve_hello(ServerEvent& event) {
  if (event.connection->closed) return;
  if (phase_ != Phase::kServing) return event.connection->refuse("the writer is ending");
  if (no_space_) return event.connection->refuse("the log's disk is full");
  const auto& id = event.greeting->hello.resume_client_id;
  if (std::all_of(std::begin(id), std::end(id), [](uint8_t b) { return b == 0; }))
    admit_new(event);
  else
    admit_returning(event);
}

void WriterLoop::admit_new(ServerEvent& event) {
  ClientAttach& attach = event.greeting->attach;
  if (next_ring_id_ + attach.ring_count > kRingIdEnd)
    return event.connection->refuse("this log has no ring numbers left; begin a new one");
  if (getrandom(attach.client_id.data(), kIdSize, 0) != ssize_t{kIdSize})
    return event.connection->refuse("no random numbers");
  attach.first_ring_id = static_cast<uint32_t>(next_ring_id_);
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
  if (before.pid != attach.pid || before.start_time != attach.start_time || before.uid != attach.uid ||
      before.ring_count != attach.ring_count || before.ring_records != attach.ring_records)
    return event.connection->refuse("this is not the client that is awaited");
  attach.first_ring_id = before.first_ring_id;
  attach.reattached = 1;
  if (attach_client(event, logged.next_seq, logged.open_entries)) absent_.erase(found);
}

bool WriterLoop::attach_client(ServerEvent& event, std::vector<uint64_t> next_seq,
                               std::vector<std::optional<OpenEntry>> open_entries) {
  const ClientAttach& attach = event.greeting->attach;
  if (!append(FrameType::kClientAttach, encode(attach))) {
    event.connection->refuse("the log's disk is full");
    return false;
  }
  const uint64_t frame_seq = journal_.position().next_frame_seq - 1;
  auto client = std::make_shared<Client>(std::move(event.greeting->mapping), attach, event.connection,
                                         std::move(next_seq), std::move(open_entries));
  // Records that are in the log already count as extended when this frame is.
  for (uint32_t ring = 0; ring < client->ring_count(); ++ring)
    extend_marks_.push_back({frame_seq, client, ring, client->consumed()[ring]});
  client->begin_service(incarnation_, clock_.current(), flags_);
  welcome(*client);
  clients_.push_back(std::move(client));
  return true;
}

void WriterLoop::welcome(const Client& client) const {
  WireWelcome packet{};
  packet.type = static_cast<uint32_t>(WireType::kWelcome);
  packet.version = kWireVersion;
  std::copy_n(client.attach().client_id.begin(), kIdSize, packet.client_id);
  std::copy_n(journal_.position().log_id.begin(), kIdSize, packet.log_id);
  packet.first_ring_id = client.attach().first_ring_id;
  packet.incarnation = incarnation_;
  packet.tpm_kind = tpm_kind_;
  packet.writer_pid = static_cast<uint32_t>(getpid());
  client.connection().send(&packet, sizeof packet);
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

void WriterLoop::finish_clients() {
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
  const bool last = clients_.size() == 1 && absent_.empty();
  if (options_.is_private && client.end_log() && last) {
    end_log_asked_ = true;
    goodbyes_.push_back(client.connection_ptr());
  } else {
    const WireBye packet = {static_cast<uint32_t>(WireType::kByeDone), 0};
    client.connection().send(&packet, sizeof packet);
  }
  return true;
}

void WriterLoop::say_goodbye() const {
  const WireBye packet = {static_cast<uint32_t>(WireType::kByeDone), 1};
  for (const std::shared_ptr<Connection>& connection : goodbyes_) connection->send(&packet, sizeof packet);
}

void WriterLoop::expire_absent_clients() {
  if (absent_.empty() || phase_ != Phase::kServing || monotonic_ns() < started_ns_ + kResumeTime_ns) return;
  while (!absent_.empty()) {
    const LoggedClient& client = absent_.begin()->second;
    ClientLost lost{client.attach.client_id, kLostNotBack, {}};
    for (const std::optional<OpenEntry>& entry : client.open_entries)
      if (entry) lost.open_entries.push_back(*entry);
    if (!append(FrameType::kClientLost, encode(lost))) return;
    absent_.erase(absent_.begin());
  }
}

}  // namespace cm::audit
