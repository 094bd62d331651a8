// SPDX-License-Identifier: Apache-2.0
// writer_verdict_test.cpp: what the verifier says about logs of a real writer whose clients come, go and misbehave at
// the worst moments: never "tampered", because nobody touched the log.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "audit/verify/verifier.h"
#include "tests/audit/support/fake_client.h"
#include "tests/audit/support/log_reader.h"
#include "tests/audit/support/verdict.h"
#include "tests/audit/support/writer_process.h"
#include "tests/audit/writer/foreign_extend.h"

namespace cm::audit_test {
namespace {

using audit::EventId;
using audit::FrameType;
using audit::verify::FindingId;
using audit::verify::Report;

constexpr uint32_t kEntry = static_cast<uint32_t>(EventId::kAeadSeal);
constexpr uint32_t kExit = kEntry | audit::kExitBit;

void call(FakeClient& client, uint32_t ring) {
  ASSERT_TRUE(client.publish(ring, kEntry, 7));
  ASSERT_TRUE(client.publish(ring, kExit, 7));
  ASSERT_TRUE(client.wait_acked(ring));
}

template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 4000; ++i) {
    if (condition()) return true;
    pause_ms(5);
  }
  return false;
}

// end_waits: whether the writer has written its end frame, which waits for the stopped TPM.
bool end_waits(const WriterProcess& writer) {
  const std::string types = read_log(writer.log_dir()).types();
  return types.find('E') != std::string::npos;
}

TEST(WriterVerdict, client_that_leaves_while_the_end_frame_waits_for_its_anchor) {
  for (const bool bye : {true, false}) {
    const TempDir dir;
    WriterProcess writer(dir.path());
    ASSERT_EQ(writer.start(), "ready");
    FakeClient client(writer.run_dir());
    ASSERT_TRUE(client.attach());
    call(client, 1);
    ASSERT_TRUE(client.wait_extended(1));
    ASSERT_TRUE(eventually([&] { return read_log(writer.log_dir()).types().ends_with("Q"); }));
    ASSERT_TRUE(writer.signal_swtpm(SIGSTOP));
    kill(writer.pid(), SIGTERM);
    ASSERT_TRUE(eventually([&] { return end_waits(writer); }));
    if (bye)
      ASSERT_TRUE(client.send_bye(false));
    else
      client.disconnect();
    pause_ms(300);
    ASSERT_TRUE(writer.signal_swtpm(SIGCONT));
    ASSERT_EQ(writer.wait(20), 0);
    const Report r = verdict(writer);
    EXPECT_EQ(audit::verify::exit_code(r), 0) << to_text(r);
  }
}

TEST(WriterVerdict, writer_and_client_end_at_the_same_time) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  for (int round = 0; round < 25; ++round) {
    ASSERT_EQ(writer.start(), "ready");
    FakeClient client(writer.run_dir());
    ASSERT_TRUE(client.attach());
    call(client, 1);
    kill(writer.pid(), SIGTERM);
    std::this_thread::sleep_for(std::chrono::microseconds(500 * round));
    client.disconnect();
    ASSERT_EQ(writer.wait(20), 0);
  }
  const Report r = verdict(writer);
  EXPECT_EQ(audit::verify::exit_code(r), 0) << to_text(r);
}

// A record as an honest client's, but for what the test changes.
void put(FakeClient& client, uint32_t ring, uint32_t event_id, uint8_t session, uint32_t return_code = 0) {
  audit::Record record = client.make_record(ring, client.head(ring), event_id, 0);
  std::memset(record.session_id, session, sizeof record.session_id);
  record.return_code = return_code;
  client.put(ring, client.head(ring), record);
  client.set_head(ring, client.head(ring) + 1);
}

constexpr uint32_t kOpen = static_cast<uint32_t>(EventId::kSessionOpen);
constexpr uint32_t kClose = static_cast<uint32_t>(EventId::kSessionClose);

void open_session(FakeClient& client, uint32_t ring, uint8_t session) {
  put(client, ring, kOpen, 0);
  put(client, ring, kOpen | audit::kExitBit, session);
}

struct Breach {
  const char* name;
  uint32_t reason;
  void (*commit)(FakeClient&);
};

