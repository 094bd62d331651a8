// SPDX-License-Identifier: Apache-2.0
// writer_life_test.cpp: a writer's life with well-behaved clients: genesis, attach, records, detach, end, start again.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "audit/text.h"
#include "tests/audit/support/fake_client.h"
#include "tests/audit/support/log_reader.h"
#include "tests/audit/support/writer_process.h"

namespace cm::audit_test {
namespace {

using audit::EventId;
using audit::FrameType;

constexpr uint32_t kEntry = static_cast<uint32_t>(EventId::kAeadSeal);
constexpr uint32_t kExit = kEntry | audit::kExitBit;

TEST(WriterLife, hundred_thousand_records_of_several_rings_are_all_in_the_ended_log) {
  const TempDir dir;
  WriterProcess writer(dir.path(), {"--private", "--anchor-interval-ms", "50"});
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir(), {4, 4096});
  ASSERT_TRUE(client.attach());
  constexpr uint64_t kPerRing = 25000;
  std::vector<std::thread> threads;
  for (uint32_t ring = 0; ring < 4; ++ring)
    threads.emplace_back([&, ring] {
      for (uint64_t i = 0; i < kPerRing; ++i) ASSERT_TRUE(client.publish(ring, i % 2 == 0 ? kEntry : kExit, i));
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(client.wait_acked(0));
  EXPECT_TRUE(client.wait_extended(1));
  ASSERT_TRUE(client.detach(true));

  const Log log = read_log(writer.log_dir());
  EXPECT_EQ(log.fault, "");
  ASSERT_EQ(log.rings.size(), 4u);
  for (const auto& [ring, records] : log.rings) {
    ASSERT_EQ(records.size(), kPerRing);
    for (uint64_t i = 0; i < kPerRing; ++i) ASSERT_EQ(records[i].object, i);
  }
  EXPECT_EQ(log.types().substr(0, 2), "GC");
  EXPECT_TRUE(log.types().ends_with("EQ")) << "an anchor covers the end frame";
  const auto anchors = log.payloads<audit::Anchor>(FrameType::kAnchor);
  EXPECT_EQ(log.frames[anchors.back().anchored_seq].type(), FrameType::kEnd);
  EXPECT_EQ(writer.wait(5), 0);
  EXPECT_EQ(access((writer.run_dir() + "/swtpm.sock").c_str(), F_OK), -1) << "the writer's own TPM ends with it";
}

TEST(WriterLife, enrolment_record_says_what_the_genesis_frame_says) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  ASSERT_EQ(writer.terminate(), 0);
  const Log log = read_log(writer.log_dir());
  ASSERT_EQ(log.fault, "");
  const auto genesis = log.payloads<audit::Genesis>(FrameType::kGenesis).at(0);
  std::ifstream in(writer.trust_dir() + "/enrolment.json");
  const nlohmann::json record = nlohmann::json::parse(in);
  EXPECT_EQ(record["version"], 1);
  EXPECT_EQ(record["log_id"], audit::hex_text(log.frames[0].header.log_id));
  EXPECT_EQ(record["genesis_head"], audit::hex_text(log.frames[0].head));
  EXPECT_EQ(record["ak_public"], audit::hex_text(genesis.ak_public));
  EXPECT_EQ(record["nv_index"], genesis.nv_index);
  EXPECT_EQ(record["nv_name"], audit::hex_text(genesis.nv_name));
  EXPECT_EQ(record["nv_start"], genesis.nv_start);
  EXPECT_EQ(record["reset_count"], genesis.tpm.reset_count);
  EXPECT_EQ(record["restart_count"], genesis.tpm.restart_count);
  EXPECT_EQ(record["clock_ms"], genesis.tpm.clock_ms);
  EXPECT_EQ(record["pcr_index"], 14);
  EXPECT_EQ(record["tpm_kind"], "software");
  struct stat info;
  ASSERT_EQ(stat((writer.trust_dir() + "/enrolment.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0644u);
  EXPECT_TRUE(log.types() == "GCEQ" || log.types() == "GCQEQ") << log.types();
  EXPECT_EQ(log.payloads<audit::End>(FrameType::kEnd).at(0).reason, 2u);
}

TEST(WriterLife, records_what_the_kernel_says_about_a_client) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  EXPECT_EQ(client.welcome()->tpm_kind, 1u);
  EXPECT_EQ(client.welcome()->writer_pid, static_cast<uint32_t>(writer.pid()));
  ASSERT_TRUE(client.detach(false));
  ASSERT_EQ(writer.terminate(), 0);
  const Log log = read_log(writer.log_dir());
  const auto attach = log.payloads<audit::ClientAttach>(FrameType::kClientAttach).at(0);
  EXPECT_EQ(attach.pid, static_cast<uint32_t>(getpid()));
  EXPECT_EQ(attach.uid, getuid());
  EXPECT_NE(attach.start_time, 0u);
  EXPECT_NE(attach.executable_digest, audit::Digest{});
  EXPECT_TRUE(attach.executable.ends_with("writer_tests")) << attach.executable;
  EXPECT_EQ(attach.module_version, "test");
  EXPECT_EQ(attach.ring_count, 4u);
  EXPECT_EQ(attach.reattached, 0);
}

TEST(WriterLife, second_writer_on_the_same_run_directory_says_served) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  WriterProcess second(dir.path());
  EXPECT_EQ(second.start(), "served");
  EXPECT_EQ(second.wait(5), 0);
  FakeClient client(writer.run_dir());
  EXPECT_TRUE(client.attach());
}

TEST(WriterLife, log_goes_on_after_an_orderly_end_with_new_ring_numbers) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(writer.start(), "ready");
    FakeClient client(writer.run_dir());
    ASSERT_TRUE(client.attach());
    EXPECT_EQ(client.welcome()->first_ring_id, 4u * static_cast<uint32_t>(round));
    ASSERT_TRUE(client.publish(1, kEntry, 7));
    ASSERT_TRUE(client.publish(1, kExit, 7));
    ASSERT_TRUE(client.detach(false));
    ASSERT_EQ(writer.terminate(), 0);
  }
  const Log log = read_log(writer.log_dir());
  EXPECT_EQ(log.fault, "");
  EXPECT_EQ(log.of_type(FrameType::kBoot).size(), 2u);
  EXPECT_EQ(log.of_type(FrameType::kEnd).size(), 3u);
  EXPECT_EQ(log.of_type(FrameType::kRecovery).size(), 0u);
  EXPECT_EQ(log.of_type(FrameType::kUnexplainedExtend).size(), 0u);
}

TEST(WriterLife, segments_rotate_and_the_log_goes_on_in_the_last) {
  const TempDir dir;
  WriterProcess writer(dir.path(), {"--segment-size", "65536"});
  for (int round = 0; round < 2; ++round) {
    ASSERT_EQ(writer.start(), "ready");
    FakeClient client(writer.run_dir(), {1, 256});
    ASSERT_TRUE(client.attach());
    for (uint64_t i = 0; i < 5000; ++i) ASSERT_TRUE(client.publish(0, i % 2 == 0 ? kEntry : kExit, i));
    ASSERT_TRUE(client.detach(false));
    ASSERT_EQ(writer.terminate(), 0);
  }
  EXPECT_EQ(access((writer.log_dir() + "/00000009.cmlog").c_str(), F_OK), 0);
  const Log log = read_log(writer.log_dir());
  EXPECT_EQ(log.fault, "");
  for (const auto& [ring, records] : log.rings) EXPECT_EQ(records.size(), 5000u);
}

TEST(WriterLife, private_writer_ends_when_its_clients_are_gone) {
  const TempDir dir;
  WriterProcess writer(dir.path(), {"--private"});
  ASSERT_EQ(writer.start(), "ready");
  {
    FakeClient client(writer.run_dir());
    ASSERT_TRUE(client.attach());
    ASSERT_TRUE(client.detach(false));
  }
  EXPECT_EQ(writer.wait(9), 0);
  EXPECT_TRUE(read_log(writer.log_dir()).types().ends_with("EQ"));
}

TEST(WriterLife, private_writer_stays_while_another_client_is_attached) {
  const TempDir dir;
  WriterProcess writer(dir.path(), {"--private"});
  ASSERT_EQ(writer.start(), "ready");
  FakeClient first(writer.run_dir()), second(writer.run_dir());
  ASSERT_TRUE(first.attach());
  ASSERT_TRUE(second.attach());
  ASSERT_TRUE(first.detach(true));
  ASSERT_TRUE(second.publish(0, kEntry, 1));
  EXPECT_TRUE(second.wait_acked(0));
  ASSERT_TRUE(second.detach(true));
  EXPECT_EQ(writer.wait(5), 0);
  EXPECT_EQ(read_log(writer.log_dir()).fault, "");
}

// The first has left more behind than a frame holds when the second says goodbye: the second is the last all the same.
TEST(WriterLife, private_writer_ends_for_the_last_that_lives) {
  const TempDir dir;
  WriterProcess writer(dir.path(), {"--private"});
  ASSERT_EQ(writer.start(), "ready");
  constexpr uint32_t kRings = 4, kRecords = 65536;
  FakeClient first(writer.run_dir(), {kRings, kRecords}), second(writer.run_dir());
  ASSERT_TRUE(first.attach());
  ASSERT_TRUE(second.attach());
  for (uint32_t ring = 1; ring < kRings; ++ring)
    for (uint32_t seq = 0; seq < kRecords; ++seq)
      first.put(ring, seq, first.make_record(ring, seq, seq % 2 == 0 ? kEntry : kExit, 1));
  for (uint32_t ring = 1; ring < kRings; ++ring) first.set_head(ring, kRecords);
  first.disconnect();
  ASSERT_TRUE(second.detach(true));
  const Log log = read_log(writer.log_dir());
  EXPECT_EQ(log.fault, "");
  EXPECT_TRUE(log.types().ends_with("EQ")) << "the answer to a goodbye comes after the end of the log";
  EXPECT_EQ(writer.wait(5), 0);
}

TEST(WriterLife, idle_writer_is_woken_by_the_doorbell) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  for (int i = 0; i < 5; ++i) {
    while (client.page().sleeping.load() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_TRUE(client.publish(0, kEntry, 1));
    EXPECT_TRUE(client.wait_acked(0));
  }
}

TEST(WriterLife, clock_parameters_give_utc) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  const audit::WriterPage& page = client.page();
  ASSERT_EQ(page.clock_seq.load() % 2, 0u);
  ASSERT_NE(page.clock_seq.load(), 0u);
  __extension__ using Wide = unsigned __int128;
  const uint64_t ticks = __builtin_ia32_rdtsc() - page.clock_tsc.load();
  const uint64_t estimate =
      page.clock_utc_ns.load() + static_cast<uint64_t>(Wide{ticks} * page.clock_ns_per_tick_q32.load() >> 32);
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  const auto actual = static_cast<int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
  EXPECT_LT(std::abs(static_cast<int64_t>(estimate) - actual), 5000000);
}

