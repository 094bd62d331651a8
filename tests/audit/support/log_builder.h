// SPDX-License-Identifier: Apache-2.0
// log_builder.h: builds whole logs in memory, right or deliberately wrong, from frames that a test names. Framing and
// hashing are done here a second time with libcrypto, so that the verifier is held against something it does not share.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/frame.h"
#include "audit/payload.h"
#include "audit/verify/report.h"
#include "audit/verify/trust.h"
#include "audit/verify/verifier.h"
#include "tests/audit/support/soft_tpm.h"

namespace cm::audit::test {

using verify::Enrolment;
using verify::FindingId;
using verify::Report;

// TestFrame: the parts of a frame that are not derived from others.
struct TestFrame {
  FrameType type = FrameType::kBatch;
  uint64_t writer_time_ns = 0;
  Bytes var;  // padded
  std::vector<Record> records;
  bool new_segment = false;
  uint32_t carried = 0;
};

// HeaderEdit: changes a header before its head is computed.
using HeaderEdit = std::function<void(FrameHeader&)>;

struct Chain {
  LogId log_id{};
  uint64_t frame_seq = 0;
  uint64_t records = 0;
  Digest previous{};
};

// frame_bytes: one frame after the chain so far, which it advances.
Bytes frame_bytes(Chain& chain, const TestFrame& frame, const HeaderEdit& edit = {});
// assemble: the segments of frames, with every derived field computed anew: what an attacker can always do.
std::vector<Bytes> assemble(const LogId& log_id, const std::vector<TestFrame>& frames);
Bytes padded(Bytes bytes);

// Ring: makes records of one ring with gapless numbers.
class Ring {
 public:
  Ring() = default;
  Ring(uint32_t id, std::shared_ptr<uint64_t> now) : id_(id), now_(std::move(now)) {}
  uint32_t id() const { return id_; }
  uint64_t next = 0;
  Record record(uint32_t event_id);
  Record entry(EventId event, const std::array<uint8_t, 16>& session = {}, uint64_t object = 0, uint64_t bytes = 0);
  Record exit(EventId event, const std::array<uint8_t, 16>& session = {}, uint64_t object = 0, int32_t rc = 0);
  // call: entry and exit.
  std::vector<Record> call(EventId event, const std::array<uint8_t, 16>& session = {}, uint64_t object = 0);

 private:
  uint32_t id_ = 0;
  std::shared_ptr<uint64_t> now_;
};

struct TestClient {
  ClientAttach attach;
  std::vector<Ring> rings;
};

struct AnchorEdits {
  std::optional<uint64_t> frame_seq;  // else the frame before
  std::function<void(AnchorBinding&)> binding;
  std::function<void(AttestFields&)> quote;
  std::function<void(AttestFields&)> certification;
  std::function<void(Anchor&)> after_signing;
};

class LogBuilder {
 public:
  explicit LogBuilder(uint8_t key_seed = 7);

  SoftTpm tpm;
  std::vector<TestFrame> frames;
  std::vector<Bytes> segments;
  std::shared_ptr<uint64_t> now_ns = std::make_shared<uint64_t>(1'795'219'200'000'000'000);  // 2026-11-21T00:00:00Z
  bool next_in_new_segment = false;
  uint32_t next_carries = 0;  // so many frames before the next stay out of the PCR
  Chain chain;
  std::vector<Digest> heads;
  std::vector<Digest> pcrs;  // after each frame

  // add: any frame; its head is extended into the TPM. Returns its number.
  uint64_t add(FrameType type, Bytes payload, std::vector<Record> records = {}, const HeaderEdit& edit = {});
  uint64_t genesis(const std::function<void(Genesis&)>& edit = {});
  uint64_t start(FrameType type, const std::function<void(Start&)>& edit = {});
  uint64_t clock();
  TestClient attach(uint32_t thread_rings = 2, const std::function<void(ClientAttach&)>& edit = {});
  uint64_t reattach(const TestClient& client, const std::function<void(ClientAttach&)>& edit = {});
  uint64_t detach(const TestClient& client);
  uint64_t lost(const TestClient& client, std::vector<OpenEntry> open, uint32_t reason = 1);
  // batch: records are sorted by ring, marks computed.
  uint64_t batch(std::vector<Record> records, const std::function<void(Batch&)>& edit = {});
  uint64_t anchor(const AnchorEdits& edits = {});
  uint64_t unexplained(const Digest& expected, const Digest& found);
  uint64_t seal_broken(const TestClient& client, uint32_t ring_id, uint64_t ring_seq, uint32_t reason = 2);
  // segment_seal: the segment ends with it; the next frame is the first of the next.
  uint64_t segment_seal(uint32_t reason, const std::function<void(SegmentSeal&)>& edit = {});
  uint64_t end(uint32_t reason = 1);

  std::array<uint8_t, 16> session_id(uint8_t tag) const;
  Enrolment enrolment() const;
  Digest head() const { return heads.back(); }
  // raw: bytes after the last frame.
  void raw(const Bytes& bytes);

 private:
  Genesis genesis_;
  Digest previous_attest_{};
  uint32_t next_ring_ = 0;
  uint8_t next_client_ = 1;
};

// Logs of common shapes.
struct PlainLog {
  LogBuilder log;
  TestClient client;
};
// open_log: genesis, clock, one client with a session, some calls; not ended.
PlainLog open_log(uint8_t key_seed = 7);
// closed_log: the same, with anchors, detached, ended and covered.
PlainLog closed_log(uint8_t key_seed = 7);
void close_log(PlainLog& plain);

Report check(const std::vector<Bytes>& segments, const verify::Trust& trust = {},
             const std::optional<Digest>& head = std::nullopt, const std::optional<uint64_t>& nv_value = std::nullopt);
Report check(const LogBuilder& log);  // with its enrolment
verify::Trust trust_of(const LogBuilder& log);
// ids: the findings' names, for messages.
std::string ids(const Report& report);

}  // namespace cm::audit::test
