// SPDX-License-Identifier: Apache-2.0
// show_test.cpp: what cryptomod-audit show prints of sound, damaged and cut logs, and the program itself with its exit
// codes.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "audit/verify/show.h"
#include "tests/audit/support/audit_program.h"
#include "tests/audit/support/golden_logs.h"

namespace cm::audit::test {
namespace {

namespace fs = std::filesystem;

struct Shown {
  int code = 0;
  std::string text;
};

Shown show(const std::vector<Bytes>& segments, verify::ShowOptions options = {}) {
  std::vector<std::span<const uint8_t>> spans(segments.begin(), segments.end());
  verify::MemorySource source(spans);
  options.lane = best_sha256_lane();
  Shown shown;
  const auto print = [&](std::string_view line) {
    shown.text += line;
    return true;
  };
  shown.code = verify::show_log(source, options, print).code;
  return shown;
}

size_t lines_with(const std::string& text, const std::string& part) {
  size_t n = 0;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) n += line.find(part) != std::string::npos ? 1 : 0;
  return n;
}

TEST(show, prints_a_line_a_record_and_a_line_a_frame) {
  const LogBuilder log = kGoldenLogs[0].build({});
  const Shown shown = show(log.segments);
  EXPECT_EQ(shown.code, 0);
  EXPECT_EQ(lines_with(shown.text, "== frame "), log.frames.size());
  EXPECT_EQ(lines_with(shown.text, " ring "), log.chain.records + 1) << shown.text;  // and the lost client's open call
  EXPECT_NE(
      shown.text.find("ring 1 seq 3 aead-seal exit CM_ERR_EXHAUSTED 16 bytes lane vaes512 session 51627384 object "
                      "0x200000001"),
      std::string::npos)
      << shown.text;
  EXPECT_NE(shown.text.find("ring 0 seq 0 self-test sha-256"), std::string::npos);
  EXPECT_NE(shown.text.find("== frame 8 client-lost"), std::string::npos);
}

TEST(show, says_how_many_jobs_a_batch_had_and_how_many_failed) {
  LogBuilder log;
  log.genesis();
  log.start(FrameType::kBoot);
  log.clock();
  TestClient client = log.attach();
  std::vector<Record> records;
  for (const EventId event :
       {EventId::kAeadSealBatch, EventId::kAeadOpenBatch, EventId::kCipherBatch, EventId::kMacBatch}) {
    records.push_back(client.rings[1].entry(event, log.session_id(0x51), 300));
    records.push_back(client.rings[1].exit(event, log.session_id(0x51), uint64_t{7} << 32 | 300, -26));  // CM_ERR_JOBS
  }
  // One of the jobs that succeeded was not approved (CM_NOT_APPROVED_ALGORITHM), behind 64 bytes of output.
  records.back().detail = exit_detail(64, Lane::kNone, 4);
  log.batch(records);
  const Shown shown = show(log.segments);
  EXPECT_EQ(lines_with(shown.text, " jobs 300"), 8u) << shown.text;
  EXPECT_EQ(lines_with(shown.text, " failed 7 with CM_NOT_APPROVED_ALGORITHM"), 1u) << shown.text;
  EXPECT_EQ(lines_with(shown.text, "CM_ERR_JOBS"), 4u);
  EXPECT_EQ(lines_with(shown.text, " jobs 300 failed 7"), 4u);
  EXPECT_EQ(lines_with(shown.text, " object "), 0u);
  verify::ShowOptions options;
  options.format = verify::Format::kJson;
  EXPECT_EQ(lines_with(show(log.segments, options).text, "\"jobs\":300,\"failed\":7"), 4u)
      << show(log.segments, options).text;
}

TEST(show, json_lines_parse_and_filters_choose) {
  const LogBuilder log = kGoldenLogs[0].build({});
  verify::ShowOptions options;
  options.format = verify::Format::kJson;
  std::istringstream in(show(log.segments, options).text);
  size_t frames = 0, records = 0;
  for (std::string line; std::getline(in, line);) {
    const auto json = nlohmann::json::parse(line);
    frames += json["type"] == "frame" ? 1 : 0;
    records += json["type"] == "record" ? 1 : 0;
  }
  EXPECT_EQ(frames, log.frames.size());
  EXPECT_EQ(records, log.chain.records);

  options.format = verify::Format::kText;
  options.filter.rings = {0};
  EXPECT_EQ(lines_with(show(log.segments, options).text, "#"), 2u);
  options.filter = {};
  options.filter.events = {*verify::events_by_name("aead-seal")};
  EXPECT_EQ(lines_with(show(log.segments, options).text, "#"), 2u);
  options.filter = {};
  options.filter.sessions = {"5162"};
  EXPECT_EQ(lines_with(show(log.segments, options).text, "#"), 4u);
  options = {};
  options.records = false;
  EXPECT_EQ(lines_with(show(log.segments, options).text, "#"), 0u);
  EXPECT_EQ(verify::events_by_name("0x10005")->first, 0x10005u);
  EXPECT_EQ(verify::events_by_name("0x10005")->last, 0x10005u);
  EXPECT_FALSE(verify::events_by_name("no such event").has_value());
}

TEST(show, goes_on_behind_damage_and_says_where_it_stops) {
  const LogBuilder log = kGoldenLogs[0].build({});
  std::vector<Bytes> segments = log.segments;
  segments[0][1500] ^= 1;
  const Shown damaged = show(segments);
  EXPECT_EQ(damaged.code, 3);
  EXPECT_EQ(lines_with(damaged.text, "== frame "), log.frames.size());
  EXPECT_EQ(lines_with(damaged.text, "!! damaged: "), 1u);
  segments = log.segments;
  segments[1].resize(segments[1].size() - 7);
  EXPECT_NE(show(segments).text.find("!! stopped at 00000001.cmlog offset "), std::string::npos);
}

TEST(show, text_from_clients_cannot_reach_the_terminal_raw) {
  LogBuilder log;
  log.genesis();
  log.attach(1, [](ClientAttach& a) { a.executable = "/bin/\x1b[2Jevil\n"; });
  const std::string text = show(log.segments).text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find("\\x1b[2Jevil\\x0a"), std::string::npos);
}