TEST(WriterLife, refuses_resettable_pcrs_and_missing_tpm) {
  const TempDir dir;
  for (const char* pcr : {"16", "23"}) {
    WriterProcess writer(dir.path(), {"--pcr", pcr});
    EXPECT_EQ(writer.start(), "");
    EXPECT_EQ(writer.wait(5), 64);
  }
  WriterProcess writer(dir.path());
  writer.use_tcti("swtpm:path=" + dir.path() + "/nobody.sock");
  EXPECT_TRUE(writer.start().starts_with("error: cannot reach the TPM"));
  EXPECT_EQ(writer.wait(5), 1);
}

TEST(WriterLife, refuses_a_new_log_beside_the_enrolment_of_another) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  ASSERT_EQ(writer.terminate(), 0);
  writer.set_log_dir(dir.path() + "/log2");
  EXPECT_TRUE(writer.start().starts_with("error: the trust directory holds the enrolment record of another log"));
  EXPECT_EQ(writer.wait(10), 1);
  bool gone = false;
  for (int i = 0; i < 500 && !gone; ++i) {
    gone = access((writer.run_dir() + "/swtpm.sock").c_str(), F_OK) != 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(gone) << "a TPM that was started for nothing ends, too";
}

TEST(WriterLife, software_tpm_inherits_no_descriptor_of_the_starter) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  // Of a pipe of its own it has both ends.
  std::map<std::string, int> ends;
  for (const auto& fd : std::filesystem::directory_iterator("/proc/" + std::to_string(writer.swtpm_pid()) + "/fd")) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(fd.path(), gone);
    if (target.starts_with("pipe:")) ++ends[target];
  }
  for (const auto& [target, count] : ends) EXPECT_EQ(count, 2) << target;
}

