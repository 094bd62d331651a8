// SPDX-License-Identifier: Apache-2.0
// batch_lane_test.cpp: batch services on lane imb, to which the test build sends them: it is opened once, tested and
// recorded; what comes out is what libcrypto says; whatever else lies in the place of its file is refused before any
// code of it runs; and without it, or while it is in use, the lane of our own does the same work.
#include <dlfcn.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "audit/events.h"
#include "tests/module/lane_batch.h"

namespace cm::test {
namespace {

constexpr char kPartName[] = "libcryptomod-imb.so.1";

std::string run(const std::string& command, int* code) {
  std::string out;
  FILE* const pipe = popen(command.c_str(), "r");
  char buffer[4096];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
  const int status = pclose(pipe);
  *code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return out;
}

// OnLanes: what a log says about lanes: of each batch, in order, and of the self-tests on lane imb, with their results.
struct OnLanes {
  explicit OnLanes(const std::string& log) {
    int code = 0;
    std::istringstream lines(run(std::string(CM_AUDIT_PATH) + " show --json " + log, &code));
    for (std::string line; std::getline(lines, line);) {
      const auto record = nlohmann::json::parse(line, nullptr, false);
      if (!record.is_object() || !record.contains("lane")) continue;
      const auto id = record["event_id"].get<uint32_t>();
      const auto lane = record["lane"].get<std::string>();
      if (record.contains("failed"))
        batches.push_back(lane);
      else if (lane == "imb" && (id & 0xffff0000) == static_cast<uint32_t>(audit::EventId::kCast))
        self_tests.emplace_back(id & 0xffff, record["return_code"].get<int32_t>());
    }
  }
  std::vector<std::string> batches;
  std::vector<std::pair<uint32_t, int32_t>> self_tests;
};

class BatchLane : public Operational {
 protected:
  static size_t recorded() { return OnLanes(directory() / "log").batches.size(); }
  // lanes_since: of the batches after the first so many.
  std::vector<std::string> lanes_since(size_t before) const {
    EXPECT_EQ(cm_audit_sync(session_, 0, 20'000), CM_OK);
    const std::vector<std::string> all = OnLanes(directory() / "log").batches;
    return {all.begin() + static_cast<ptrdiff_t>(before), all.end()};
  }
};

TEST_F(BatchLane, batches_are_right) {
  const size_t before = recorded();
  size_t done = 0;
  for (const Work work : kAllWork)
    for (const size_t key_size : {16, 32})
      for (const auto& [jobs, bytes] :
           {std::pair<size_t, size_t>{2, 64}, {17, 320}, {64, 80}, {65, 336}, {130, 64}, {9, 16384}}) {
        const LaneBatch batch(session_, work, key_size, jobs, bytes);
        EXPECT_EQ(batch.rc, CM_OK);
        EXPECT_EQ(batch.rest, CM_OK);
        ASSERT_TRUE(batch.right()) << static_cast<int>(work) << " " << key_size << " " << jobs << " " << bytes;
        ++done;
      }
  EXPECT_EQ(lanes_since(before), std::vector<std::string>(done, "imb"));
}

TEST_F(BatchLane, our_own_does_what_the_table_or_ipsec_mb_does_not_take) {
  ASSERT_EQ(LaneBatch(session_, Work::kCmac, 32, 8, 320).rc, CM_OK);  // opens it
  const size_t before = (lanes_since(0), recorded());
  const auto expect_right = [&](Work work, size_t key_size, size_t jobs, size_t bytes, size_t aad) {
    const LaneBatch batch(session_, work, key_size, jobs, bytes, aad);
    EXPECT_EQ(batch.rc, CM_OK) << jobs << " " << bytes;
    EXPECT_TRUE(batch.right()) << jobs << " " << bytes;
  };
  expect_right(Work::kCbc, 16, 1, 320, 0);
  expect_right(Work::kCmac, 32, 10, 48, 0);
  expect_right(Work::kCmac, 24, 10, 320, 0);
  expect_right(Work::kCmac, 16, 4, 65536, 0);
  expect_right(Work::kCbc, 32, 4, 65536, 0);
  for (const Work work : {Work::kSeal, Work::kOpen}) {
    expect_right(work, 24, 10, 320, 13);
    expect_right(work, 16, 10, 320, 47);
    expect_right(work, 32, 4, 65536, 13);
  }
  const std::vector<std::string> lanes = lanes_since(before);
  EXPECT_EQ(lanes.size(), 11U);
  for (const std::string& lane : lanes) EXPECT_NE(lane, "imb");
}

// Threads that find the lane in use go on with our own.
TEST_F(BatchLane, threads_do_not_wait_for_each_other) {
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      cm_session session{};
      ASSERT_EQ(cm_session_open(&session, CM_ROLE_USER), CM_OK);
      for (size_t i = 0; i < 60; ++i) {
        const LaneBatch batch(session, kAllWork[(t + i) % 4], 16, 20, 2048);
        EXPECT_EQ(batch.rc, CM_OK);
        EXPECT_TRUE(batch.right());
      }
      EXPECT_EQ(cm_session_close(session), CM_OK);
    });
  for (std::thread& thread : threads) thread.join();
}

TEST_F(BatchLane, works_in_a_child_process) {
  ASSERT_EQ(LaneBatch(session_, Work::kCmac, 32, 8, 320).rc, CM_OK);
  const size_t before = (lanes_since(0), recorded());
  EXPECT_EQ(run_child([] {
              cm_session session{};
              if (cm_session_open(&session, CM_ROLE_USER) != CM_OK) return 3;
              const LaneBatch batch(session, Work::kCmac, 32, 8, 320);
              if (batch.rc != CM_OK || !batch.right()) return 1;
              return cm_shutdown() == CM_OK ? 0 : 2;
            }),
            0);
  EXPECT_EQ(lanes_since(before), std::vector<std::string>{"imb"});
}

TEST_F(BatchLane, a_self_test_on_demand_tests_lane_imb_again) {
  ASSERT_EQ(LaneBatch(session_, Work::kCmac, 32, 8, 320).rc, CM_OK);
  size_t count = 0;
  ASSERT_EQ(cm_selftest(session_, nullptr, 0, &count), CM_OK);
  std::vector<cm_selftest_row> rows(count);
  ASSERT_EQ(cm_selftest(session_, rows.data(), rows.size(), &count), CM_OK);
  ASSERT_EQ(count, rows.size());
  std::vector<std::string> on_imb;
  for (const cm_selftest_row& row : rows)
    if (std::string(row.lane) == "imb") on_imb.emplace_back(row.name);
  const std::vector<std::string> wanted = {"integrity", "aes-cbc-encrypt-multi", "aes-cmac-multi", "aes-ccm-seal-multi",
                                           "aes-ccm-open-multi"};
  EXPECT_EQ(on_imb, wanted);
}

// Life: a module of this process alone; each test of BatchLog runs in one of its own.
struct Life {
  Life() : params(dir) {
    if (cm_init(&params.params) != CM_OK || cm_session_open(&session, CM_ROLE_USER) != CM_OK) std::abort();
  }
  Directory dir;
  InitParams params;
  cm_session session{};
};

TEST(BatchLog, has_the_tests_of_lane_imb_once) {
  const Life life;
  ASSERT_EQ(LaneBatch(life.session, Work::kCbc, 32, 8, 320).rc, CM_OK);
  ASSERT_EQ(LaneBatch(life.session, Work::kSeal, 32, 8, 320).rc, CM_OK);
  ASSERT_TRUE(CM_SUCCEEDED(cm_shutdown()));
  const OnLanes log(life.params.log);
  const std::vector<std::pair<uint32_t, int32_t>> wanted = {{0, 0}, {31, 0}, {32, 0}, {33, 0}, {34, 0}};
  EXPECT_EQ(log.self_tests, wanted);
  EXPECT_EQ(log.batches, (std::vector<std::string>{"imb", "imb"}));
  std::string text;
  EXPECT_EQ(verify_log(life.dir, &text), 0) << text;
}

// What is not for the batch kernels, or not for lane imb, does not open it.
TEST(BatchLog, has_nothing_of_lane_imb_before_a_batch_goes_there) {
  const Life life;
  ASSERT_EQ(LaneBatch(life.session, Work::kCmac, 32, 8, 48).rc, CM_OK);
  const cm_key_params params = key_params(CM_ALG_AES_CBC, 256);
  cm_key key{};
  ASSERT_EQ(cm_key_generate(life.session, &key, &params), CM_OK);
  Bytes text(640), iv(16);
  const cm_cipher_job job{key, iv.data(), iv.size(), text.data(), text.size(), text.data(), text.size(), CM_DECRYPT, 0};
  std::vector<cm_cipher_job> jobs(1, job);
  jobs.push_back({key, iv.data(), iv.size(), nullptr, 0, nullptr, 0, CM_DECRYPT, 0});
  ASSERT_EQ(cm_cipher_batch(life.session, jobs.data(), jobs.size()), CM_OK);
  EXPECT_EQ(cm_cipher_batch(life.session, nullptr, 8), CM_ERR_NULL);
  ASSERT_TRUE(CM_SUCCEEDED(cm_shutdown()));
  EXPECT_TRUE(OnLanes(life.params.log).self_tests.empty());
}

TEST(BatchLog, errno_is_the_callers) {
  const Life life;
  EXPECT_TRUE(LaneBatch(life.session, Work::kCmac, 16, 8, 320).keeps_errno);  // opens it
  EXPECT_TRUE(LaneBatch(life.session, Work::kCmac, 16, 8, 320).keeps_errno);
  EXPECT_TRUE(CM_SUCCEEDED(cm_shutdown()));
  EXPECT_EQ(OnLanes(life.params.log).batches, (std::vector<std::string>{"imb", "imb"}));
}

class BatchFailure : public testing::TestWithParam<const char*> {};

TEST_P(BatchFailure, of_a_self_test_is_recorded_and_the_module_serves_no_more) {
  const std::string name = GetParam();
  const Life life;
  setenv("CM_TEST_BREAK_CAST", (name + ":imb").c_str(), 1);
  EXPECT_EQ(LaneBatch(life.session, Work::kCbc, 32, 8, 320).rc, CM_ERR_SELFTEST);
  cm_status_info status{};
  status.struct_size = sizeof status;
  ASSERT_EQ(cm_status(&status), CM_OK);
  EXPECT_EQ(status.state, static_cast<uint32_t>(CM_STATE_ERROR));
  EXPECT_EQ(status.failed_test, name + ":imb");
  cm_session session{};
  EXPECT_EQ(cm_session_open(&session, CM_ROLE_USER), CM_ERR_ERROR_STATE);
  EXPECT_TRUE(CM_SUCCEEDED(cm_shutdown()));
  const auto records = OnLanes(life.params.log).self_tests;
  EXPECT_EQ(std::count_if(records.begin(), records.end(), [](const auto& r) { return r.second < 0; }), 1);
  std::string text;
  EXPECT_EQ(verify_log(life.dir, &text), 0) << text;
}

INSTANTIATE_TEST_SUITE_P(Casts, BatchFailure,
                         testing::Values("aes-cbc-encrypt-multi", "aes-cmac-multi", "aes-ccm-seal-multi",
                                         "aes-ccm-open-multi"),
                         [](const auto& cast) {
                           std::string name = cast.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// Place: a directory with a copy of the module, in which something lies where the part belongs.
class Place {
 public:
  Place() {
    Dl_info module{};
    EXPECT_NE(dladdr(reinterpret_cast<const void*>(&cm_version), &module), 0);
    built_ = std::filesystem::path(module.dli_fname).parent_path();
    std::filesystem::copy_file(module.dli_fname, dir_ / std::filesystem::path(module.dli_fname).filename());
  }
  std::string part() const { return dir_ / kPartName; }
  std::string built_part() const { return built_ / kPartName; }
  void put(const std::string& file) const {
    std::filesystem::copy_file(file, part(), std::filesystem::copy_options::overwrite_existing);
  }
  void change(size_t offset) const {
    put(built_part());
    std::fstream file(part(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    const int byte = file.get();
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(static_cast<char>(byte ^ 0x20));
  }

  // expect: what batch_probe says here, before that whatever code in the place of the part says, and the lane that the
  // log has: imb, or ours.
  void expect(const std::string& said, bool on_imb, const std::string& by_code = "") const {
    const Directory life;
    int code = 0;
    const std::string command = "LD_LIBRARY_PATH=" + dir_.path() + " " CM_BATCH_PROBE_PATH " " + life.path() + " 2>&1";
    EXPECT_EQ(run(command, &code), by_code + said);
    EXPECT_EQ(code, 0);
    const OnLanes log(life / "log");
    ASSERT_EQ(log.batches.size(), 1U);
    EXPECT_EQ(log.batches[0] == "imb", on_imb) << log.batches[0];
    std::string text;
    EXPECT_EQ(verify_log(life, &text), 0) << text;
  }
  void expect_own(const std::string& by_code = "") const {
    expect("result=CM_OK\nright=1\nstate=3\nfailed_test=\n", false, by_code);
  }
  void expect_damaged() const {
    expect("result=CM_ERR_INTEGRITY\nright=0\nstate=4\nfailed_test=integrity:imb\n", false);
  }

 private:
  Directory dir_;
  std::filesystem::path built_;
};

TEST(BatchPart, is_used_where_it_lies_beside_the_module) {
  const Place place;
  place.put(place.built_part());
  place.expect("result=CM_OK\nright=1\nstate=3\nfailed_test=\n", true);
}

TEST(BatchPart, is_not_missed) {
  const Place place;
  place.expect_own();
}

TEST(BatchPart, is_not_reached_by_a_link) {
  const Place place;
  std::filesystem::create_symlink(place.built_part(), place.part());
  place.expect_own();
}

TEST(BatchPart, is_refused_when_a_byte_is_changed) {
  const Place place;
  const size_t size = std::filesystem::file_size(place.built_part());
  // In the headers, in code, in constants (near the end of what is loaded).
  for (const size_t offset : {size_t{5}, size_t{24}, size_t{70}, size / 10, size / 2, size * 4 / 5}) {
    SCOPED_TRACE(offset);
    place.change(offset);
    place.expect_damaged();
  }
}

TEST(BatchPart, is_refused_when_its_end_is_missing) {
  const Place place;
  const size_t size = std::filesystem::file_size(place.built_part());
  for (const size_t keep : {size_t{0}, size_t{10}, size_t{3000}, size / 2}) {
    SCOPED_TRACE(keep);
    place.put(place.built_part());
    std::filesystem::resize_file(place.part(), keep);
    place.expect_damaged();
  }
}

// Opening a pipe must not wait for somebody who writes into it.
TEST(BatchPart, is_refused_when_it_is_no_file) {
  const Place place;
  ASSERT_EQ(mkfifo(place.part().c_str(), 0600), 0);
  place.expect_damaged();
}

TEST(BatchPart, runs_no_code_before_it_is_found_whole) {
  const Place place;
  place.put(CM_FAKE_PART_PATH);  // no digest was written into it
  place.expect_damaged();
  place.put(CM_OTHER_VERSION_PATH);  // whole, so it may run
  place.expect_own("the fake part runs\n");
}

}  // namespace
}  // namespace cm::test
