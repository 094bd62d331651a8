// SPDX-License-Identifier: Apache-2.0
// log_reader.cpp: see log_reader.h.
#include "tests/audit/support/log_reader.h"

#define OPENSSL_SUPPRESS_DEPRECATED  // the low-level interface shows the chaining value, which midstates need
#include <openssl/sha.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

namespace cm::audit_test {
namespace {

using audit::Bytes;
using audit::Digest;
using audit::FrameType;

Digest hash(const void* data, size_t size) {
  Digest out;
  SHA256(static_cast<const uint8_t*>(data), size, out.data());
  return out;
}

uint32_t crc_bitwise(const uint8_t* p, size_t size) {
  uint32_t crc = ~0u;
  for (size_t i = 0; i < size; ++i) {
    crc ^= p[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0x82f63b78u & (0u - (crc & 1)));
  }
  return ~crc;
}

Digest extended(const Digest& pcr, const Digest& head) {
  Bytes both(pcr.begin(), pcr.end());
  both.insert(both.end(), head.begin(), head.end());
  return hash(both.data(), both.size());
}

class Reader {
 public:
  Log log;

  void read_segment(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    const auto* p = reinterpret_cast<const uint8_t*>(text.data());
    for (size_t at = 0; at < text.size() && log.fault.empty();) {
      const size_t size = read_frame(p + at, text.size() - at);
      if (size == 0 && log.fault.empty()) fail("no frame");
      at += size;
    }
  }

 private:
  void fail(const std::string& what) { log.fault = what + " at frame " + std::to_string(log.frames.size()); }

  size_t read_frame(const uint8_t* p, size_t left) {
    Frame frame;
    if (left < sizeof frame.header) return 0;
    std::memcpy(&frame.header, p, sizeof frame.header);
    const audit::FrameHeader& h = frame.header;
    if (h.magic != audit::kFrameMagic || h.version != 1 || h.carried > audit::kMaxCarried) return 0;
    const size_t size = audit::frame_size(h.var_size, h.record_count);
    if (size > left) return 0;
    const uint8_t* var = p + sizeof h;
    frame.var.assign(var, var + h.var_size);
    frame.records.resize(h.record_count);
    if (h.record_count != 0) std::memcpy(frame.records.data(), var + h.var_size, h.record_count * audit::kRecordSize);
    frame.head = hash(&h, sizeof h);
    check_bytes(frame, p, size);
    check_chain(frame);
    check_payload(frame);
    log.frames.push_back(std::move(frame));
    return size;
  }

  void check_bytes(const Frame& frame, const uint8_t* p, size_t size) {
    audit::FrameTail tail;
    std::memcpy(&tail, p + size - sizeof tail, sizeof tail);
    if (tail.magic != audit::kTailMagic || tail.frame_size != size) return fail("bad tail");
    if (frame.records.size() < 4096 && tail.crc32c != crc_bitwise(p, size - sizeof tail)) return fail("bad crc");
    SHA256_CTX ctx;
    SHA256_Init(&ctx);
    SHA256_Update(&ctx, frame.var.data(), frame.var.size());
    const uint8_t* records = p + sizeof frame.header + frame.var.size();
    const uint8_t* midstates = records + frame.records.size() * audit::kRecordSize;
    for (size_t i = 0; i < frame.records.size(); ++i) {
      SHA256_Update(&ctx, records + i * audit::kRecordSize, audit::kRecordSize);
      uint32_t midstate;
      std::memcpy(&midstate, midstates + 4 * i, 4);
      if (midstate != ctx.h[0]) return fail("bad midstate");
    }
    Digest digest;
    SHA256_Final(digest.data(), &ctx);
    if (std::memcmp(digest.data(), frame.header.records_digest, 32) != 0) fail("bad records digest");
  }

  void check_chain(const Frame& frame) {
    const audit::FrameHeader& h = frame.header;
    const Digest before = log.frames.empty() ? Digest{} : log.frames.back().head;
    if (h.frame_seq != log.frames.size()) return fail("frame sequence");
    if (h.first_record != records_) return fail("record sequence");
    if (std::memcmp(h.prev_head, before.data(), 32) != 0) return fail("previous head");
    if (!log.frames.empty() && std::memcmp(h.log_id, log.frames[0].header.log_id, 16) != 0) return fail("log id");
    const bool may_step_back = frame.type() == FrameType::kBoot || frame.type() == FrameType::kRecovery;
    if (frame.type() != FrameType::kAnchor) {
      if (h.writer_time_ns < time_ns_ && !may_step_back) return fail("time goes back");
      time_ns_ = h.writer_time_ns;
    }
    records_ += h.record_count;
  }

