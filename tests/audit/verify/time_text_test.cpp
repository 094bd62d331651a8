// SPDX-License-Identifier: Apache-2.0
// time_text_test.cpp: times of the command line: what utc_text prints is read back, every form has its value, and what
// is no time is refused.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "audit/verify/report.h"
#include "audit/verify/time_text.h"

namespace cm::audit::test {
namespace {

using verify::parse_time;

constexpr uint64_t kNs = 1'000'000'000;

RC_GTEST_PROP(time_text, what_is_printed_is_read_back, ()) {
  const uint64_t ns = *rc::gen::arbitrary<uint64_t>() << *rc::gen::inRange(0, 2) >> *rc::gen::inRange(0, 40);
  RC_ASSERT(parse_time(verify::utc_text(ns)) == ns);
}

RC_GTEST_PROP(time_text, seconds_are_read_with_and_without_a_fraction, ()) {
  const auto seconds = *rc::gen::inRange<uint64_t>(0, 18'000'000'000);
  RC_ASSERT(parse_time(std::to_string(seconds)) == seconds * kNs);
  RC_ASSERT(parse_time(std::to_string(seconds) + ".25") == seconds * kNs + kNs / 4);
}

TEST(time_text, forms_and_their_values) {
  EXPECT_EQ(parse_time("1970-01-01"), 0u);
  EXPECT_EQ(parse_time("2026-11-21"), 1'795'219'200 * kNs);
  EXPECT_EQ(parse_time("2026-11-21T00:00:00Z"), 1'795'219'200 * kNs);
  EXPECT_EQ(parse_time("2026-11-21t01:02:03.5z"), (1'795'219'200 + 3723) * kNs + kNs / 2);
  EXPECT_EQ(parse_time("2028-02-29"), parse_time("2028-02-28T23:59:59Z").value() + kNs);
  EXPECT_EQ(parse_time("0.000000001"), 1u);
  EXPECT_EQ(parse_time("2554-07-21T23:34:33.709551615Z"), UINT64_MAX);
}

TEST(time_text, what_is_no_time_is_refused) {
  for (const char* text : {"",
                           " ",
                           "x",
                           "-1",
                           "1.",
                           ".5",
                           "1.0000000001",
                           "0x10",
                           "1e9",
                           "1 ",
                           " 1",
                           "18446744074",
                           "99999999999999999999",
                           "2026-11",
                           "2026-1-1",
                           "2026-13-01",
                           "2026-00-10",
                           "2026-02-29",
                           "2026-04-31",
                           "2026-11-00",
                           "1969-12-31",
                           "2554-07-22",
                           "2554-07-21T23:34:33.709551616Z",
                           "2026-11-21T00:00:00",
                           "2026-11-21T00:00Z",
                           "2026-11-21T24:00:00Z",
                           "2026-11-21T00:60:00Z",
                           "2026-11-21T00:00:60Z",
                           "2026-11-21T00:00:00+01:00",
                           "2026-11-21 00:00:00Z",
                           "2026-11-21T00:00:00.Z",
                           "2026-11-21T00:00:00.1234567890Z",
                           "2026-11-21T00:00:00Zx",
                           "+026-11-21",
                           "2026-11-21T",
                           "2026--1-21"})
    EXPECT_FALSE(parse_time(text).has_value()) << text;
}

}  // namespace
}  // namespace cm::audit::test
