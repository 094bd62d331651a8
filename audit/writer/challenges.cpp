// SPDX-License-Identifier: Apache-2.0
// challenges.cpp: live challenges (writer_loop.h, audit/wire.h): an auditor's nonce goes into the next anchor, and he
// gets that anchor when it is durable. An anchor answers one challenge, and anchors keep their distance: whoever
// challenges much makes the others wait, not the TPM. A checkpoint that is to be signed is a challenge, too: the log
// has an anchor over its text before there is a signature. [docs/design/0017]
#include <cstring>

#include "audit/checkpoint_text.h"
#include "audit/writer/writer_loop.h"

namespace cm::audit {
namespace {

constexpr size_t kChallengesMax = 64;  // waiting

}  // namespace

// takes_questions: false when a challenge cannot be taken now; who asked is told why.
bool WriterLoop::takes_questions(const Connection& connection) const {
  if (connection.closed) return false;
  const char* why = nullptr;
  if (phase_ != Phase::kServing)
    why = "the writer is ending";
  else if (no_space_)
    why = "the log's disk is full";
  else if ((flags_ & kWriterNoTpm) != 0)
    why = "the TPM does not answer";
  else if (challenges_.size() >= kChallengesMax)
    why = "too many challenges wait; try again";
  if (why != nullptr) connection.refuse(why);
  return why == nullptr;
}

void WriterLoop::take_challenge(const ServerEvent& event) {
  if (takes_questions(*event.connection)) challenges_.push_back({event.connection, event.nonce, {}});
}

// take_sign: a signature says that the root is that of the log's records, which the writer does not know; so only those
// may ask who could use the attestation key without it.
void WriterLoop::take_sign(const ServerEvent& event) {
  const Connection& connection = *event.connection;
  if (!takes_questions(connection)) return;
  if (connection.peer().uid != 0 && connection.peer().uid != writer_uid_)
    return connection.refuse("only root and the writer's own user get a checkpoint signed");
  if (event.head.size > journal_.position().next_record)
    return connection.refuse("the log does not have so many records");
  std::string text = checkpoint_text(log_origin(journal_.position().log_id), event.head);
  const Digest nonce = checkpoint_challenge(lane_, text);
  challenges_.push_back({event.connection, nonce, std::move(text)});
}

// answer_challenge: an anchor that a reset or an unexplained extend cancelled was asked for again, so only the one that
// carries the first nonce answers.
void WriterLoop::answer_challenge(const PendingFrame& anchor) {
  if (challenges_.empty() || anchor.challenge != challenges_.front().nonce) return;
  Challenge challenge = std::move(challenges_.front());
  challenges_.pop_front();
  if (challenge.text.empty()) return send_anchor(*challenge.connection, anchor);
  take_job(challenge.connection, {.kind = AuditorJob::Kind::kSign, .text = std::move(challenge.text)});
}

void WriterLoop::send_anchor(const Connection& connection, const PendingFrame& anchor) const {
  WireAnswer packet{};
  if (anchor.payload.size() > sizeof packet.payload) return connection.refuse("the anchor is too long for an answer");
  packet.type = static_cast<uint32_t>(WireType::kAnswer);
  packet.version = kWireVersion;
  std::memcpy(packet.log_id, journal_.position().log_id.data(), sizeof packet.log_id);
  packet.writer_time_ns = anchor.writer_time_ns.value_or(0);
  std::memcpy(packet.previous_attest, anchor.previous_attest.data(), sizeof packet.previous_attest);
  packet.payload_size = static_cast<uint32_t>(anchor.payload.size());
  std::memcpy(packet.payload, anchor.payload.data(), anchor.payload.size());
  connection.send(&packet, sizeof packet);
  connection.cut();
}

void WriterLoop::refuse_challenges(const char* why) {
  for (const Challenge& challenge : challenges_) challenge.connection->refuse(why);
  challenges_.clear();
}

}  // namespace cm::audit
