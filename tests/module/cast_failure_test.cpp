// SPDX-License-Identifier: Apache-2.0
// every_cast_failure_reaches_error_state: each self-test of each lane is broken by name in a process of its own. The
// module must be in the error state, name the test, serve nothing, and the failure must stand in the audit log.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "audit/events.h"
#include "crypto/aes/aes_kernels.h"
#include "crypto/chacha/chacha_kernels.h"
#include "crypto/gcm/gcm_kernels.h"
#include "crypto/sha2/sha256_kernels.h"
#include "selftest/casts.h"
#include "tests/module/fixture.h"

namespace cm::test {
namespace {

struct Broken {
  const CastRow* row;
  Lane lane;
};

std::vector<Lane> lanes_of(LaneSet set) {
  std::span<const KernelRow> rows;
  if (set == LaneSet::kSha256) rows = kSha256Kernels;
  if (set == LaneSet::kAes) rows = kAesKernels;
  if (set == LaneSet::kGcm) rows = kGcmKernels;
  if (set == LaneSet::kChaCha) rows = kChaChaKernels;
  if (set == LaneSet::kNone) return {Lane::kNone};
  std::vector<Lane> lanes;
  for (const KernelRow& row : rows)
    if ((cpu_features_detected() & row.needs) == row.needs) lanes.push_back(row.lane);
  return lanes;
}

std::vector<Broken> all_casts() {
  std::vector<Broken> all;
  for (const CastRow& row : kCasts)
    for (const Lane lane : lanes_of(row.lanes)) all.push_back({&row, lane});
  return all;
}

std::string run(const std::string& command, int* exit_code) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return out;
  char buffer[4096];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
  const int status = pclose(pipe);
  *exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return out;
}

class CastFailure : public ::testing::TestWithParam<Broken> {};

// failure_recorded: whether the log has a self-test record of this test and lane with an error.
bool failure_recorded(const Directory& dir, const Broken& broken) {
  int code = 0;
  const std::string lines = run(std::string(CM_AUDIT_PATH) + " show --json " + dir / "log", &code);
  const uint32_t id = static_cast<uint32_t>(audit::EventId::kCast) + static_cast<uint32_t>(broken.row->id);
  std::istringstream stream(lines);
  for (std::string line; std::getline(stream, line);) {
    const auto record = nlohmann::json::parse(line, nullptr, false);
    if (!record.is_object() || record.value("event_id", 0U) != id || record.value("return_code", 0) >= 0) continue;
    if (record.value("lane", "") == lane_name(broken.lane)) return true;
  }
  return false;
}

TEST_P(CastFailure, every_cast_failure_reaches_error_state) {
  const Broken& broken = GetParam();
  const std::string name = std::string(broken.row->name) + ":" + lane_name(broken.lane);
  Directory dir;
  int code = 0;
  const std::string out = run("CM_TEST_BREAK_CAST='" + name + "' " CM_PROBE_PATH " " + dir.path() + " 2>&1", &code);
  EXPECT_EQ(code, 0) << out;
  const std::string expected = broken.lane == Lane::kNone ? std::string(broken.row->name) : name;
  EXPECT_NE(out.find("failed_test=" + expected + "\n"), std::string::npos) << out;
  EXPECT_TRUE(failure_recorded(dir, broken)) << "the failure is not in the log";
}

std::string test_name(const ::testing::TestParamInfo<Broken>& info) {
  std::string name = std::string(info.param.row->name) + "_" + lane_name(info.param.lane);
  for (char& c : name)
    if (c == '-') c = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Casts, CastFailure, ::testing::ValuesIn(all_casts()), test_name);

}  // namespace
}  // namespace cm::test
