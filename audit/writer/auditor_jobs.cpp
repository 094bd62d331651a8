// SPDX-License-Identifier: Apache-2.0
// auditor_jobs.cpp: what auditors ask of the TPM besides anchors (writer_loop.h, audit/wire.h): what an enrolment
// record is made of, and signatures of checkpoints. One job is with the TPM at a time, and after it the TPM belongs to
// the log for nine times as long as the job took: making an endorsement key keeps a TPM busy for up to seconds, and
// whoever asks often may slow down other auditors, not the log.
#include <algorithm>
#include <cstring>
#include <span>

#include "audit/writer/writer_loop.h"

namespace cm::audit {
namespace {

constexpr size_t kJobsMax = 8;      // waiting
constexpr uint64_t kLogsShare = 9;  // of ten
constexpr uint64_t kMillisecond_ns = 1000000;

// put: false when the bytes do not fit.
bool put(std::span<uint8_t> field, std::span<const uint8_t> bytes, uint32_t& size) {
  if (bytes.size() > field.size()) return false;
  std::ranges::copy(bytes, field.begin());
  size = static_cast<uint32_t>(bytes.size());
  return true;
}

void send_opened(const Connection& connection, const Bytes& opened) {
  WireActivated packet{};
  packet.type = static_cast<uint32_t>(WireType::kActivated);
  packet.version = kWireVersion;
  packet.opened = opened.empty() ? 0 : 1;
  if (!put(packet.content, opened, packet.size)) return connection.refuse("the credential is too long");
  connection.send(&packet, sizeof packet);
  connection.cut();
}

void send_signature(const Connection& connection, const Bytes& signature) {
  WireSigned packet{};
  packet.type = static_cast<uint32_t>(WireType::kSigned);
  packet.version = kWireVersion;
  if (!put(packet.signature, signature, packet.size)) return connection.refuse("the TPM's signature is too long");
  connection.send(&packet, sizeof packet);
  connection.cut();
}

}  // namespace

void WriterLoop::take_job(const std::shared_ptr<Connection>& connection, AuditorJob job) {
  if (connection->closed) return;
  if (phase_ != Phase::kServing) return connection->refuse("the writer is ending");
  if ((flags_ & kWriterNoTpm) != 0) return connection->refuse("the TPM does not answer");
  if (jobs_.size() >= kJobsMax) return connection->refuse("too many auditors wait for the TPM; try again");
  jobs_.push_back({connection, std::move(job)});
}

void WriterLoop::request_job() {
  if (job_in_flight_ || tpm_lost_) return;
  while (!jobs_.empty() && jobs_.front().connection->closed) jobs_.pop_front();
  if (jobs_.empty()) return;
  const uint64_t now = monotonic_ns();
  if (now < next_job_ns_) return;
  job_begun_ns_ = now;
  job_in_flight_ = true;
  tpm_.request_job(jobs_.front().what);
}

void WriterLoop::answer_job(const AuditorResult& result) {
  const uint64_t now = monotonic_ns();
  const uint64_t pause = options_.anchor_interval_ms * kMillisecond_ns;
  next_job_ns_ = now + std::max(pause, kLogsShare * (now - job_begun_ns_));
  job_in_flight_ = false;
  if (jobs_.empty()) return;  // refused in the meantime
  const Job job = std::move(jobs_.front());
  jobs_.pop_front();
  const Connection& connection = *job.connection;
  if (!result.refusal.empty()) return connection.refuse(result.refusal);
  switch (job.what.kind) {
    case AuditorJob::Kind::kEndorsement:
      return send_endorsement(connection, result.endorsement);
    case AuditorJob::Kind::kActivate:
      return send_opened(connection, result.opened);
    case AuditorJob::Kind::kSign:
      return send_signature(connection, result.signature);
  }
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

void WriterLoop::refuse_jobs(const char* why) {
  for (const Job& job : jobs_) job.connection->refuse(why);
  jobs_.clear();
}

}  // namespace cm::audit
