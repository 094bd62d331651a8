// SPDX-License-Identifier: Apache-2.0
// challenges.cpp: live challenges (writer_loop.h, audit/wire.h): an auditor's nonce goes into the next anchor, and he
// gets that anchor when it is durable. An anchor answers one challenge, and anchors keep their distance: whoever
// challenges much makes the others wait, not the TPM.
#include <cstring>

#include "audit/writer/writer_loop.h"

namespace cm::audit {
namespace {

constexpr size_t kChallengesMax = 64;  // waiting

}  // namespace

void WriterLoop::take_challenge(const ServerEvent& event) {
  if (event.connection->closed) return;
  if (phase_ != Phase::kServing) return event.connection->refuse("the writer is ending");
  if (no_space_) return event.connection->refuse("the log's disk is full");
  if ((flags_ & kWriterNoTpm) != 0) return event.connection->refuse("the TPM does not answer");
  if (challenges_.size() >= kChallengesMax) return event.connection->refuse("too many challenges wait; try again");
  challenges_.push_back({event.connection, event.nonce});
}

// answer_challenge: an anchor that a reset or an unexplained extend cancelled was asked for again, so only the one that
// carries the first nonce answers.
void WriterLoop::answer_challenge(const PendingFrame& anchor) {
  if (challenges_.empty() || anchor.challenge != challenges_.front().nonce) return;
  const std::shared_ptr<Connection> connection = challenges_.front().connection;
  challenges_.pop_front();
  WireAnswer packet{};
  if (anchor.payload.size() > sizeof packet.payload) return connection->refuse("the anchor is too long for an answer");
  packet.type = static_cast<uint32_t>(WireType::kAnswer);
  packet.version = kWireVersion;
  std::memcpy(packet.log_id, journal_.position().log_id.data(), sizeof packet.log_id);
  packet.writer_time_ns = anchor.writer_time_ns.value_or(0);
  std::memcpy(packet.previous_attest, anchor.previous_attest.data(), sizeof packet.previous_attest);
  packet.payload_size = static_cast<uint32_t>(anchor.payload.size());
  std::memcpy(packet.payload, anchor.payload.data(), anchor.payload.size());
  connection->send(&packet, sizeof packet);
  connection->cut();
}

void WriterLoop::refuse_challenges(const char* why) {
  for (const Challenge& challenge : challenges_) challenge.connection->refuse(why);
  challenges_.clear();
}

}  // namespace cm::audit
