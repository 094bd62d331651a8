// SPDX-License-Identifier: Apache-2.0
// search_test.cpp: cryptomod-audit search: each filter, each two of them together, against a filter that is written
// here a second time over what `show --json` prints; pairs of entry and exit; what is refused; exit codes.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "audit/verify/record_filter.h"
#include "tests/audit/support/audit_program.h"
#include "tests/audit/support/golden_logs.h"

namespace cm::audit::test {
namespace {

using Json = nlohmann::json;
using Numbers = std::set<uint64_t>;

const std::string kRoot = std::string(CM_SOURCE_DIR) + "/vectors/audit/";

// Condition: an option and what it means for a record as `show --json` prints it.
struct Condition {
  std::string options;
  bool about_result;
  std::function<bool(const Json&)> holds;
};

std::string kind_of(const Condition& c) {
  const std::string option = c.options.substr(0, c.options.find(' '));
  return option == "--event" ? "--service" : option;
}

bool is_exit(const Json& r) { return r["event_id"].get<uint32_t>() >> 31 != 0; }
bool is_call(const Json& r) { return (r["event_id"].get<uint32_t>() & 0x7fffffff) < 0x10000; }
uint32_t event_of(const Json& r) { return r["event_id"].get<uint32_t>() & 0x7fffffff; }
bool ended(const Json& r) {
  return is_call(r) ? is_exit(r) : event_of(r) >> 16 == 1 || r["return_code"].get<int32_t>() != 0;
}
uint32_t reason_of(const Json& r) {
  const auto rc = r["return_code"].get<int32_t>();
  return r["reason"].get<uint32_t>() != 0 ? r["reason"].get<uint32_t>() : rc > 0 ? static_cast<uint32_t>(rc) : 0;
}

std::vector<Condition> all_conditions() {
  const auto text = [](const Json& r, const char* key) { return r[key].is_null() ? "" : r[key].get<std::string>(); };
  return {
      {"--service aead-seal", false, [](const Json& r) { return event_of(r) == 0x200; }},
      {"--service 0x10 --service hash-batch", false,
       [](const Json& r) { return event_of(r) == 0x10 || event_of(r) == 0x308; }},
      {"--service self-test", false, [](const Json& r) { return event_of(r) >> 16 == 1; }},
      {"--event 'state operational'", false, [](const Json& r) { return event_of(r) == 0x20003; }},
      {"--since 2026-11-21T00:00:00.003003Z", false,
       [](const Json& r) { return r["time_ns"].get<uint64_t>() >= 1'795'219'200'003'003'000; }},
      {"--until 1795219200.003005", false,
       [](const Json& r) { return r["time_ns"].get<uint64_t>() < 1'795'219'200'003'005'000; }},
      {"--session 5263", false, [=](const Json& r) { return text(r, "session").starts_with("5263"); }},
      {"--session 00 --session 5364", false,
       [=](const Json& r) { return text(r, "session").starts_with("00") || text(r, "session").starts_with("5364"); }},
      {"--process 4000", false, [](const Json& r) { return r["pid"] == 4000; }},
      {"--process appl --process none", false,
       [=](const Json& r) { return text(r, "executable").find("appl") != std::string::npos; }},
      {"--process 77 --process 0202", false,
       [=](const Json& r) { return r["pid"] == 77 || text(r, "client").starts_with("0202"); }},
      {"--process 0101", false, [=](const Json& r) { return text(r, "client").starts_with("0101"); }},
      {"--result ok", true, [](const Json& r) { return ended(r) && r["return_code"].get<int32_t>() >= 0; }},
      {"--result error", true, [](const Json& r) { return ended(r) && r["return_code"].get<int32_t>() < 0; }},
      {"--result CM_ERR_EXHAUSTED --result -10", true,
       [](const Json& r) { return ended(r) && (r["return_code"] == -13 || r["return_code"] == -10); }},
      {"--indicator approved", true,
       [](const Json& r) { return is_call(r) && is_exit(r) && r["return_code"] == 0 && reason_of(r) == 0; }},
      {"--indicator not-approved", true, [](const Json& r) { return is_call(r) && is_exit(r) && reason_of(r) != 0; }},
      {"--indicator CM_NOT_APPROVED_CALLER_IV", true,
       [](const Json& r) { return is_call(r) && is_exit(r) && reason_of(r) == 1; }},
      {"--object 0x200000001", false,
       [](const Json& r) {
         return r["object"] == 0x200000001 && !r.contains("jobs") && (is_call(r) || event_of(r) >= 0x40000);
       }},
      {"--ring 1", false, [](const Json& r) { return r["ring"] == 1; }},
      {"--ring 0 --ring 4", false, [](const Json& r) { return r["ring"] == 0 || r["ring"] == 4; }},
  };
}

// naive: over all records at once; every exit is given the oldest entry of its event that is open in its ring.
Numbers naive(const std::vector<Json>& records, const std::vector<Condition>& conditions) {
  const bool pairs = std::any_of(conditions.begin(), conditions.end(), [](const auto& c) { return c.about_result; });
  Numbers out, taken;
  for (const Json& r : records) {
    const Json* entry = nullptr;
    if (pairs && is_call(r) && !is_exit(r)) continue;
    if (pairs && is_call(r))
      for (const Json& e : records)
        if (e["record"] < r["record"] && e["ring"] == r["ring"] && e["event_id"] == event_of(r) &&
            taken.insert(e["record"].get<uint64_t>()).second) {
          entry = &e;
          break;
        }
    if (!std::all_of(conditions.begin(), conditions.end(), [&](const Condition& c) { return c.holds(r); })) continue;
    out.insert(r["record"].get<uint64_t>());
    if (entry != nullptr) out.insert((*entry)["record"].get<uint64_t>());
  }
  return out;
}

std::vector<Json> records_of(const std::string& arguments, int code = 0) {
  std::string text;
  EXPECT_EQ(run_audit(arguments, &text), code) << arguments;
  std::vector<Json> out = json_lines(text);
  std::erase_if(out, [](const Json& line) { return line["type"] != "record"; });
  return out;
}

Numbers numbers_of(const std::vector<Json>& records) {
  Numbers out;
  for (const Json& r : records) EXPECT_TRUE(out.insert(r["record"].get<uint64_t>()).second) << r;
  return out;
}

void compare_with_naive(const std::string& directory) {
  const std::vector<Condition> conditions = all_conditions();
  const std::vector<Json> records = records_of("show --json " + directory);
  ASSERT_FALSE(records.empty());
  for (size_t i = 0; i < conditions.size(); ++i)
    for (size_t j = i; j < conditions.size(); ++j) {
      if (i != j && kind_of(conditions[i]) == kind_of(conditions[j])) continue;  // any of them: another meaning
      const std::string options = conditions[i].options + (i == j ? "" : " " + conditions[j].options);
      const Numbers found = numbers_of(records_of("search --json " + directory + " " + options));
      EXPECT_EQ(found, naive(records, {conditions[i], conditions[j]})) << options;
    }
}

// busy_log: what the golden logs lack: two processes, results and indicators of every kind, calls that overlap in a
// first ring, a batch whose number of jobs looks like a handle, an entry whose exit never came.
LogBuilder busy_log() {
  LogBuilder log;
  log.genesis();
  TestClient first = log.attach(1);
  TestClient second = log.attach(1, [](ClientAttach& a) {
    a.pid = 77;
    a.executable = "/opt/other";
  });
  Ring& early = first.rings[0];
  Ring& one = first.rings[1];
  Ring& two = second.rings[1];
  const auto session = log.session_id(0x52), other = log.session_id(0x53);
  std::vector<Record> records = {early.record(0x10001), early.record(0x20003)};
  records.push_back(early.entry(EventId::kStatus));
  records.push_back(early.entry(EventId::kVersion));
  records.push_back(early.entry(EventId::kStatus));
  records.push_back(early.exit(EventId::kStatus, {}, 0, -10));
  records.push_back(early.exit(EventId::kVersion));
  records.push_back(early.exit(EventId::kStatus));
  records.push_back(one.entry(EventId::kSessionOpen));
  records.push_back(one.exit(EventId::kSessionOpen, session, 0x100000001));
  for (const int32_t rc : {0, -13, 1, 4}) {
    records.push_back(one.entry(EventId::kAeadSeal, session, 0x200000001, 64));
    records.push_back(one.exit(EventId::kAeadSeal, session, 0x200000001, rc));
    if (rc > 0) records.back().detail = exit_detail(64, Lane::kNone, static_cast<uint16_t>(rc));
  }
  records.push_back(two.entry(EventId::kHashBatch, other, 0x200000001));
  records.push_back(two.exit(EventId::kHashBatch, other, 0x200000001, -26));
  records.back().detail = exit_detail(64, Lane::kNone, 4);
  log.batch(records);
  records = {early.record(0x40000), early.record(0x30000), early.record(0x20004)};
  records[0].object = records[1].object = 0x200000001;
  records[2].return_code = static_cast<uint32_t>(-22);
  records.push_back(two.entry(EventId::kAeadSeal, other, 0x200000001, 64));
  log.batch(records);
  log.lost(second, {{records[3].ring_id, records[3].event_id, records[3].ring_seq, records[3].object}});
  log.detach(first);
  log.end();
  return log;
}

TEST(search, agrees_with_a_naive_filter_on_the_golden_log) { compare_with_naive(kRoot + "eventful"); }

TEST(search, agrees_with_a_naive_filter_on_a_busy_log) {
  const LogDirectory directory(busy_log().segments);
  compare_with_naive(directory.path());
}

TEST(search, every_condition_of_the_naive_filter_chooses_and_leaves_something) {
  const LogDirectory directory(busy_log().segments);
  const std::vector<Json> records = records_of("show --json " + directory.path());
  for (const Condition& c : all_conditions()) {
    const Numbers chosen = naive(records, {c});
    EXPECT_FALSE(chosen.empty()) << c.options;
    EXPECT_LT(chosen.size(), records.size()) << c.options;
  }
}

TEST(search, an_entry_is_printed_before_the_exit_it_belongs_to) {
  const LogDirectory directory(busy_log().segments);
  const std::vector<Json> failed = records_of("search --json " + directory.path() + " --result CM_ERR_AUTH");
  ASSERT_EQ(failed.size(), 2u);
  EXPECT_EQ(failed[0]["ring_seq"], 2);  // the older of two calls of status that were open
  EXPECT_EQ(failed[1]["ring_seq"], 5);
}

TEST(search, limit_and_count_are_of_matches) {
  const LogDirectory directory(busy_log().segments);
  const std::string search = "search " + directory.path() + " ";
  std::string text;
  EXPECT_EQ(run_audit(search + "--service aead-seal --result ok --count", &text), 0);
  EXPECT_EQ(text, "3\n");
  EXPECT_EQ(run_audit(search + "--service aead-seal --result ok --count --json", &text), 0);
  EXPECT_EQ(text, "{\"type\":\"count\",\"matches\":3}\n");
  EXPECT_EQ(records_of(search + "--json --service aead-seal --result ok --limit 2").size(), 4u);
  EXPECT_EQ(records_of(search + "--json --limit 3").size(), 3u);
}

TEST(search, prints_what_show_prints) {
  const LogDirectory directory(busy_log().segments);
  std::string shown, found;
  run_audit("show --ring 1 " + directory.path(), &shown);
  run_audit("search --ring 1 " + directory.path(), &found);
  EXPECT_FALSE(found.empty());
  EXPECT_EQ(found, shown);
}

TEST(search, says_that_nothing_was_found_and_that_it_proves_nothing) {
  std::string text;
  EXPECT_EQ(run_audit("search " + kRoot + "clean --object 1 2>&1", &text), 0);
  EXPECT_EQ(text,
            "cryptomod-audit: nothing found\n"
            "cryptomod-audit: searched, not verified; `cryptomod-audit verify` gives a verdict\n");
}

TEST(search, what_cannot_be_asked_is_refused_with_a_sentence) {
  const std::string search = "search " + kRoot + "clean ";
  for (const char* options : {"--service nothing",
                              "--service 0x80000200",
                              "--since yesterday",
                              "--until 2026-02-30",
                              "--session 5x",
                              "--session ''",
                              "--session 000000000000000000000000000000000",
                              "--process ''",
                              "--result fine",
                              "--result 99999999999",
                              "--result 0x-5",
                              "--indicator good",
                              "--indicator CM_OK",
                              "--indicator CM_ERR_AUTH",
                              "--object key",
                              "--object -1",
                              "--object 0x",
                              "--ring x",
                              "--ring 4294967296",
                              "--limit 0",
                              "--limit x",
                              "--since 2026-11-21 --since 2026-11-22"}) {
    std::string text;
    EXPECT_EQ(run_audit(search + options + " 2>&1", &text), 64) << options;
    EXPECT_GT(text.size(), 20u) << options;
  }
  std::string text;
  EXPECT_EQ(run_audit(search + "--service \"$(printf 'a\\033[2Jb')\" 2>&1", &text), 64);
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
}

TEST(search, damage_is_three_and_never_one) {
  LogBuilder log = busy_log();
  log.segments[0][log.segments[0].size() - 700] ^= 1;
  const LogDirectory damaged(log.segments);
  std::string text;
  EXPECT_EQ(run_audit("search " + damaged.path() + " --object 1 2>&1", &text), 3);
  EXPECT_NE(text.find("is damaged: "), std::string::npos) << text;
  const Bytes& whole = log.segments[0];
  const LogDirectory cut({Bytes(whole.begin(), whole.end() - 9)});
  EXPECT_EQ(run_audit("search " + cut.path() + " --object 1 2>&1", &text), 3);
  EXPECT_NE(text.find("!! stopped at 00000000.cmlog"), std::string::npos) << text;
  EXPECT_EQ(run_audit("search " + kRoot + "none"), 2);
  EXPECT_EQ(run_audit("search"), 64);
}

TEST(search, a_condition_of_the_table_has_one_option_each) {
  std::set<std::string> options;
  for (const verify::ConditionRow& row : verify::conditions()) EXPECT_TRUE(options.insert(row.option).second);
  EXPECT_EQ(options.size(), 9u);
}

}  // namespace
}  // namespace cm::audit::test