int run(const std::string& arguments, std::string* out = nullptr) { return run_audit(arguments, out); }

// A foreign file's name is its maker's; it must not write lines of the report or move the cursor.
TEST(program, names_of_foreign_files_cannot_forge_the_report) {
  std::string directory = (fs::temp_directory_path() / "cm-foreign-XXXXXX").string();
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  const std::string root = std::string(CM_SOURCE_DIR) + "/vectors/audit/";
  for (const auto& entry : fs::directory_iterator(root + "clean")) fs::copy(entry.path(), directory);
  std::ofstream(fs::path(directory) / "x\nverdict: verified (exit 0)\x1b[2A\"");
  std::string text;
  EXPECT_EQ(run("verify " + directory + " --enrolment " + root + "clean.enrolment.json", &text), 1);
  EXPECT_EQ(text.find("\nverdict"), std::string::npos) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
  EXPECT_NE(text.find("\"x\\x0averdict: verified (exit 0)\\x1b[2A\\\"\""), std::string::npos) << text;
  EXPECT_EQ(run("verify --json " + directory + " --enrolment " + root + "clean.enrolment.json", &text), 1);
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
  EXPECT_EQ(run("show " + directory + " 2>&1", &text), 0);
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
  fs::remove_all(directory);
}

TEST(program, exit_codes) {
  const std::string root = std::string(CM_SOURCE_DIR) + "/vectors/audit/";
  const std::string clean = root + "clean --enrolment " + root + "clean.enrolment.json";
  EXPECT_EQ(run("verify " + clean), 0);
  EXPECT_EQ(run("verify " + root + "clean"), 3);
  EXPECT_EQ(run("verify " + root + "eventful --enrolment " + root + "eventful.enrolment.json"), 3);
  EXPECT_EQ(run("verify " + root + "clean --enrolment " + root + "eventful.enrolment.json"), 1);
  EXPECT_EQ(run("verify " + clean + " --head " + std::string(64, '0')), 1);
  EXPECT_EQ(run("verify " + clean + " --head 00"), 64);
  EXPECT_EQ(run("verify " + clean + " --nv-value 43"), 0);
  EXPECT_EQ(run("verify " + clean + " --nv-value 44"), 1);
  EXPECT_EQ(run("verify " + clean + " --nv-value 42"), 1);
  for (const char* empty : {" '--head='", " --head ''", " '--nv-value='", " --nv-value ''"})
    EXPECT_EQ(run("verify " + clean + empty), 64) << empty;
  for (const char* no_number : {"x", "0x2b", "043", "-1", "+43", "43 ", "4.3", "18446744073709551616"})
    EXPECT_EQ(run("verify " + clean + " '--nv-value=" + no_number + "'"), 64) << no_number;
  EXPECT_EQ(run("verify " + root + "none"), 2);
  EXPECT_EQ(run("verify " + root + "clean --enrolment " + root + "none.json"), 2);
  EXPECT_EQ(run("verify " + root + "clean --ak " + root + "clean.enrolment.json"), 2);
  EXPECT_EQ(run("verify"), 64);
  EXPECT_EQ(run(""), 64);
  EXPECT_EQ(run("verify " + clean + " --ak x"), 64);
  EXPECT_EQ(run("--help"), 0);
  EXPECT_EQ(run("show " + root + "clean"), 0);
  EXPECT_EQ(run("show " + root + "none"), 2);
  EXPECT_EQ(run("show " + root + "clean --event nothing"), 64);
}