constexpr Breach kBreaches[] = {
    {"exit without an entry", audit::kBrokenCalls, [](FakeClient& c) { put(c, 2, kExit, 0); }},
    {"exit without an entry in the first ring", audit::kBrokenCalls, [](FakeClient& c) { put(c, 0, kExit, 0); }},
    {"entry while a call is open", audit::kBrokenCalls,
     [](FakeClient& c) {
       put(c, 2, kEntry, 0);
       put(c, 2, kEntry, 0);
     }},
    {"entry with a return code", audit::kBrokenCalls, [](FakeClient& c) { put(c, 2, kEntry, 0, 5); }},
    {"event in a thread's ring", audit::kBrokenCalls,
     [](FakeClient& c) { put(c, 2, static_cast<uint32_t>(EventId::kHealthReseed), 0); }},
    {"another client's session", audit::kBrokenSession, [](FakeClient& c) { put(c, 2, kEntry, 0x51); }},
    {"another client's session opened again", audit::kBrokenSession, [](FakeClient& c) { open_session(c, 2, 0x51); }},
    {"a session never opened", audit::kBrokenSession, [](FakeClient& c) { put(c, 2, kEntry, 0x77); }},
    {"exit with another session than the entry", audit::kBrokenCalls,
     [](FakeClient& c) {
       open_session(c, 1, 0x52);
       open_session(c, 1, 0x53);
       put(c, 2, kEntry, 0x52);
       put(c, 2, kExit, 0x53);
     }},
};

TEST(WriterVerdict, a_client_that_breaks_the_rules_is_cut_off_and_the_log_stays_intact) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  FakeClient good(writer.run_dir());
  ASSERT_TRUE(good.attach());
  open_session(good, 1, 0x51);
  ASSERT_TRUE(good.wait_acked(1));
  std::vector<uint32_t> reasons;
  for (const Breach& breach : kBreaches) {
    SCOPED_TRACE(breach.name);
    FakeClient bad(writer.run_dir());
    ASSERT_TRUE(bad.attach());
    breach.commit(bad);
    EXPECT_TRUE(bad.peer_closed());
    reasons.push_back(breach.reason);
    call(good, 2);
  }
  put(good, 3, kEntry, 0x51);
  put(good, 3, kExit, 0x51);
  ASSERT_TRUE(good.wait_acked(3));
  ASSERT_TRUE(good.detach(false));
  ASSERT_EQ(writer.terminate(), 0);
  const Report r = verdict(writer);
  EXPECT_EQ(audit::verify::exit_code(r), 3) << to_text(r);
  std::vector<uint32_t> found;
  for (const auto& broken : read_log(writer.log_dir()).payloads<audit::SealBroken>(FrameType::kSealBroken))
    found.push_back(broken.reason);
  EXPECT_EQ(found, reasons);
}

TEST(WriterVerdict, a_session_is_written_after_its_opening_whichever_ring_is_read_first) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  for (uint8_t session = 1; session <= 100; ++session) {
    open_session(client, 3, session);
    put(client, 1, kEntry, session);
    put(client, 1, kExit, session);
    put(client, 2, kClose, session);
    put(client, 2, kClose | audit::kExitBit, session);
  }
  ASSERT_TRUE(client.wait_acked(1));
  ASSERT_TRUE(client.wait_acked(2));
  writer.kill_now();
  ASSERT_EQ(writer.start(), "ready");
  ASSERT_TRUE(client.attach()) << client.refusal();
  put(client, 1, kEntry, 7);
  put(client, 1, kExit, 7);
  ASSERT_TRUE(client.wait_acked(1)) << "sessions are known to the next writer";
  ASSERT_TRUE(client.detach(false));
  ASSERT_EQ(writer.terminate(), 0);
  const Log log = read_log(writer.log_dir());
  EXPECT_EQ(log.fault, "");
  std::vector<bool> opened(256);
  for (const Frame& frame : log.frames)
    for (const audit::Record& record : frame.records) {
      if (record.event_id == (kOpen | audit::kExitBit)) opened[record.session_id[0]] = true;
      EXPECT_TRUE(record.session_id[0] == 0 || opened[record.session_id[0]]);
    }
  const Report r = verdict(writer);
  EXPECT_EQ(audit::verify::exit_code(r), 0) << to_text(r);
}

TEST(WriterVerdict, open_calls_of_the_first_ring_are_known_to_the_next_writer) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  constexpr uint32_t kStatus = static_cast<uint32_t>(EventId::kStatus), kVersion = kStatus + 1;
  put(client, 0, kStatus, 0);
  put(client, 0, kVersion, 0);
  put(client, 0, kStatus, 0);
  ASSERT_TRUE(client.wait_acked(0));
  writer.kill_now();
  ASSERT_EQ(writer.start(), "ready");
  ASSERT_TRUE(client.attach()) << client.refusal();
  put(client, 0, kStatus | audit::kExitBit, 0);
  put(client, 0, kVersion | audit::kExitBit, 0);
  ASSERT_TRUE(client.wait_acked(0));
  client.disconnect();
  pause_ms(300);
  ASSERT_EQ(writer.terminate(), 0);
  const auto lost = read_log(writer.log_dir()).payloads<audit::ClientLost>(FrameType::kClientLost);
  ASSERT_EQ(lost.size(), 1u);
  ASSERT_EQ(lost[0].open_entries.size(), 1u);
  EXPECT_EQ(lost[0].open_entries[0].ring_seq, 2u);
  const Report r = verdict(writer);
  EXPECT_EQ(audit::verify::exit_code(r), 0) << to_text(r);
}

