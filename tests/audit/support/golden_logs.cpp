// SPDX-License-Identifier: Apache-2.0
// golden_logs.cpp: see golden_logs.h.
#include "tests/audit/support/golden_logs.h"

#include <fmt/format.h>

#include <cstring>

#include "audit/seal.h"

namespace cm::audit::test {
namespace {

std::vector<Record> first_records(TestClient& client, const std::array<uint8_t, 16>& session) {
  Ring& process = client.rings[0];
  Ring& thread = client.rings[1];
  std::vector<Record> records = {process.record(0x10001), process.record(0x20003)};
  records.push_back(thread.entry(EventId::kSessionOpen));
  records.push_back(thread.exit(EventId::kSessionOpen, session, 0x100000001));
  records.push_back(thread.entry(EventId::kAeadSeal, session, 0x200000001, 64));
  records.push_back(thread.exit(EventId::kAeadSeal, session, 0x200000001, -13));
  return records;
}

constexpr std::array<uint8_t, kSealSeedSize> kSealSeed = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

// Sealer: seals the records of one client in the order of each ring.
class Sealer {
 public:
  explicit Sealer(const TestClient& client) : first_ring_(client.rings[0].id()), chains_(client.rings.size()) {
    for (uint32_t ring = 0; ring < chains_.size(); ++ring)
      seal_start(chains_[ring], seal_lane(), kSealSeed.data(), ring);
  }
  std::vector<Record> operator()(std::vector<Record> records) {
    for (Record& r : records) {
      const uint32_t ring = r.ring_id - first_ring_;
      Record sealed = r;
      sealed.ring_id = ring;
      uint64_t words[kSealWords];
      std::memcpy(words, &sealed, sizeof words);
      r.seal = seal_of(chains_[ring], words);
      seal_done(chains_[ring]);
    }
    return records;
  }

 private:
  uint32_t first_ring_;
  std::vector<SealChain> chains_;
};

LogBuilder build_clean(const std::vector<Bytes>& signatures) {
  LogBuilder log(0x11);
  log.tpm.prepared_signatures = signatures;
  log.genesis();
  log.clock();
  TestClient client = log.attach(1);
  const auto session = log.session_id(0x51);
  log.batch(first_records(client, session));
  log.anchor();
  log.start(FrameType::kRecovery, [](Start& s) {
    s.torn_bytes = 200;
    s.torn_digest.fill(0x77);
  });
  log.reattach(client);
  const Record open = client.rings[1].entry(EventId::kRandomBytes, session, 0, 32);
  log.batch({open});
  log.lost(client, {{open.ring_id, open.event_id, open.ring_seq, open.object}});
  log.end(2);
  log.anchor();
  log.next_in_new_segment = true;
  log.tpm.reset(true);
  log.start(FrameType::kBoot);
  client = log.attach(1);
  log.batch(client.rings[1].call(EventId::kStatus));
  log.detach(client);
  log.end();
  log.anchor();
  return log;
}

LogBuilder build_eventful(const std::vector<Bytes>& signatures) {
  LogBuilder log(0x12);
  log.tpm.prepared_signatures = signatures;
  log.genesis();
  TestClient client = log.attach(2);
  log.batch(first_records(client, log.session_id(0x52)));
  log.anchor();
  log.seal_broken(client, client.rings[2].id(), 0);
  log.lost(client, {}, 2);
  const Digest expected = log.tpm.pcr;
  log.tpm.extend(Digest{});
  log.unexplained(expected, log.tpm.pcr);
  log.tpm.reset(false);
  log.start(FrameType::kBoot);
  log.end();
  log.anchor();
  return log;
}

LogBuilder build_rotated(const std::vector<Bytes>& signatures) {
  LogBuilder log(0x13);
  log.tpm.prepared_signatures = signatures;
  log.genesis();
  log.clock();
  TestClient client = log.attach(1, [](ClientAttach& a) {
    a.seal_kind = kSealChain;
    a.seal_commitment = seal_commitment(best_sha256_lane(), kSealSeed);
  });
  const auto session = log.session_id(0x53);
  Sealer sealed(client);
  log.batch(sealed(first_records(client, session)));
  log.anchor();
  log.segment_seal(kSealedFull);
  log.batch(sealed(client.rings[1].call(EventId::kAeadSeal, session, 5)));
  log.segment_seal(kSealedOld);
  log.clock();
  log.segment_seal(kSealedAsked);
  log.batch(sealed(client.rings[1].call(EventId::kAeadOpen, session, 5)));
  log.detach(client);
  log.end();
  log.anchor();
  return log;
}

LogBuilder build_carried(const std::vector<Bytes>& signatures) {
  LogBuilder log(0x14);
  log.tpm.prepared_signatures = signatures;
  log.genesis();
  log.clock();
  TestClient client = log.attach(1);
  const auto session = log.session_id(0x54);
  const auto frame = [&](uint32_t carries) {
    log.next_carries = carries;
    log.batch(client.rings[1].call(EventId::kStatus, session));
  };
  log.batch(first_records(client, session));
  const uint64_t anchored = log.clock();
  frame(0);
  frame(1);
  AnchorEdits edits;
  edits.frame_seq = anchored;
  log.anchor(edits);
  frame(1);
  frame(2);
  log.anchor();
  log.detach(client);
  log.end();
  log.anchor();
  return log;
}

}  // namespace

const GoldenLog kGoldenLogs[4] = {
    {"clean", build_clean}, {"eventful", build_eventful}, {"rotated", build_rotated}, {"carried", build_carried}};

std::vector<Bytes> signatures_in(const std::vector<TestFrame>& frames) {
  std::vector<Bytes> out;
  for (const TestFrame& f : frames) {
    Anchor a;
    if (f.type != FrameType::kAnchor || !decode(f.var, a)) continue;
    out.push_back(a.quote_signature);
    out.push_back(a.nv_signature);
  }
  return out;
}

std::string enrolment_json(const Enrolment& e) {
  using verify::hex_text;
  return fmt::format(
      "{{\n  \"version\": 1,\n  \"log_id\": \"{}\",\n  \"ak_public\": \"{}\",\n  \"genesis_head\": \"{}\",\n"
      "  \"reset_count\": {},\n  \"restart_count\": {},\n  \"clock_ms\": {},\n  \"nv_index\": {},\n"
      "  \"nv_name\": \"{}\",\n  \"nv_start\": {},\n  \"pcr_index\": {},\n  \"tpm_kind\": \"{}\"\n}}\n",
      hex_text(e.log_id), hex_text(e.ak_public), hex_text(e.genesis_head), e.reset_count, e.restart_count, e.clock_ms,
      e.nv_index, hex_text(e.nv_name), e.nv_start, e.pcr_index, e.tpm_kind);
}

}  // namespace cm::audit::test
