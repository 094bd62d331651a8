// SPDX-License-Identifier: Apache-2.0
// tpm_structures_test.cpp: the parser of TPM structures takes the one shape each may have and refuses the rest: every
// truncation, every addition, every wrong constant.
#include <gtest/gtest.h>

#include <rapidcheck.h>

#include "audit/attest/p256.h"
#include "audit/attest/tpm_structures.h"
#include "tests/audit/support/soft_tpm.h"

namespace cm::audit::test {
namespace {

template <class Parse>
void refuses_other_lengths(const Bytes& good, Parse parse) {
  ASSERT_TRUE(parse(good).has_value());
  for (size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(parse(TpmBytes(good).first(n)).has_value()) << n;
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_FALSE(parse(longer).has_value());
}

TEST(tpm_structures, quote_is_read_field_by_field) {
  SoftTpm tpm(3);
  tpm.identity.clock_ms = 0x0102030405060708;
  const Bytes bytes = marshal_quote(tpm.quote_fields(Digest{9}));
  const auto q = parse_quote(bytes);
  ASSERT_TRUE(q.has_value());
  EXPECT_EQ(q->pcr, 14u);
  EXPECT_EQ(q->common.clock.clock_ms, 0x0102030405060708u);
  EXPECT_EQ(q->common.clock.reset_count, 3u);
  EXPECT_TRUE(q->common.clock.safe);
  EXPECT_EQ(q->common.firmware, tpm.identity.firmware);
  EXPECT_EQ(q->common.extra_data.size(), 32u);
  EXPECT_EQ(q->pcr_digest.size(), 32u);
  refuses_other_lengths(bytes, parse_quote);
}

TEST(tpm_structures, selection_must_be_one_register_of_the_sha256_bank) {
  SoftTpm tpm(3);
  AttestFields f = tpm.quote_fields({});
  using Selection = std::vector<std::pair<uint16_t, uint32_t>>;
  for (const Selection& other : {Selection{}, Selection{{0x000b, 0}}, Selection{{0x0004, 1u << 14}},
                                 Selection{{0x000b, 3u << 14}}, Selection{{0x000b, 1u << 14}, {0x000c, 1}}}) {
    f.selection = other;
    const auto q = parse_quote(marshal_quote(f));
    ASSERT_TRUE(q.has_value());
    EXPECT_FALSE(q->pcr.has_value());
  }
  f.selection = {{0x0004, 0}, {0x000b, 1u << 23}};
  EXPECT_EQ(parse_quote(marshal_quote(f))->pcr, 23u);
}

TEST(tpm_structures, wrong_constants_are_refused) {
  SoftTpm tpm(3);
  AttestFields f = tpm.quote_fields({});
  f.magic = 0xff544346;
  EXPECT_FALSE(parse_quote(marshal_quote(f)));
  f = tpm.quote_fields({});
  f.type = 0x8014;
  EXPECT_FALSE(parse_quote(marshal_quote(f)));
  f = tpm.quote_fields({});
  f.safe = 2;
  EXPECT_FALSE(parse_quote(marshal_quote(f)));
  AttestFields c = tpm.certification_fields({});
  EXPECT_EQ(parse_nv_certify(marshal_certification(c))->value, tpm.nv_value);
  refuses_other_lengths(marshal_certification(c), parse_nv_certify);
  c.offset = 1;
  EXPECT_FALSE(parse_nv_certify(marshal_certification(c)));
  c = tpm.certification_fields({});
  c.contents.push_back(0);
  EXPECT_FALSE(parse_nv_certify(marshal_certification(c)));
}

TEST(tpm_structures, key_must_be_restricted_and_made_by_the_tpm) {
  const SoftTpm tpm(3);
  const auto ak = parse_ak_public(tpm.ak_public());
  ASSERT_TRUE(ak.has_value());
  EXPECT_TRUE(ak->usable);
  refuses_other_lengths(tpm.ak_public(), parse_ak_public);
  for (const uint32_t bit : {1u, 4u, 5u, 16u, 17u, 18u}) {
    const auto other = parse_ak_public(ak_template(kAkAttributes ^ 1u << bit, ak->point.x, ak->point.y));
    ASSERT_TRUE(other.has_value());
    EXPECT_FALSE(other->usable) << bit;
  }
  const auto short_x = parse_ak_public(ak_template(kAkAttributes, Bytes{5}, ak->point.y));
  ASSERT_TRUE(short_x.has_value());
  EXPECT_EQ(short_x->point.x[31], 5);
  EXPECT_EQ(short_x->point.x[0], 0);
  EXPECT_FALSE(P256Key::from_point(short_x->point).has_value()) << "not on the curve";
}

TEST(tpm_structures, signature_verifies_and_no_bit_of_it_is_free) {
  SoftTpm tpm(3);
  const Bytes message = {1, 2, 3};
  const Bytes signature = tpm.sign(message);
  refuses_other_lengths(signature, parse_signature);
  const auto key = P256Key::from_point(parse_ak_public(tpm.ak_public())->point);
  ASSERT_TRUE(key.has_value());
  EXPECT_TRUE(key->verify(sha256_of(message), *parse_signature(signature)));
  for (size_t bit = 0; bit < signature.size() * 8; ++bit) {
    Bytes other = signature;
    other[bit / 8] = static_cast<uint8_t>(other[bit / 8] ^ 1u << bit % 8);
    const auto parsed = parse_signature(other);
    EXPECT_FALSE(parsed && key->verify(sha256_of(message), *parsed)) << bit;
  }
  EXPECT_FALSE(key->verify(Digest{}, *parse_signature(signature)));
}

TEST(tpm_structures, random_bytes_never_crash) {
  EXPECT_TRUE(rc::check([] {
    const Bytes bytes = *rc::gen::arbitrary<Bytes>();
    static_cast<void>(parse_quote(bytes));
    static_cast<void>(parse_nv_certify(bytes));
    static_cast<void>(parse_signature(bytes));
    static_cast<void>(parse_ak_public(bytes));
  }));
}

}  // namespace
}  // namespace cm::audit::test
