// SPDX-License-Identifier: Apache-2.0
// log_builder.cpp: see log_builder.h.
#define OPENSSL_SUPPRESS_DEPRECATED  // the chaining value after each block is to be had from SHA256_CTX only
#include "tests/audit/support/log_builder.h"

#include <openssl/sha.h>

#include <cstring>
#include <map>

namespace cm::audit::test {
namespace {

constexpr uint64_t kFrameTimeNs = 1'000'000;
constexpr uint64_t kRecordTimeNs = 1'000;

// crc32c_slow: RFC 3720 B.4 bit by bit.
uint32_t crc32c_slow(std::span<const uint8_t> bytes) {
  uint32_t crc = 0xffffffff;
  for (const uint8_t b : bytes) {
    crc ^= b;
    for (int i = 0; i < 8; ++i) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
  }
  return ~crc;
}

void put(Bytes& out, const void* p, size_t n) {
  const auto* b = static_cast<const uint8_t*>(p);
  out.insert(out.end(), b, b + n);
}

}  // namespace

Bytes padded(Bytes bytes) {
  bytes.resize((bytes.size() + kFrameAlign - 1) / kFrameAlign * kFrameAlign);
  return bytes;
}

Bytes frame_bytes(Chain& chain, const TestFrame& frame, const HeaderEdit& edit) {
  SHA256_CTX sha;
  SHA256_Init(&sha);
  SHA256_Update(&sha, frame.var.data(), frame.var.size());
  std::vector<uint32_t> midstates;
  for (const Record& r : frame.records) {
    SHA256_Update(&sha, &r, sizeof r);
    midstates.push_back(sha.h[0]);
  }
  FrameHeader h{};
  SHA256_Final(h.records_digest, &sha);
  h.magic = kFrameMagic;
  h.version = 1;
  h.type = static_cast<uint16_t>(frame.type);
  h.carried = frame.carried;
  std::memcpy(h.log_id, chain.log_id.data(), 16);
  h.frame_seq = chain.frame_seq;
  h.first_record = chain.records;
  h.record_count = static_cast<uint32_t>(frame.records.size());
  h.var_size = static_cast<uint32_t>(frame.var.size());
  h.writer_time_ns = frame.writer_time_ns;
  std::memcpy(h.prev_head, chain.previous.data(), 32);
  if (edit) edit(h);

  Bytes out;
  put(out, &h, sizeof h);
  put(out, frame.var.data(), frame.var.size());
  put(out, frame.records.data(), frame.records.size() * sizeof(Record));
  const size_t trailer = out.size();
  put(out, midstates.data(), midstates.size() * 4);
  while ((out.size() - trailer + 16) % 64 != 0) out.push_back(0);
  const FrameTail tail{crc32c_slow(out), kTailMagic, out.size() + 16};
  put(out, &tail, sizeof tail);

  chain.frame_seq += 1;
  chain.records += frame.records.size();
  chain.previous = sha256_of({out.data(), sizeof h});
  return out;
}

std::vector<Bytes> assemble(const LogId& log_id, const std::vector<TestFrame>& frames) {
  Chain chain;
  chain.log_id = log_id;
  std::vector<Bytes> segments(1);
  for (const TestFrame& f : frames) {
    if (f.new_segment) segments.emplace_back();
    const Bytes bytes = frame_bytes(chain, f);
    put(segments.back(), bytes.data(), bytes.size());
  }
  return segments;
}

Record Ring::record(uint32_t event_id) {
  Record r{};
  r.event_id = event_id;
  r.time_ns = *now_ += kRecordTimeNs;
  r.ring_id = id_;
  r.ring_seq = static_cast<uint32_t>(next++);
  return r;
}

Record Ring::entry(EventId event, const std::array<uint8_t, 16>& session, uint64_t object, uint64_t bytes) {
  Record r = record(static_cast<uint32_t>(event));
  std::memcpy(r.session_id, session.data(), 16);
  r.object = object;
  r.detail = bytes;
  return r;
}

Record Ring::exit(EventId event, const std::array<uint8_t, 16>& session, uint64_t object, int32_t rc) {
  Record r = entry(event, session, object, 0);
  r.event_id |= kExitBit;
  r.return_code = static_cast<uint32_t>(rc);
  r.detail = exit_detail(16, Lane::kVaes512, 0);
  return r;
}

std::vector<Record> Ring::call(EventId event, const std::array<uint8_t, 16>& session, uint64_t object) {
  const Record first = entry(event, session, object, 16);
  return {first, exit(event, session, object)};
}

LogBuilder::LogBuilder(uint8_t key_seed) : tpm(key_seed), segments(1) {
  for (size_t i = 0; i < chain.log_id.size(); ++i) chain.log_id[i] = static_cast<uint8_t>(0xa0 + i);
}

uint64_t LogBuilder::add(FrameType type, Bytes payload, std::vector<Record> records, const HeaderEdit& edit) {
  TestFrame frame{type, *now_ns += kFrameTimeNs, padded(std::move(payload)), std::move(records), next_in_new_segment};
  if (next_in_new_segment) segments.emplace_back();
  next_in_new_segment = false;
  const uint64_t seq = chain.frame_seq;
  const uint32_t carries = frame.carried = std::exchange(next_carries, 0);
  const Bytes bytes = frame_bytes(chain, frame, edit);
  put(segments.back(), bytes.data(), bytes.size());
  frames.push_back(std::move(frame));
  heads.push_back(chain.previous);
  if (carries != 0 && carries < pcrs.size()) {
    tpm.pcr = pcrs[pcrs.size() - carries - 1];
    std::fill(pcrs.end() - carries, pcrs.end(), tpm.pcr);
  }
  tpm.extend(chain.previous);
  tpm.identity.clock_ms += 1;
  pcrs.push_back(tpm.pcr);
  return seq;
}

uint64_t LogBuilder::genesis(const std::function<void(Genesis&)>& edit) {
  Genesis& g = genesis_;
  g.writer_version = "0.1.0";
  g.writer_uid = 990;
  g.creator_uid = 1000;
  g.isolated = 1;
  g.tpm = tpm.identity;
  g.pcr_index = tpm.pcr_index;
  g.pcr_start = tpm.pcr;
  g.ak_public = tpm.ak_public();
  g.nv_index = tpm.nv_index;
  g.nv_name = tpm.nv_name();
  g.nv_start = tpm.nv_value;
  g.boot_id.fill(0x0b);
  if (edit) edit(g);
  return add(FrameType::kGenesis, encode(g));
}

uint64_t LogBuilder::start(FrameType type, const std::function<void(Start&)>& edit) {
  Start s;
  s.writer_version = "0.1.0";
  s.writer_uid = genesis_.writer_uid;
  s.tpm = tpm.identity;
  s.pcr_value = tpm.pcr;
  s.nv_value = tpm.nv_value;
  s.boot_id.fill(0x0c);
  if (edit) edit(s);
  return add(type, encode(s));
}

uint64_t LogBuilder::clock() {
  return add(FrameType::kClock, encode(Clock{5'000'000'000, *now_ns, uint64_t{1} << 30, 1}));
}

TestClient LogBuilder::attach(uint32_t thread_rings, const std::function<void(ClientAttach&)>& edit) {
  TestClient client;
  ClientAttach& a = client.attach;
  a.client_id.fill(next_client_++);
  a.pid = 4000;
  a.uid = 1000;
  a.gid = 1000;
  a.start_time = 123456;
  a.executable_known = 1;
  a.executable_digest.fill(0xee);
  a.executable = "/usr/bin/application";
  a.module_digest.fill(0xdd);
  a.module_version = "0.1.0";
  a.lanes = "aes=vaes512 gcm=vaes512 sha-256=shani";
  a.ring_records = 256;
  a.first_ring_id = next_ring_;
  a.ring_count = thread_rings + 1;
  if (edit) edit(a);
  next_ring_ = a.first_ring_id + a.ring_count;
  for (uint32_t i = 0; i < a.ring_count && i < 16; ++i) client.rings.emplace_back(a.first_ring_id + i, now_ns);
  add(FrameType::kClientAttach, encode(a));
  return client;
}

uint64_t LogBuilder::reattach(const TestClient& client, const std::function<void(ClientAttach&)>& edit) {
  ClientAttach a = client.attach;
  a.reattached = 1;
  if (edit) edit(a);
  return add(FrameType::kClientAttach, encode(a));
}

uint64_t LogBuilder::detach(const TestClient& client) {
  return add(FrameType::kClientDetach, encode(ClientDetach{client.attach.client_id}));
}

uint64_t LogBuilder::lost(const TestClient& client, std::vector<OpenEntry> open, uint32_t reason) {
  return add(FrameType::kClientLost, encode(ClientLost{client.attach.client_id, reason, std::move(open)}));
}

uint64_t LogBuilder::batch(std::vector<Record> records, const std::function<void(Batch&)>& edit) {
  std::map<uint32_t, std::vector<Record>> by_ring;
  for (const Record& r : records) by_ring[r.ring_id].push_back(r);
  records.clear();
  for (const auto& [ring, its_records] : by_ring) records.insert(records.end(), its_records.begin(), its_records.end());
  Batch b;
  for (const Record& r : records) {
    if (b.marks.empty() || b.marks.back().ring_id != r.ring_id) b.marks.push_back({r.ring_id, 0, r.ring_seq});
    ++b.marks.back().count;
  }
  if (edit) edit(b);
  return add(FrameType::kBatch, encode(b), std::move(records));
}

uint64_t LogBuilder::anchor(const AnchorEdits& edits) {
  ++tpm.nv_value;
  Anchor a;
  a.anchored_seq = edits.frame_seq.value_or(chain.frame_seq - 1);
  a.anchored_head = heads.at(a.anchored_seq);
  a.pcr_value = pcrs.at(a.anchored_seq);
  a.nv_value = tpm.nv_value;
  a.tsc_before = 1000;
  a.tsc_after = 2000;
  AnchorBinding binding{chain.log_id, a.anchored_seq, a.anchored_head,       previous_attest_,
                        a.challenge,  a.nv_value,     *now_ns + kFrameTimeNs};
  if (edits.binding) edits.binding(binding);
  // The binding as docs/audit-format.md gives it, little endian.
  Bytes message;
  put(message, "cryptomod-anchor", 16);
  put(message, binding.log_id.data(), 16);
  put(message, &binding.anchored_seq, 8);
  put(message, binding.anchored_head.data(), 32);
  put(message, binding.previous_attest.data(), 32);
  put(message, binding.challenge.data(), 32);
  put(message, &binding.nv_value, 8);
  put(message, &binding.writer_time_ns, 8);
  const Digest extra = sha256_of(message);
  AttestFields quote = tpm.quote_fields(extra);
  const Digest pcr_digest = sha256_of(a.pcr_value);
  quote.digest_or_name.assign(pcr_digest.begin(), pcr_digest.end());
  if (edits.quote) edits.quote(quote);
  AttestFields certification = tpm.certification_fields(extra);
  if (edits.certification) edits.certification(certification);
  a.quote_attest = marshal_quote(quote);
  a.quote_signature = tpm.sign(a.quote_attest);
  a.nv_attest = marshal_certification(certification);
  a.nv_signature = tpm.sign(a.nv_attest);
  if (edits.after_signing) edits.after_signing(a);
  previous_attest_ = sha256_of(a.quote_attest);
  return add(FrameType::kAnchor, encode(a));
}

uint64_t LogBuilder::unexplained(const Digest& expected, const Digest& found) {
  return add(FrameType::kUnexplainedExtend, encode(UnexplainedExtend{expected, found}));
}

uint64_t LogBuilder::seal_broken(const TestClient& client, uint32_t ring_id, uint64_t ring_seq, uint32_t reason) {
  return add(FrameType::kSealBroken, encode(SealBroken{client.attach.client_id, ring_id, reason, ring_seq}));
}

uint64_t LogBuilder::segment_seal(uint32_t reason, const std::function<void(SegmentSeal&)>& edit) {
  SegmentSeal seal{static_cast<uint32_t>(segments.size() - 1), reason, segments.back().size()};
  if (edit) edit(seal);
  const uint64_t seq = add(FrameType::kSegmentSeal, encode(seal));
  next_in_new_segment = true;
  return seq;
}

uint64_t LogBuilder::end(uint32_t reason) { return add(FrameType::kEnd, encode(End{reason})); }

std::array<uint8_t, 16> LogBuilder::session_id(uint8_t tag) const {
  std::array<uint8_t, 16> id;
  for (size_t i = 0; i < id.size(); ++i) id[i] = static_cast<uint8_t>(tag + 17 * i);
  return id;
}

Enrolment LogBuilder::enrolment() const {
  Enrolment e;
  e.log_id = chain.log_id;
  e.ak_public = genesis_.ak_public;
  e.genesis_head = heads.at(0);
  e.reset_count = genesis_.tpm.reset_count;
  e.restart_count = genesis_.tpm.restart_count;
  e.clock_ms = genesis_.tpm.clock_ms;
  e.nv_index = genesis_.nv_index;
  e.nv_name = genesis_.nv_name;
  e.nv_start = genesis_.nv_start;
  e.pcr_index = genesis_.pcr_index;
  e.tpm_kind = genesis_.tpm.kind == 1 ? "software" : "device";
  return e;
}

void LogBuilder::raw(const Bytes& bytes) { put(segments.back(), bytes.data(), bytes.size()); }

PlainLog open_log(uint8_t key_seed) {
  PlainLog p{LogBuilder(key_seed), {}};
  p.log.genesis();
  p.log.clock();
  p.client = p.log.attach();
  Ring& process = p.client.rings[0];
  Ring& first = p.client.rings[1];
  Ring& second = p.client.rings[2];
  const auto session = p.log.session_id(0x51);
  std::vector<Record> records = {process.record(0x10001), process.record(0x20003)};
  const auto add = [&](const std::vector<Record>& more) { records.insert(records.end(), more.begin(), more.end()); };
  records.push_back(first.entry(EventId::kSessionOpen));
  records.push_back(first.exit(EventId::kSessionOpen, session, 0x100000001));
  add(first.call(EventId::kKeyGenerate, session, 0x200000001));
  add(second.call(EventId::kRandomBytes, session));
  p.log.batch(records);
  return p;
}

void close_log(PlainLog& p) {
  const auto session = p.log.session_id(0x51);
  Ring& first = p.client.rings[1];
  std::vector<Record> records = first.call(EventId::kAeadSeal, session, 0x200000001);
  const auto more = first.call(EventId::kSessionClose, session, 0x100000001);
  records.insert(records.end(), more.begin(), more.end());
  p.log.anchor();
  p.log.batch(records);
  p.log.detach(p.client);
  p.log.end();
  p.log.anchor();
}

PlainLog closed_log(uint8_t key_seed) {
  PlainLog p = open_log(key_seed);
  close_log(p);
  return p;
}

Report check(const std::vector<Bytes>& segments, const verify::Trust& trust, const std::optional<Digest>& head,
             const std::optional<uint64_t>& nv_value) {
  static const Lane lane = best_sha256_lane();
  std::vector<std::span<const uint8_t>> spans(segments.begin(), segments.end());
  verify::MemorySource source(spans);
  Report report;
  verify::verify_log(source, {lane, trust, head, nv_value}, report);
  return report;
}

verify::Trust trust_of(const LogBuilder& log) { return {log.enrolment(), std::nullopt}; }

Report check(const LogBuilder& log) { return check(log.segments, trust_of(log)); }

std::string ids(const Report& report) {
  std::string out;
  for (const verify::Finding& f : report.findings)
    out += std::string(verify::finding_row(f.id).name) + " [" + f.detail + "] at " + verify::describe(f.place) + "; ";
  return out;
}

}  // namespace cm::audit::test