  void check_payload(const Frame& frame) {
    switch (frame.type()) {
      case FrameType::kGenesis: {
        audit::Genesis g;
        if (!decode(frame.var, g)) return fail("genesis");
        nv_ = g.nv_start;
        pcr_ = g.pcr_start;
        break;
      }
      case FrameType::kBoot:
      case FrameType::kRecovery: {
        audit::Start s;
        if (!decode(frame.var, s)) return fail("start");
        if (frame.type() == FrameType::kRecovery && s.pcr_value != pcr_) return fail("recovery's PCR value");
        pcr_ = s.pcr_value;
        break;
      }
      case FrameType::kUnexplainedExtend: {
        audit::UnexplainedExtend u;
        if (!decode(frame.var, u)) return fail("unexplained-extend");
        pcr_ = u.found;
        break;
      }
      case FrameType::kBatch:
        check_batch(frame);
        break;
      case FrameType::kAnchor:
        check_anchor(frame);
        break;
      case FrameType::kClock:
      case FrameType::kClientAttach:
      case FrameType::kClientDetach:
      case FrameType::kClientLost:
      case FrameType::kSealBroken:
      case FrameType::kSegmentSeal:
      case FrameType::kEnd:
        break;
    }
    const uint32_t carried = frame.header.carried;
    if (carried != 0) {
      if (carried >= pcr_after_.size() || carried > frames_since_anchored()) return fail("carried frames");
      pcr_ = pcr_after_[pcr_after_.size() - carried - 1];
      std::fill(pcr_after_.end() - carried, pcr_after_.end(), pcr_);
      log.carried += carried;
    }
    pcr_ = extended(pcr_, frame.head);
    pcr_after_.push_back(pcr_);
  }

  void check_batch(const Frame& frame) {
    audit::Batch batch;
    if (!decode(frame.var, batch)) return fail("batch");
    size_t next = 0;
    std::optional<uint32_t> before;
    for (const audit::RingMark& mark : batch.marks) {
      if (before && mark.ring_id <= *before) return fail("marks' order");
      before = mark.ring_id;
      auto& ring = log.rings[mark.ring_id];
      if (mark.first_seq != ring.size() || mark.count == 0) return fail("ring sequence");
      for (uint32_t i = 0; i < mark.count; ++i, ++next) {
        const audit::Record& r = frame.records.at(next);
        if (r.ring_id != mark.ring_id || r.ring_seq != static_cast<uint32_t>(mark.first_seq + i)) return fail("record");
        ring.push_back(r);
      }
    }
    if (next != frame.records.size()) fail("marks' sum");
  }

  void check_anchor(const Frame& frame) {
    audit::Anchor a;
    if (!decode(frame.var, a) || a.anchored_seq >= log.frames.size()) return fail("anchor");
    if (a.anchored_head != log.frames[a.anchored_seq].head) return fail("anchored head");
    if (a.pcr_value != pcr_after_[a.anchored_seq]) return fail("anchored PCR value");
    if (a.nv_value != ++nv_) return fail("anchor's counter");
    anchored_seq_ = a.anchored_seq;
    if (frame.header.writer_time_ns < log.frames[a.anchored_seq].header.writer_time_ns) return fail("anchor's time");
  }

  uint64_t frames_since_anchored() const { return log.frames.size() - 1 - anchored_seq_; }

  uint64_t records_ = 0;
  uint64_t anchored_seq_ = 0;
  uint64_t time_ns_ = 0;
  uint64_t nv_ = 0;
  Digest pcr_{};
  std::vector<Digest> pcr_after_;
};

}  // namespace

std::vector<const Frame*> Log::of_type(FrameType type) const {
  std::vector<const Frame*> out;
  for (const Frame& frame : frames)
    if (frame.type() == type) out.push_back(&frame);
  return out;
}

std::string Log::types() const {
  static constexpr char kLetters[] = "?GBCADLRQUSY?E";
  std::string out;
  for (const Frame& frame : frames) out += kLetters[frame.header.type < 14 ? frame.header.type : 0];
  return out;
}

Log read_log(const std::string& dir) {
  Reader reader;
  for (uint32_t i = 0; reader.log.fault.empty(); ++i) {
    char name[32];
    std::snprintf(name, sizeof name, audit::kSegmentNameFormat, i);
    const std::string path = dir + "/" + name;
    if (!std::filesystem::exists(path)) break;
    reader.read_segment(path);
  }
  return std::move(reader.log);
}

}  // namespace cm::audit_test
