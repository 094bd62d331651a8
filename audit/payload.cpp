// SPDX-License-Identifier: Apache-2.0
// payload.cpp: encoding and strict decoding of the variable sections (payload.h, docs/audit-format.md "Payloads"). Each
// type lists its fields once, in disk order, for both directions, so the two cannot disagree. It must not judge what
// the values mean: that is the verifier's work. Decoding never reads outside its input and never allocates more than a
// small multiple of the input's size.
#include "audit/payload.h"

#include <cstring>
#include <type_traits>

#include "crypto/base/bytes.h"
#include "crypto/base/check.h"
#include "crypto/base/secret.h"
#include "crypto/sha2/sha256.h"

namespace cm::audit {
namespace {

constexpr size_t kMaxBlob = 0xffff;  // a u16 counts it

// Encoder: appends fields. A string, blob or list that its count cannot express is a defect of the caller.
class Encoder {
 public:
  void number(const uint8_t& v) { out_.push_back(v); }
  void number(const uint32_t& v) { little_endian(v); }
  void number(const uint64_t& v) { little_endian(v); }
  void flag(const uint8_t& v) {
    CM_CHECK(v <= 1);
    out_.push_back(v);
  }
  template <size_t N>
  void array(const std::array<uint8_t, N>& v) {
    out_.insert(out_.end(), v.begin(), v.end());
  }
  void blob(const Bytes& v) { counted(v.data(), v.size()); }
  void text(const std::string& v) { counted(v.data(), v.size()); }
  template <class T, class Fields>
  void list(const std::vector<T>& v, size_t, Fields fields) {
    CM_CHECK(v.size() <= kMaxVarSize);
    little_endian(static_cast<uint32_t>(v.size()));
    for (const T& item : v) fields(*this, item);
  }
  Bytes take() { return std::move(out_); }

 private:
  template <class U>
  void little_endian(U v) {
    for (size_t i = 0; i < sizeof v; ++i) out_.push_back(static_cast<uint8_t>(v >> 8 * i));
  }
  void counted(const void* p, size_t n) {
    CM_CHECK(n <= kMaxBlob);
    out_.push_back(static_cast<uint8_t>(n));
    out_.push_back(static_cast<uint8_t>(n >> 8));
    const auto* b = static_cast<const uint8_t*>(p);
    out_.insert(out_.end(), b, b + n);
  }

  Bytes out_;
};

// Decoder: takes fields from the front. After the first failure every field reads as zero and done() is false.
class Decoder {
 public:
  explicit Decoder(std::span<const uint8_t> in) : in_(in), ok_(in.size() % kFrameAlign == 0) {}

  void number(uint8_t& v) { v = little_endian<uint8_t>(); }
  void number(uint32_t& v) { v = little_endian<uint32_t>(); }
  void number(uint64_t& v) { v = little_endian<uint64_t>(); }
  void flag(uint8_t& v) {
    v = little_endian<uint8_t>();
    if (v > 1) ok_ = false;
  }
  template <size_t N>
  void array(std::array<uint8_t, N>& v) {
    const auto bytes = front(N);
    if (ok_) std::memcpy(v.data(), bytes.data(), N);
  }
  void blob(Bytes& v) {
    const auto bytes = counted();
    v.assign(bytes.begin(), bytes.end());
  }
  void text(std::string& v) {
    const auto bytes = counted();
    v.assign(bytes.begin(), bytes.end());
  }
  // list: the count is believed only when the input has that many items of item_size bytes left.
  template <class T, class Fields>
  void list(std::vector<T>& v, size_t item_size, Fields fields) {
    const uint32_t count = little_endian<uint32_t>();
    v.clear();
    if (!ok_ || count > in_.size() / item_size) {
      ok_ = false;
      return;
    }
    v.resize(count);
    for (T& item : v) fields(*this, item);
  }
  // done: every field was there and what is left is less than one unit of zero padding.
  bool done() const {
    if (!ok_ || in_.size() >= kFrameAlign) return false;
    for (const uint8_t b : in_)
      if (b != 0) return false;
    return true;
  }