TEST(WriterLife, waiters_that_a_dead_thread_left_raised_do_not_make_every_record_urgent) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  client.page().waiters.fetch_add(1);
  constexpr uint64_t kRecords = 4000;
  for (uint64_t i = 0; i < kRecords; ++i) {
    ASSERT_TRUE(client.publish(1, i % 2 == 0 ? kEntry : kExit, i));
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  ASSERT_TRUE(client.detach(false));
  ASSERT_EQ(writer.terminate(), 0);
  EXPECT_LT(read_log(writer.log_dir()).of_type(FrameType::kBatch).size(), kRecords / 5);
}

TEST(WriterLife, drops_privileges_and_is_sandboxed_before_it_serves) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  EXPECT_EQ(writer.proc_status("Seccomp"), "2");
  EXPECT_EQ(writer.proc_status("NoNewPrivs"), "1");
  if (geteuid() != 0) return;
  const std::string uids = writer.proc_status("Uid");
  EXPECT_EQ(uids.find("0\t"), std::string::npos) << uids;
  EXPECT_EQ(writer.proc_status("Groups").find_first_not_of(' '), std::string::npos) << "no supplementary groups";
  EXPECT_EQ(writer.proc_status("CapEff"), "0000000000000000");
  std::ifstream swtpm("/proc/" + std::to_string(writer.swtpm_pid()) + "/status");
  const std::string text((std::istreambuf_iterator<char>(swtpm)), {});
  EXPECT_NE(text.find("Uid:\t" + uids), std::string::npos);
  writer.terminate();
  const auto genesis = read_log(writer.log_dir()).payloads<audit::Genesis>(FrameType::kGenesis).at(0);
  EXPECT_EQ(genesis.isolated, 1);
  EXPECT_EQ(uids.substr(0, uids.find('\t')), std::to_string(genesis.writer_uid));
}

}  // namespace
}  // namespace cm::audit_test
