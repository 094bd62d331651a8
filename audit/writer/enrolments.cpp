// SPDX-License-Identifier: Apache-2.0
// enrolments.cpp: what an auditor who enrols asks of the TPM (writer_loop.h, audit/wire.h). One job is with the TPM at
// a time, and after it the TPM belongs to the log for nine times as long as the job took: making an endorsement key
// keeps a TPM busy for up to seconds, and whoever asks often may slow down other auditors, not the log.
#include <algorithm>
#include <cstring>
#include <span>

#include "audit/writer/writer_loop.h"

namespace cm::audit {
namespace {

constexpr size_t kEnrolmentsMax = 8;  // waiting
constexpr uint64_t kLogsShare = 9;    // of ten
constexpr uint64_t kMillisecond_ns = 1000000;

// put: false when the bytes do not fit.
bool put(std::span<uint8_t> field, std::span<const uint8_t> bytes, uint32_t& size) {
  if (bytes.size() > field.size()) return false;
  std::ranges::copy(bytes, field.begin());
  size = static_cast<uint32_t>(bytes.size());
  return true;
}

}  // namespace

void WriterLoop::take_enrolment(ServerEvent& event) {
  if (event.connection->closed) return;
  if (phase_ != Phase::kServing) return event.connection->refuse("the writer is ending");
  if ((flags_ & kWriterNoTpm) != 0) return event.connection->refuse("the TPM does not answer");
  if (enrolments_.size() >= kEnrolmentsMax) return event.connection->refuse("too many auditors enrol; try again");
  enrolments_.push_back({event.connection, std::move(event.enrolment)});
}

void WriterLoop::request_enrolment() {
  if (enrolment_in_flight_ || tpm_lost_) return;
  while (!enrolments_.empty() && enrolments_.front().connection->closed) enrolments_.pop_front();
  if (enrolments_.empty()) return;
  const uint64_t now = monotonic_ns();
  if (now < next_enrolment_ns_) return;
  enrolment_begun_ns_ = now;
  enrolment_in_flight_ = true;
  tpm_.request_enrolment(enrolments_.front().job);
}

void WriterLoop::answer_enrolment(const EnrolmentResult& result) {
  const uint64_t now = monotonic_ns();
  const uint64_t pause = options_.anchor_interval_ms * kMillisecond_ns;
  next_enrolment_ns_ = now + std::max(pause, kLogsShare * (now - enrolment_begun_ns_));
  enrolment_in_flight_ = false;
  if (enrolments_.empty()) return;  // refused in the meantime
  const Enrolment enrolment = std::move(enrolments_.front());
  enrolments_.pop_front();
  const Connection& connection = *enrolment.connection;
  const bool activates = enrolment.job.kind == EnrolmentJob::Kind::kActivate;
  if (!result.refusal.empty()) return connection.refuse(result.refusal);
  if (!activates) return send_endorsement(connection, result.endorsement);
  WireActivated packet{};
  packet.type = static_cast<uint32_t>(WireType::kActivated);
  packet.version = kWireVersion;
  packet.opened = result.opened.empty() ? 0 : 1;
  if (!put(packet.content, result.opened, packet.size)) return connection.refuse("the credential is too long");
  connection.send(&packet, sizeof packet);
  connection.cut();
}

void WriterLoop::send_endorsement(const Connection& connection, const Endorsement& endorsement) const {
  WireEndorsement packet{};
  packet.type = static_cast<uint32_t>(WireType::kEndorsement);
  packet.version = kWireVersion;
  std::ranges::copy(journal_.position().log_id, packet.log_id);
  std::ranges::copy(genesis_head_, packet.genesis_head);
  if (!put(packet.certificate, endorsement.certificate, packet.certificate_size) ||
      !put(packet.ek_public, endorsement.ek_public, packet.ek_public_size) ||
      !put(packet.genesis, genesis_payload_, packet.genesis_size))
    return connection.refuse("the TPM's endorsement certificate or the log's genesis is too long for an answer");
  connection.send(&packet, sizeof packet);
  connection.cut();
}

void WriterLoop::refuse_enrolments(const char* why) {
  for (const Enrolment& enrolment : enrolments_) enrolment.connection->refuse(why);
  enrolments_.clear();
}

}  // namespace cm::audit
