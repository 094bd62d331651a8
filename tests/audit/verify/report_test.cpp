// SPDX-License-Identifier: Apache-2.0
// report_test.cpp: cryptomod-audit report: what the page counts is what the test counts in the frames, what a client
// chose is never markup, the page is well formed, needs nothing else and comes out the same each time, and its file is
// there as a whole or not at all.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "audit/verify/html_report.h"
#include "audit/verify/new_file.h"
#include "audit/verify/record_filter.h"
#include "tests/audit/support/audit_program.h"
#include "tests/audit/support/golden_logs.h"

namespace cm::audit::test {
namespace {

using verify::Latencies;
using verify::LogStatistics;
using verify::Statistics;
using verify::Timeline;

const std::string kRoot = std::string(CM_SOURCE_DIR) + "/vectors/audit/";
constexpr uint32_t kSelfTest = 0x10001;

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

struct Judged {
  Report report;
  Statistics statistics;
  std::string page;
};

Judged judged(const std::vector<Bytes>& segments, const verify::Trust& trust = {}) {
  Judged out;
  const std::vector<std::span<const uint8_t>> spans(segments.begin(), segments.end());
  verify::MemorySource source(spans);
  LogStatistics statistics;
  verify::Options options;
  options.lane = best_sha256_lane();
  options.trust = trust;
  options.observer = &statistics;
  verify::verify_log(source, options, out.report);
  out.statistics = statistics.conclude();
  out.page = verify::html_report(out.report, out.statistics);
  return out;
}

// tag_at: the tag that begins here, without its brackets; quotes may hold a bracket.
std::string tag_at(const std::string& page, size_t at) {
  char quote = 0;
  for (size_t i = at + 1; i < page.size(); ++i) {
    if (quote != 0)
      quote = page[i] == quote ? 0 : quote;
    else if (page[i] == '"' || page[i] == '\'')
      quote = page[i];
    else if (page[i] == '>')
      return page.substr(at + 1, i - at - 1);
  }
  return "";
}

// unbalanced: what is wrong with the tags of a page, empty when nothing is.
std::string unbalanced(const std::string& page) {
  std::vector<std::string> open;
  for (size_t at = page.find('<'); at != std::string::npos; at = page.find('<', at + 1)) {
    const std::string tag = tag_at(page, at);
    if (tag.empty()) return "a tag without an end at byte " + std::to_string(at);
    if (tag[0] == '!' || tag.starts_with("meta ") || tag.ends_with("/")) continue;
    if (tag[0] != '/') {
      open.push_back(tag.substr(0, tag.find(' ')));
    } else if (open.empty() || open.back() != tag.substr(1)) {
      return tag + " closes " + (open.empty() ? "nothing" : open.back());
    } else {
      open.pop_back();
    }
  }
  return open.empty() ? "" : open.back() + " is never closed";
}

void expect_sound_page(const std::string& page) {
  EXPECT_EQ(unbalanced(page), "");
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>\n"));
  EXPECT_NE(page.find("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
                      "'unsafe-inline'\">"),
            std::string::npos);
  for (const char* word : {"<script", "http:", "https:", "://", "javascript", "url(", "@import", "<link", "<img",
                           " onload=", "PASS", "validated"})
    EXPECT_EQ(page.find(word), std::string::npos) << word;
  EXPECT_EQ(count_of(page, "<svg "), count_of(page, "<desc "));
  EXPECT_EQ(count_of(page, "<table>"), count_of(page, "<caption>"));
  EXPECT_TRUE(std::all_of(page.begin(), page.end(), [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
}

// Expected: counted here, from the records that the test itself put into the log.
struct Expected {
  uint64_t records = 0, pairs = 0, self_tests = 0;
  std::map<uint32_t, uint64_t> entries, exits, failed, approved;
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> reasons;
};

Expected expected_of(const LogBuilder& log) {
  Expected out;
  for (const TestFrame& f : log.frames)
    for (const Record& r : f.records) {
      const uint32_t id = r.event_id & 0x7fffffff;
      ++out.records;
      if (id >= 0x10000) {
        out.self_tests += id < 0x20000 ? 1 : 0;
        continue;
      }
      if (id == r.event_id) {
        ++out.entries[id];
        continue;
      }
      ++out.exits[id];
      ++out.pairs;
      const auto rc = static_cast<int32_t>(r.return_code);
      const auto reason = static_cast<uint32_t>(r.detail >> 48);
      if (rc < 0) ++out.failed[id];
      if (rc >= 0 && reason == 0) ++out.approved[id];
      if (reason != 0) ++out.reasons[{id, reason}];
    }
  return out;
}

template <class Count>
std::map<uint32_t, uint64_t> by_service(const Statistics& s, Count count) {
  std::map<uint32_t, uint64_t> out;
  for (const auto& [id, service] : s.services)
    if (const uint64_t n = count(service); n != 0) out[id] = n;
  return out;
}

void expect_counts(const Statistics& s, const Expected& e) {
  using Service = verify::ServiceStatistics;
  EXPECT_EQ(s.records, e.records);
  EXPECT_EQ(by_service(s, [](const Service& x) { return x.entries; }), e.entries);
  EXPECT_EQ(by_service(s, [](const Service& x) { return x.exits; }), e.exits);
  EXPECT_EQ(by_service(s, [](const Service& x) { return x.failed; }), e.failed);
  EXPECT_EQ(by_service(s, [](const Service& x) { return x.approved; }), e.approved);
  EXPECT_EQ(s.reasons.rows, e.reasons);
  uint64_t runs = 0;
  for (const auto& [id, test] : s.self_tests) runs += test.runs;
  EXPECT_EQ(runs, e.self_tests);
  // Every pair is in the histograms once, in all and by service.
  const auto& all = s.latencies.buckets();
  EXPECT_EQ(std::accumulate(all.begin(), all.end(), s.latencies.backwards()), e.pairs);
  EXPECT_EQ(s.latencies.pairs(), e.pairs);
  EXPECT_EQ(by_service(s, [](const Service& x) { return x.latencies.pairs(); }), e.exits);
  uint64_t in_buckets = 0;
  for (const Timeline::Bucket& b : s.timeline.buckets()) in_buckets += b.records;
  EXPECT_EQ(in_buckets, e.records);
}

// busy_log: two clients, calls that fail, calls that are not approved, one that is left open, over an hour.
LogBuilder busy_log() {
  PlainLog plain = open_log();
  LogBuilder& log = plain.log;
  TestClient other = log.attach(2);
  constexpr EventId kEvents[] = {EventId::kHashCompute, EventId::kStatus, EventId::kRandomBytes};
  for (uint32_t i = 0; i < 90; ++i) {
    TestClient& client = i % 3 == 0 ? plain.client : other;
    std::vector<Record> call = client.rings[1].call(kEvents[i % 3]);
    call[1].time_ns += uint64_t{1} << (i % 30);
    if (i % 7 == 0) call[1].return_code = static_cast<uint32_t>(-13);
    if (i % 5 == 0) call[1].detail = exit_detail(16, Lane::kPortable, static_cast<uint16_t>(1 + i % 4));
    if (i % 11 == 0) call[1].time_ns = call[0].time_ns - 1;
    log.batch(call);
    *log.now_ns += 40'000'000'000;
    if (i % 10 == 0) log.anchor();
  }
  log.batch({other.rings[2].entry(EventId::kMacCompute, {}, 0x77)});
  log.batch({other.rings[0].record(kSelfTest)});
  log.anchor();
  return plain.log;
}

TEST(report, of_every_golden_log_has_its_verdict_and_counts) {
  LogDirectory out;
  for (const GoldenLog& golden : kGoldenLogs) {
    const std::string arguments = kRoot + golden.name + " --enrolment " + kRoot + golden.name + ".enrolment.json";
    const std::string file = out.path() + "/report.html";
    std::string text, page;
    const int verdict = run_audit("verify " + arguments + " --json", &text);
    EXPECT_EQ(run_audit("report " + arguments + " --html " + file), verdict) << golden.name;
    EXPECT_EQ(run_audit("report " + arguments + " --html -", &page), verdict) << golden.name;
    EXPECT_EQ(page, content_of(file)) << "the second run gives other bytes";
    expect_sound_page(page);
    const auto json = nlohmann::json::parse(text);
    EXPECT_NE(page.find(json["statement"].get<std::string>()), std::string::npos) << golden.name;
    for (const char* list : {"checked", "not_checked"})
      for (const auto& line : json[list])
        EXPECT_NE(page.find("<li>" + line.get<std::string>() + "</li>"), std::string::npos) << line;
    for (const auto& finding : json["findings"])
      EXPECT_NE(page.find("<th scope=\"row\">" + finding["id"].get<std::string>() + "</th>"), std::string::npos);
    const LogBuilder log = golden.build({});
    expect_counts(judged(log.segments, trust_of(log)).statistics, expected_of(log));
  }
}

TEST(report, counts_what_is_in_the_records) {
  const LogBuilder log = busy_log();
  const Judged j = judged(log.segments, trust_of(log));
  ASSERT_EQ(j.report.fatal, 0u) << ids(j.report);
  const Expected expected = expected_of(log);
  ASSERT_GT(expected.pairs, 90u);
  ASSERT_GE(expected.reasons.size(), 9u);
  expect_counts(j.statistics, expected);
  expect_sound_page(j.page);
  EXPECT_GT(j.statistics.latencies.backwards(), 0u);
  ASSERT_EQ(j.statistics.unfinished.rows.size(), 1u);
  EXPECT_EQ(j.statistics.unfinished.rows[0].row.record.object, 0x77u);
  EXPECT_EQ(j.statistics.clients.size(), 2u);
  EXPECT_EQ(j.statistics.clients[0].records + j.statistics.clients[1].records, expected.records);
  EXPECT_EQ(j.statistics.anchors.count, j.report.counts.anchors);
  for (const auto& [key, count] : expected.reasons)
    EXPECT_NE(j.page.find("</td><td class=\"n\">" + std::to_string(count) + "</td></tr>"), std::string::npos);
}

TEST(report, is_about_the_frames_in_front_of_a_change_and_says_so) {
  const LogBuilder log = busy_log();
  size_t batches = 0, records = 0, frame = 0;
  for (; batches < 20; ++frame)
    if (log.frames[frame].type == FrameType::kBatch) {
      records += log.frames[frame].records.size();
      ++batches;
    }
  std::vector<Bytes> segments = log.segments;
  // The first byte of the next frame that is not a header's: its head is in the chain.
  uint64_t at = 0;
  for (size_t i = 0; i < frame; ++i)
    at += frame_size(static_cast<uint32_t>(log.frames[i].var.size()),
                     static_cast<uint32_t>(log.frames[i].records.size()));
  segments[0][at + sizeof(FrameHeader)] ^= 1;
  const Judged j = judged(segments, trust_of(log));
  EXPECT_EQ(verify::exit_code(j.report), 1);
  EXPECT_EQ(j.statistics.frames, frame);
  EXPECT_EQ(j.statistics.records, records);
  EXPECT_NE(j.page.find("Verdict: tampered (exit code 1)"), std::string::npos);
  EXPECT_NE(j.page.find("The log was not read to its end."), std::string::npos);
  expect_sound_page(j.page);
  EXPECT_EQ(judged(log.segments).page.find("The log was not read to its end."), std::string::npos);
}

TEST(report, takes_no_text_of_a_client_for_markup) {
  LogBuilder log;
  log.genesis([](Genesis& g) { g.writer_version = "</style><script>1</script>\n\\"; });
  for (const char* executable : {"<script>alert(1)</script>", "\"><img src=x onload=y>", "a&amp;b'c",
                                 "line\nline\x1b[2J", "</td></table>", "<!--", "h\xc3\xa9"}) {
    TestClient client = log.attach(1, [&](ClientAttach& a) { a.executable = a.module_version = executable; });
    log.batch({client.rings[1].entry(EventId::kStatus)});
  }
  const Judged j = judged(log.segments);
  ASSERT_EQ(j.report.fatal, 0u) << ids(j.report);
  EXPECT_EQ(unbalanced(j.page), "");
  for (const char* raw : {"<script", "<img", "a&amp;b", "'c", "<!--", "\x1b", "\xc3"})
    EXPECT_EQ(j.page.find(raw), std::string::npos) << raw;
  // Once, not twice: as show prints it.
  EXPECT_EQ(count_of(j.page, "writer &quot;&lt;/style&gt;&lt;script&gt;1&lt;/script&gt;\\x0a\\\\&quot; uid"), 1u);
  EXPECT_NE(j.page.find("as \\xNN and \\\\."), std::string::npos);
  for (const char* escaped : {"&lt;script&gt;alert(1)&lt;/script&gt;", "&quot;&gt;&lt;img src=x onload=y&gt;",
                              "a&amp;amp;b&#39;c", "line\\x0aline\\x1b[2J", "&lt;!--", "h\\xc3\\xa9"})
    EXPECT_EQ(count_of(j.page, escaped), 3u) << escaped;  // client, its module, its open call
}

TEST(report, keeps_a_bounded_number_of_rows_and_counts_the_others) {
  LogBuilder log;
  log.genesis();
  constexpr uint64_t kClients = verify::kListedClients + 50;
  for (uint64_t i = 0; i < kClients; ++i) {
    TestClient client = log.attach(1, [&](ClientAttach& a) {
      a.client_id = {};
      a.client_id[0] = static_cast<uint8_t>(i);
      a.client_id[1] = static_cast<uint8_t>(i >> 8);
      a.executable.assign(2000, 'x');
    });
    log.batch({client.rings[0].record(kSelfTest), client.rings[0].record(0x20003)});
    log.batch({client.rings[1].entry(EventId::kStatus)});
    log.lost(client, {{client.rings[1].id(), static_cast<uint32_t>(EventId::kStatus), 0, 0}});
  }
  const Judged j = judged(log.segments);
  ASSERT_EQ(j.report.fatal, 0u) << ids(j.report);
  const Statistics& s = j.statistics;
  EXPECT_EQ(s.clients.size(), verify::kListedClients);
  EXPECT_EQ(s.other_clients, 50u);
  EXPECT_EQ(s.other_clients_records, 150u);
  EXPECT_EQ(s.unfinished.rows.size() + s.unfinished.others, kClients);
  EXPECT_EQ(s.states.rows.size() + s.states.others, kClients);
  EXPECT_EQ(s.unfinished.rows.size(), verify::kListedRows);
  EXPECT_NE(j.page.find("50 more clients, with 150 records"), std::string::npos);
  EXPECT_EQ(count_of(j.page, std::string(verify::kListedTextSize + 1, 'x')), 0u);
  expect_sound_page(j.page);
}

TEST(report, says_when_it_gave_up_waiting_for_exits) {
  LogBuilder log;
  log.genesis();
  constexpr size_t kClients = verify::kKeptEntries / kMaxOpenCalls + 1;
  for (size_t i = 0; i < kClients; ++i) {
    TestClient client = log.attach(0);
    std::vector<Record> entries;
    for (size_t n = 0; n < kMaxOpenCalls; ++n) entries.push_back(client.rings[0].entry(EventId::kStatus));
    log.batch(entries);
  }
  const Judged j = judged(log.segments);
  ASSERT_EQ(j.report.fatal, 0u) << ids(j.report);
  const Statistics& s = j.statistics;
  EXPECT_EQ(s.given_up + s.unfinished.rows.size() + s.unfinished.others, kClients * kMaxOpenCalls);
  EXPECT_GE(s.given_up, kMaxOpenCalls);
  EXPECT_NE(j.page.find("of " + std::to_string(s.given_up) + " entries it is not known"), std::string::npos);
}

TEST(report, writes_its_file_as_a_whole_or_not_at_all) {
  namespace fs = std::filesystem;
  LogDirectory place, log({busy_log().segments});
  const std::string file = place.path() + "/report.html", arguments = "report " + log.path() + " --html ";
  std::ofstream(file) << "before";
  std::string trouble;
  EXPECT_EQ(run_audit(arguments + file), 3);
  EXPECT_EQ(content_of(file).substr(0, 15), "<!DOCTYPE html>");
  EXPECT_EQ(run_audit(arguments + place.path() + "/none/report.html 2>&1", &trouble), 2);
  EXPECT_NE(trouble.find("cannot write"), std::string::npos) << trouble;
  EXPECT_EQ(run_audit(arguments + place.path() + " 2>&1", &trouble), 2);
  EXPECT_NE(trouble.find("is no regular file"), std::string::npos) << trouble;
  EXPECT_EQ(run_audit(arguments + log.path() + "/report.html 2>&1", &trouble), 64);
  EXPECT_NE(trouble.find("log directory"), std::string::npos) << trouble;
  EXPECT_EQ(run_audit(arguments + "''"), 64);
  EXPECT_EQ(run_audit("report " + log.path()), 64);
  EXPECT_EQ(run_audit(arguments + "- > /dev/full"), 2);
  EXPECT_EQ(std::distance(fs::directory_iterator(place.path()), fs::directory_iterator()), 1);
  EXPECT_EQ(run_audit("verify " + log.path()), 3) << "something was left in the log directory";
}

TEST(report, leaves_nothing_of_a_file_that_was_not_finished) {
  namespace fs = std::filesystem;
  LogDirectory place;
  const std::string file = place.path() + "/report.html";
  std::ofstream(file) << "before";
  {
    verify::NewFile unfinished(file);
    ASSERT_TRUE(unfinished.open() && unfinished.write("after")) << unfinished.error();
    EXPECT_EQ(content_of(file), "before");
    EXPECT_EQ(std::distance(fs::directory_iterator(place.path()), fs::directory_iterator()), 2);
  }
  EXPECT_EQ(content_of(file), "before");
  EXPECT_EQ(std::distance(fs::directory_iterator(place.path()), fs::directory_iterator()), 1);
}

TEST(report, of_a_log_that_cannot_be_judged_is_a_page_too) {
  std::string page;
  LogDirectory empty;
  EXPECT_EQ(run_audit("report " + empty.path() + " --html -", &page), 2);
  expect_sound_page(page);
  EXPECT_NE(page.find("Verdict: undecided (exit code 2)"), std::string::npos);
  EXPECT_EQ(run_audit("report " + kRoot + "clean --enrolment " + empty.path() + "/none --html -", &page), 2);
  expect_sound_page(page);
}

TEST(timeline, keeps_every_count_when_its_buckets_widen) {
  Timeline t;
  uint64_t at = 1'000'000'000;
  for (int i = 0; i < 5000; ++i, at += uint64_t{1} << (i % 40)) ++t.at(at).records;
  ++t.at(5).records;
  ++t.at(UINT64_MAX).records;
  uint64_t sum = 0;
  for (const Timeline::Bucket& b : t.buckets()) sum += b.records;
  EXPECT_EQ(sum, 5002u);
  EXPECT_EQ(t.before_origin(), 1u);
  EXPECT_EQ(t.origin_ns(), 1'000'000'000u);
  EXPECT_GT(t.used(), Timeline::kBuckets / 2 - 1);
  EXPECT_LE(t.used(), Timeline::kBuckets);
  EXPECT_EQ(t.buckets()[t.used() - 1].records, 1u);
}

TEST(latencies, are_in_the_bucket_of_their_power_of_two) {
  Latencies l;
  EXPECT_EQ(l.within(500), 0u);
  for (const uint64_t ns : {0u, 1u, 2u, 3u, 4u, 1000u}) l.add(50, 50 + ns);
  l.add(50, 49);
  l.add(0, UINT64_MAX);
  EXPECT_EQ(l.pairs(), 8u);
  EXPECT_EQ(l.backwards(), 1u);
  EXPECT_EQ(l.buckets()[0], 1u);
  EXPECT_EQ(l.buckets()[1], 1u);
  EXPECT_EQ(l.buckets()[2], 2u);
  EXPECT_EQ(l.buckets()[3], 1u);
  EXPECT_EQ(l.buckets()[10], 1u);
  EXPECT_EQ(l.buckets()[64], 1u);
  EXPECT_EQ(l.within(500), 4u);  // four of seven are below 4 ns
  EXPECT_EQ(l.within(1000), UINT64_MAX);
}

}  // namespace
}  // namespace cm::audit::test