// cut_before: cuts the log's only segment before the first frame of this type.
bool cut_before(const WriterProcess& writer, FrameType type) {
  uint64_t at = 0;
  for (const Frame& frame : read_log(writer.log_dir()).frames) {
    if (frame.type() == type) {
      std::filesystem::resize_file(writer.log_dir() + "/00000000.cmlog", at);
      return true;
    }
    at += audit::frame_size(frame.header.var_size, frame.header.record_count);
  }
  return false;
}

TEST(WriterVerdict, a_client_that_was_cut_off_does_not_come_back_through_a_death_of_the_writer) {
  const TempDir dir;
  WriterProcess writer(dir.path(), {"--anchor-interval-ms", "3600000"});
  ASSERT_EQ(writer.start(), "ready");
  ASSERT_TRUE(writer.signal_swtpm(SIGSTOP)) << "so that the TPM has seen none of the frames that are cut off below";
  FakeClient bad(writer.run_dir());
  ASSERT_TRUE(bad.attach());
  put(bad, 2, kExit, 0);
  ASSERT_TRUE(bad.peer_closed());
  ASSERT_TRUE(eventually([&] { return read_log(writer.log_dir()).types().find('L') != std::string::npos; }));
  writer.kill_now();
  ASSERT_TRUE(cut_before(writer, FrameType::kClientLost)) << "as if the writer had died between the two frames";
  ASSERT_TRUE(writer.signal_swtpm(SIGCONT));
  ASSERT_EQ(writer.start(), "ready");
  EXPECT_FALSE(bad.attach());
  pause_ms(300);
  ASSERT_EQ(writer.terminate(), 0);
  const Log log = read_log(writer.log_dir());
  const auto lost = log.payloads<audit::ClientLost>(FrameType::kClientLost);
  ASSERT_EQ(lost.size(), 1u);
  EXPECT_EQ(lost[0].reason, 2u);
  const Report r = verdict(writer);
  EXPECT_EQ(audit::verify::exit_code(r), 3) << to_text(r);
}

TEST(WriterVerdict, foreign_extend_and_a_death_before_the_next_anchor_is_no_gap_of_the_counter) {
  const TempDir dir;
  WriterProcess writer(dir.path(), {"--anchor-interval-ms", "3000"});
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  ASSERT_TRUE(eventually([&] { return read_log(writer.log_dir()).types().find('Q') != std::string::npos; }));
  call(client, 1);
  ASSERT_TRUE(client.wait_extended(1));
  ASSERT_EQ(foreign_extend(writer), "");
  ASSERT_TRUE(eventually([&] { return read_log(writer.log_dir()).types().find('U') != std::string::npos; }));
  writer.kill_now();
  client.disconnect();
  ASSERT_EQ(writer.start(), "ready");
  ASSERT_EQ(writer.terminate(), 0);
  const Report r = verdict(writer);
  EXPECT_EQ(audit::verify::exit_code(r), 3) << to_text(r);
}

TEST(WriterVerdict, foreign_extend_behind_the_end_frame_and_a_death_right_after_it_was_recorded) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  ASSERT_TRUE(eventually([&] { return read_log(writer.log_dir()).types().ends_with("Q"); }));
  ASSERT_TRUE(writer.signal_swtpm(SIGSTOP));
  kill(writer.pid(), SIGTERM);
  ASSERT_TRUE(eventually([&] { return end_waits(writer); }));
  writer.kill_now();
  ASSERT_TRUE(writer.signal_swtpm(SIGCONT));
  ASSERT_EQ(foreign_extend(writer), "");
  ASSERT_EQ(writer.start(), "ready");
  writer.kill_now();
  ASSERT_TRUE(cut_before(writer, FrameType::kBoot));
  ASSERT_EQ(writer.start(), "ready");
  ASSERT_EQ(writer.terminate(), 0);
  const Report r = verdict(writer);
  EXPECT_TRUE(r.has(FindingId::kUnexplainedExtend)) << to_text(r);
  EXPECT_FALSE(r.has(FindingId::kFrameOrder)) << to_text(r);
}

}  // namespace
}  // namespace cm::audit_test