TEST(program, json_verdict_has_its_fields) {
  const std::string root = std::string(CM_SOURCE_DIR) + "/vectors/audit/";
  std::string text;
  EXPECT_EQ(run("verify --json " + root + "clean --enrolment " + root + "clean.enrolment.json", &text), 0);
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["verdict"], "verified");
  EXPECT_EQ(json["exit_code"], 0);
  EXPECT_EQ(json["proved_through_record"], 8);
  EXPECT_EQ(json["tail_records"], 0);
  EXPECT_EQ(json["nv_value"], 43);
  EXPECT_TRUE(json["nv_value_given"].is_null());
  EXPECT_EQ(json["tpm_time"]["reset_count"], 4);
  EXPECT_EQ(json["trust_root"], "enrolment");
  EXPECT_TRUE(json["findings"].is_array());
  EXPECT_FALSE(json["checked"].empty());
  EXPECT_FALSE(json["not_checked"].empty());
  EXPECT_EQ(json["counts"]["records"], 9);
}

TEST(program, keys_are_taken_as_structure_in_hexadecimal_and_as_pem) {
  const SoftTpm tpm(0x11);
  const fs::path file = fs::temp_directory_path() / ("cm-ak-" + std::to_string(getpid()));
  const Bytes binary = tpm.ak_public();
  const std::string forms[] = {std::string(binary.begin(), binary.end()), verify::hex_text(binary) + "\n",
                               tpm.ak_pem()};
  const std::string clean = std::string(CM_SOURCE_DIR) + "/vectors/audit/clean";
  for (const std::string& form : forms) {
    std::ofstream(file, std::ios::binary) << form;
    EXPECT_EQ(run("verify " + clean + " --ak " + file.string()), 3);
  }
  std::ofstream(file, std::ios::binary) << SoftTpm(0x22).ak_pem();
  EXPECT_EQ(run("verify " + clean + " --ak " + file.string()), 1);
  fs::remove(file);
}

}  // namespace
}  // namespace cm::audit::test