 private:
  std::span<const uint8_t> front(size_t n) {
    if (!ok_ || n > in_.size()) {
      ok_ = false;
      return {};
    }
    const auto bytes = in_.first(n);
    in_ = in_.subspan(n);
    return bytes;
  }
  template <class U>
  U little_endian() {
    const auto bytes = front(sizeof(U));
    uint64_t v = 0;
    for (size_t i = 0; i < bytes.size(); ++i) v |= uint64_t{bytes[i]} << 8 * i;
    return static_cast<U>(v);
  }
  std::span<const uint8_t> counted() {
    const uint32_t low = little_endian<uint8_t>();
    const uint32_t high = little_endian<uint8_t>();
    return front(low | high << 8);
  }

  std::span<const uint8_t> in_;
  bool ok_;
};

// Is: P is T or const T; the overloads of fields below serve both directions.
template <class P, class T>
concept Is = std::is_same_v<std::remove_const_t<P>, T>;

void fields(auto& io, Is<TpmIdentity> auto& p) {
  io.number(p.kind);
  io.number(p.manufacturer);
  io.number(p.firmware);
  io.number(p.reset_count);
  io.number(p.restart_count);
  io.number(p.clock_ms);
  io.flag(p.clock_safe);
}

void fields(auto& io, Is<Genesis> auto& p) {
  io.text(p.writer_version);
  io.number(p.writer_uid);
  io.number(p.creator_uid);
  io.flag(p.isolated);
  fields(io, p.tpm);
  io.number(p.pcr_index);
  io.array(p.pcr_start);
  io.blob(p.ak_public);
  io.number(p.nv_index);
  io.blob(p.nv_name);
  io.number(p.nv_start);
  io.array(p.boot_id);
}

void fields(auto& io, Is<Start> auto& p) {
  io.text(p.writer_version);
  io.number(p.writer_uid);
  fields(io, p.tpm);
  io.array(p.pcr_value);
  io.number(p.nv_value);
  io.array(p.boot_id);
  io.number(p.torn_bytes);
  io.array(p.torn_digest);
}

void fields(auto& io, Is<Clock> auto& p) {
  io.number(p.tsc);
  io.number(p.utc_ns);
  io.number(p.ns_per_tick_q32);
  io.number(p.generation);
}

void fields(auto& io, Is<ClientAttach> auto& p) {
  io.array(p.client_id);
  io.number(p.pid);
  io.number(p.uid);
  io.number(p.gid);
  io.number(p.start_time);
  io.flag(p.reattached);
  io.flag(p.executable_known);
  io.array(p.executable_digest);
  io.text(p.executable);
  io.array(p.module_digest);
  io.text(p.module_version);
  io.text(p.lanes);
  io.number(p.seal_kind);
  io.number(p.ring_records);
  io.number(p.first_ring_id);
  io.number(p.ring_count);
  if (p.seal_kind == kSealChain) io.array(p.seal_commitment);
}

void fields(auto& io, Is<ClientDetach> auto& p) { io.array(p.client_id); }

void fields(auto& io, Is<ClientLost> auto& p) {
  constexpr size_t kItemSize = 24;
  io.array(p.client_id);
  io.number(p.reason);
  io.list(p.open_entries, kItemSize, [](auto& list_io, Is<OpenEntry> auto& entry) {
    list_io.number(entry.ring_id);
    list_io.number(entry.event_id);
    list_io.number(entry.ring_seq);
    list_io.number(entry.object);
  });
}

void fields(auto& io, Is<Batch> auto& p) {
  constexpr size_t kItemSize = 16;
  io.list(p.marks, kItemSize, [](auto& list_io, Is<RingMark> auto& mark) {
    list_io.number(mark.ring_id);
    list_io.number(mark.count);
    list_io.number(mark.first_seq);
  });
}

void fields(auto& io, Is<Anchor> auto& p) {
  io.number(p.anchored_seq);
  io.array(p.anchored_head);
  io.array(p.pcr_value);
  io.number(p.nv_value);
  io.array(p.challenge);
  io.number(p.tsc_before);
  io.number(p.tsc_after);
  io.blob(p.quote_attest);
  io.blob(p.quote_signature);
  io.blob(p.nv_attest);
  io.blob(p.nv_signature);
}

void fields(auto& io, Is<UnexplainedExtend> auto& p) {
  io.array(p.expected);
  io.array(p.found);
}

void fields(auto& io, Is<SealBroken> auto& p) {
  io.array(p.client_id);
  io.number(p.ring_id);
  io.number(p.reason);
  io.number(p.ring_seq);
}

void fields(auto& io, Is<SegmentSeal> auto& p) {
  io.number(p.segment);
  io.number(p.reason);
  io.number(p.bytes);
}

void fields(auto& io, Is<End> auto& p) { io.number(p.reason); }

template <class P>
Bytes encode_payload(const P& p) {
  Encoder io;
  fields(io, p);
  return io.take();
}

template <class P>
bool decode_payload(std::span<const uint8_t> var, P& p) {
  Decoder io(var);
  fields(io, p);
  return io.done();
}

}  // namespace

Bytes encode(const Genesis& p) { return encode_payload(p); }
Bytes encode(const Start& p) { return encode_payload(p); }
Bytes encode(const Clock& p) { return encode_payload(p); }
Bytes encode(const ClientAttach& p) { return encode_payload(p); }
Bytes encode(const ClientDetach& p) { return encode_payload(p); }
Bytes encode(const ClientLost& p) { return encode_payload(p); }
Bytes encode(const Batch& p) { return encode_payload(p); }
Bytes encode(const Anchor& p) { return encode_payload(p); }
Bytes encode(const UnexplainedExtend& p) { return encode_payload(p); }
Bytes encode(const SealBroken& p) { return encode_payload(p); }
Bytes encode(const SegmentSeal& p) { return encode_payload(p); }
Bytes encode(const End& p) { return encode_payload(p); }

bool decode(std::span<const uint8_t> var, Genesis& p) { return decode_payload(var, p); }
bool decode(std::span<const uint8_t> var, Start& p) { return decode_payload(var, p); }
bool decode(std::span<const uint8_t> var, Clock& p) { return decode_payload(var, p); }
bool decode(std::span<const uint8_t> var, ClientAttach& p) { return decode_payload(var, p); }
bool decode(std::span<const uint8_t> var, ClientDetach& p) { return decode_payload(var, p); }
bool decode(std::span<const uint8_t> var, ClientLost& p) { return decode_payload(var, p); }
bool decode(std::span<const uint8_t> var, Batch& p) { return decode_payload(var, p); }
bool decode(std::span<const uint8_t> var, Anchor& p) { return decode_payload(var, p); }
bool decode(std::span<const uint8_t> var, UnexplainedExtend& p) { return decode_payload(var, p); }
bool decode(std::span<const uint8_t> var, SealBroken& p) { return decode_payload(var, p); }
bool decode(std::span<const uint8_t> var, SegmentSeal& p) { return decode_payload(var, p); }
bool decode(std::span<const uint8_t> var, End& p) { return decode_payload(var, p); }

Digest seal_commitment(Lane lane, std::span<const uint8_t, kSealSeedSize> seed) {
  std::array<uint8_t, sizeof(kSealDomain) - 1 + kSealSeedSize> message;
  std::memcpy(message.data(), kSealDomain, sizeof(kSealDomain) - 1);
  std::memcpy(message.data() + sizeof(kSealDomain) - 1, seed.data(), seed.size());
  Digest digest;
  sha256(lane, digest.data(), message.data(), message.size());
  zeroise(message.data(), message.size());
  return digest;
}

Digest qualifying_data(Lane lane, const AnchorBinding& binding) {
  Encoder io;
  std::array<uint8_t, sizeof(kAnchorDomain) - 1> domain;
  std::memcpy(domain.data(), kAnchorDomain, domain.size());
  io.array(domain);
  io.array(binding.log_id);
  io.number(binding.anchored_seq);
  io.array(binding.anchored_head);
  io.array(binding.previous_attest);
  io.array(binding.challenge);
  io.number(binding.nv_value);
  io.number(binding.writer_time_ns);
  const Bytes message = io.take();
  Digest digest;
  sha256(lane, digest.data(), message.data(), message.size());
  return digest;
}

}  // namespace cm::audit
