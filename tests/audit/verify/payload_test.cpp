// SPDX-License-Identifier: Apache-2.0
// payload_test.cpp: encode and decode of every payload are inverse; decode takes exactly the bytes encode gives and
// nothing else; no input makes it crash.
#include <gtest/gtest.h>

#include <rapidcheck.h>

#include "tests/audit/support/log_builder.h"

namespace cm::audit::test {
namespace {

template <size_t N>
std::array<uint8_t, N> any_array() {
  std::array<uint8_t, N> out;
  for (uint8_t& b : out) b = *rc::gen::arbitrary<uint8_t>();
  return out;
}
template <class U>
U any() {
  return *rc::gen::arbitrary<U>();
}
uint8_t any_flag() { return *rc::gen::inRange<uint8_t>(0, 2); }
std::string any_text() { return *rc::gen::arbitrary<std::string>(); }
Bytes any_bytes() { return *rc::gen::arbitrary<Bytes>(); }

TpmIdentity any_identity() {
  return {any<uint8_t>(),  any<uint32_t>(), any<uint64_t>(), any<uint32_t>(),
          any<uint32_t>(), any<uint64_t>(), any_flag()};
}

template <class P>
P make();

template <>
Genesis make() {
  Genesis g;
  g.writer_version = any_text();
  g.writer_uid = any<uint32_t>();
  g.creator_uid = any<uint32_t>();
  g.isolated = any_flag();
  g.tpm = any_identity();
  g.pcr_index = any<uint32_t>();
  g.pcr_start = any_array<32>();
  g.ak_public = any_bytes();
  g.nv_index = any<uint32_t>();
  g.nv_name = any_bytes();
  g.nv_start = any<uint64_t>();
  g.boot_id = any_array<16>();
  return g;
}
template <>
Start make() {
  Start s;
  s.writer_version = any_text();
  s.writer_uid = any<uint32_t>();
  s.tpm = any_identity();
  s.pcr_value = any_array<32>();
  s.nv_value = any<uint64_t>();
  s.boot_id = any_array<16>();
  s.torn_bytes = any<uint64_t>();
  s.torn_digest = any_array<32>();
  return s;
}
template <>
Clock make() {
  return {any<uint64_t>(), any<uint64_t>(), any<uint64_t>(), any<uint32_t>()};
}
template <>
ClientAttach make() {
  ClientAttach a;
  a.client_id = any_array<16>();
  a.pid = any<uint32_t>();
  a.uid = any<uint32_t>();
  a.gid = any<uint32_t>();
  a.start_time = any<uint64_t>();
  a.reattached = any_flag();
  a.executable_known = any_flag();
  a.executable_digest = any_array<32>();
  a.executable = any_text();
  a.module_digest = any_array<32>();
  a.module_version = any_text();
  a.lanes = any_text();
  a.seal_kind = *rc::gen::inRange<uint32_t>(0, 4);
  if (a.seal_kind == kSealChain) a.seal_commitment = any_array<32>();
  a.ring_records = any<uint32_t>();
  a.first_ring_id = any<uint32_t>();
  a.ring_count = any<uint32_t>();
  return a;
}
template <>
ClientDetach make() {
  return {any_array<16>()};
}
template <>
ClientLost make() {
  ClientLost l{any_array<16>(), any<uint32_t>(), {}};
  l.open_entries.resize(*rc::gen::inRange<size_t>(0, 9));
  for (OpenEntry& e : l.open_entries) e = {any<uint32_t>(), any<uint32_t>(), any<uint64_t>(), any<uint64_t>()};
  return l;
}
template <>
Batch make() {
  Batch b;
  b.marks.resize(*rc::gen::inRange<size_t>(0, 9));
  for (RingMark& m : b.marks) m = {any<uint32_t>(), any<uint32_t>(), any<uint64_t>()};
  return b;
}
template <>
Anchor make() {
  Anchor a;
  a.anchored_seq = any<uint64_t>();
  a.anchored_head = any_array<32>();
  a.pcr_value = any_array<32>();
  a.nv_value = any<uint64_t>();
  a.challenge = any_array<32>();
  a.tsc_before = any<uint64_t>();
  a.tsc_after = any<uint64_t>();
  a.quote_attest = any_bytes();
  a.quote_signature = any_bytes();
  a.nv_attest = any_bytes();
  a.nv_signature = any_bytes();
  return a;
}
template <>
UnexplainedExtend make() {
  return {any_array<32>(), any_array<32>()};
}
template <>
SealBroken make() {
  return {any_array<16>(), any<uint32_t>(), any<uint32_t>(), any<uint64_t>()};
}
template <>
End make() {
  return {any<uint32_t>()};
}

template <class P>
class payload : public testing::Test {};
using Payloads = testing::Types<Genesis, Start, Clock, ClientAttach, ClientDetach, ClientLost, Batch, Anchor,
                                UnexplainedExtend, SealBroken, End>;
TYPED_TEST_SUITE(payload, Payloads);

TYPED_TEST(payload, round_trip_is_the_identity) {
  EXPECT_TRUE(rc::check([] {
    const Bytes bytes = encode(make<TypeParam>());
    const Bytes var = padded(bytes);
    TypeParam read;
    RC_ASSERT(decode(var, read));
    RC_ASSERT(encode(read) == bytes);
  }));
}

TYPED_TEST(payload, every_byte_is_accounted_for) {
  EXPECT_TRUE(rc::check([] {
    const Bytes bytes = encode(make<TypeParam>());
    TypeParam read;
    Bytes var = padded(bytes);
    // One more unit, a set padding bit, a cut unit, and a length that is no multiple of the unit.
    Bytes longer = var;
    longer.resize(var.size() + 64);
    RC_ASSERT(!decode(longer, read));
    if (var.size() > bytes.size()) {
      Bytes dirty = var;
      dirty[*rc::gen::inRange(bytes.size(), var.size())] = 0x80;
      RC_ASSERT(!decode(dirty, read));
    }
    RC_ASSERT(!decode(std::span(var).first(var.size() - 64), read));
    if (var.size() != bytes.size()) RC_ASSERT(!decode(bytes, read));
  }));
}

TYPED_TEST(payload, random_bytes_never_crash) {
  EXPECT_TRUE(rc::check([] {
    const Bytes var = padded(*rc::gen::arbitrary<Bytes>());
    TypeParam read;
    if (decode(var, read)) RC_ASSERT(padded(encode(read)) == var);
  }));
}

TEST(payload_bounds, a_count_beyond_the_input_allocates_nothing) {
  Bytes var(64);
  var[0] = var[1] = var[2] = var[3] = 0xff;
  Batch batch;
  EXPECT_FALSE(decode(var, batch));
  EXPECT_EQ(batch.marks.capacity(), 0u);
}

TEST(payload_bounds, flags_are_zero_or_one) {
  Genesis g;
  Bytes var = padded(encode(g));
  var[2 + 4 + 4] = 2;  // isolated
  EXPECT_FALSE(decode(var, g));
}

TEST(payload_bytes, qualifying_data_is_a_plain_digest_over_the_fields) {
  AnchorBinding b;
  b.log_id.fill(1);
  b.anchored_seq = 2;
  b.anchored_head.fill(3);
  b.previous_attest.fill(4);
  b.challenge.fill(5);
  b.nv_value = 6;
  b.writer_time_ns = 7;
  Bytes message;
  for (const char c : std::string("cryptomod-anchor")) message.push_back(static_cast<uint8_t>(c));
  const auto repeat = [&](uint8_t v, size_t n) { message.insert(message.end(), n, v); };
  const auto number = [&](uint8_t v) {
    message.push_back(v);
    repeat(0, 7);
  };
  repeat(1, 16);
  number(2);
  repeat(3, 32);
  repeat(4, 32);
  repeat(5, 32);
  number(6);
  number(7);
  EXPECT_EQ(qualifying_data(Lane::kPortable, b), sha256_of(message));
}

}  // namespace
}  // namespace cm::audit::test
