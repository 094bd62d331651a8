// SPDX-License-Identifier: Apache-2.0
// engine_test.cpp: every self-test passes on every lane, and every one of them can fail: a fault in what the lane
// computed is found, reported under the right name and lane, and does not keep the others from running.
#include "selftest/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "crypto/aes/aes_kernels.h"
#include "crypto/chacha/chacha_kernels.h"
#include "crypto/gcm/gcm_kernels.h"
#include "crypto/sha1/sha1_kernels.h"
#include "crypto/sha2/sha256_kernels.h"
#include "crypto/sha2/sha512_kernels.h"
#include "crypto/sha3/keccak_kernels.h"
#include "crypto/sha3/keccak_multi_kernels.h"
#include "tests/support/inject_env.h"
#include "tests/support/lanes.h"

namespace cm::selftest {
namespace {

Lane integrity_lane = Lane::kNone;
size_t integrity_calls = 0;
Status integrity_answer = Status::kOk;

Status integrity(Lane lane) {
  integrity_lane = lane;
  ++integrity_calls;
  return integrity_answer;
}

Report run() {
  Report report;
  run_all(report, integrity);
  return report;
}

const CastRow& row_of(CastId id) {
  return *std::find_if(std::begin(kCasts), std::end(kCasts), [id](const CastRow& row) { return row.id == id; });
}

Status failure_of(CastId id) {
  if (id == CastId::kIntegrity) return Status::kIntegrity;
  return id == CastId::kEntropy ? Status::kEntropy : Status::kSelftest;
}

std::vector<Lane> lanes_of(const CastRow& row) {
  switch (row.lanes) {
    case LaneSet::kNone:
      return {Lane::kNone};
    case LaneSet::kSha256:
      return test::runnable_lanes(kSha256Kernels);
    case LaneSet::kAes:
      return test::runnable_lanes(kAesKernels);
    case LaneSet::kGcm:
      return test::runnable_lanes(kGcmKernels);
    case LaneSet::kChaCha:
      return test::runnable_lanes(kChaChaKernels);
    case LaneSet::kSha1:
      return test::runnable_lanes(kSha1Kernels);
    case LaneSet::kSha512:
      return test::runnable_lanes(kSha512Kernels);
    case LaneSet::kKeccak:
      return test::runnable_lanes(kKeccakKernels);
    case LaneSet::kHashMulti:
      return test::runnable_lanes(kKeccakMultiKernels);
  }
  return {};
}

class Engine : public testing::Test {
 protected:
  void SetUp() override {
    integrity_lane = Lane::kNone;
    integrity_calls = 0;
    integrity_answer = Status::kOk;
  }
  void TearDown() override {
    inject_env::reset();
    unsetenv("CM_TEST_BREAK_CAST");
  }
};

TEST_F(Engine, every_row_passes_on_every_lane_in_the_order_of_the_table) {
  const Report report = run();
  EXPECT_EQ(report.status, Status::kOk);
  size_t i = 0;
  for (const CastRow& row : kCasts) {
    for (const Lane lane : lanes_of(row)) {
      ASSERT_LT(i, report.count);
      EXPECT_EQ(report.outcomes[i].id, row.id);
      EXPECT_EQ(report.outcomes[i].lane, lane) << row.name;
      EXPECT_EQ(report.outcomes[i].status, Status::kOk) << row.name << " " << lane_name(lane);
      EXPECT_GT(report.outcomes[i].ns, 0u) << row.name;
      ++i;
    }
  }
  EXPECT_EQ(i, report.count);
  EXPECT_EQ(integrity_calls, 1u);
  EXPECT_EQ(integrity_lane, choose_lanes().sha256);
}

TEST_F(Engine, every_row_can_fail_on_every_lane_and_only_there) {
  const Report good = run();
  for (size_t broken = 0; broken < good.count; ++broken) {
    const Outcome& target = good.outcomes[broken];
    const CastRow& row = row_of(target.id);
    SCOPED_TRACE(std::string(row.name) + ":" + lane_name(target.lane));
    inject_env::break_cast(row.name, lane_name(target.lane));
    const Report report = run();
    EXPECT_EQ(report.status, failure_of(target.id));
    EXPECT_EQ(report.first_failed, broken);
    // With one SHA-256 lane alone, its failure leaves none to compute the integrity digest with.
    const bool takes_integrity = (target.id == CastId::kSha256 || target.id == CastId::kHmacSha256) &&
                                 test::runnable_lanes(kSha256Kernels).size() == 1;
    // Nothing runs after a failed integrity test.
    const bool stops = takes_integrity || target.id == CastId::kIntegrity;
    if (stops) {
      EXPECT_EQ(report.outcomes[report.count - 1].id, CastId::kIntegrity);
    } else {
      ASSERT_EQ(report.count, good.count);
    }
    for (size_t i = 0; i < report.count; ++i) {
      const CastId id = report.outcomes[i].id;
      const bool fails = i == broken || (takes_integrity && id == CastId::kIntegrity);
      EXPECT_EQ(report.outcomes[i].status, fails ? failure_of(id) : Status::kOk) << i;
    }
  }
}

TEST_F(Engine, the_environment_of_a_test_build_breaks_rows_too) {
  setenv("CM_TEST_BREAK_CAST", "aes-gcm-open:portable,entropy:none", 1);
  const Report report = run();
  EXPECT_EQ(report.status, Status::kSelftest);
  EXPECT_EQ(report.outcomes[report.first_failed].id, CastId::kGcmOpen);
  EXPECT_EQ(report.outcomes[report.first_failed].lane, Lane::kPortable);
  const auto is_entropy = [](const Outcome& o) { return o.id == CastId::kEntropy; };
  const Outcome* entropy = std::find_if(report.outcomes, report.outcomes + report.count, is_entropy);
  ASSERT_NE(entropy, report.outcomes + report.count);
  EXPECT_EQ(entropy->status, Status::kEntropy);
  setenv("CM_TEST_BREAK_CAST", "aes-gcm-opne:portable", 1);
  EXPECT_DEATH(run(), "no such name");
}

TEST_F(Engine, a_stuck_entropy_source_fails_its_row) {
  inject_env::break_entropy(true);
  const Report report = run();
  EXPECT_EQ(report.status, Status::kEntropy);
  EXPECT_EQ(report.outcomes[report.first_failed].id, CastId::kEntropy);
}

TEST_F(Engine, integrity_runs_on_a_lane_that_has_passed_or_not_at_all) {
  const std::vector<Lane> lanes = test::runnable_lanes(kSha256Kernels);
  if (lanes.size() > 1) {
    for (const char* technique : {"sha-256", "hmac-sha-256"}) {
      inject_env::break_cast(technique, lane_name(lanes.back()));
      EXPECT_EQ(run().status, Status::kSelftest);
      EXPECT_EQ(integrity_lane, lanes[lanes.size() - 2]) << technique;
    }
  }
  integrity_calls = 0;
  inject_env::set_hidden_features(~FeatureMask{0});
  inject_env::break_cast("hmac-sha-256", "portable");
  const Report report = run();
  EXPECT_EQ(integrity_calls, 0u);
  EXPECT_EQ(report.outcomes[2].id, CastId::kIntegrity);
  EXPECT_EQ(report.outcomes[2].status, Status::kIntegrity);
}

TEST_F(Engine, the_answer_of_integrity_is_reported) {
  integrity_answer = Status::kIntegrity;
  const Report report = run();
  EXPECT_EQ(report.status, Status::kIntegrity);
  EXPECT_EQ(report.outcomes[report.first_failed].id, CastId::kIntegrity);
}

TEST_F(Engine, a_hidden_feature_hides_its_lanes) {
  inject_env::set_hidden_features(~FeatureMask{0});
  const Report report = run();
  EXPECT_EQ(report.status, Status::kOk);
  EXPECT_EQ(report.count, std::size(kCasts));
  for (size_t i = 0; i < report.count; ++i)
    EXPECT_TRUE(report.outcomes[i].lane == Lane::kPortable || report.outcomes[i].lane == Lane::kNone);
  const Lanes lanes = choose_lanes();
  EXPECT_EQ(lanes.sha256, Lane::kPortable);
  EXPECT_EQ(lanes.aes, Lane::kPortable);
  EXPECT_EQ(lanes.gcm, Lane::kPortable);
  EXPECT_EQ(lanes.chacha, Lane::kPortable);
}

TEST_F(Engine, chosen_lanes_are_the_last_of_each_table_that_run_here) {
  const Lanes lanes = choose_lanes();
  EXPECT_EQ(lanes.sha256, test::runnable_lanes(kSha256Kernels).back());
  EXPECT_EQ(lanes.aes, test::runnable_lanes(kAesKernels).back());
  EXPECT_EQ(lanes.gcm, test::runnable_lanes(kGcmKernels).back());
  EXPECT_EQ(lanes.chacha, test::runnable_lanes(kChaChaKernels).back());
  inject_env::set_hidden_features(kFeatureAvx512);
  EXPECT_NE(choose_lanes().aes, Lane::kVaes512);
  EXPECT_NE(choose_lanes().gcm, Lane::kVaes512);
  constexpr FeatureMask kWithout512 = kFeatureSse41 | kFeatureAesni | kFeatureAvx2 | kFeatureVaes | kFeatureBmi2;
  if ((cpu_features() & kWithout512) == kWithout512) {
    EXPECT_EQ(choose_lanes().aes, Lane::kVaes256);
    EXPECT_EQ(choose_lanes().gcm, Lane::kVaes256);
  }
  EXPECT_NE(choose_lanes().chacha, Lane::kAvx512);
}

TEST_F(Engine, ids_and_names_are_unique_and_a_full_report_fits) {
  std::set<uint32_t> ids;
  std::set<std::string> names;
  size_t outcomes = 0;
  const std::map<LaneSet, size_t> lanes = {{LaneSet::kNone, 1},
                                           {LaneSet::kSha256, std::size(kSha256Kernels)},
                                           {LaneSet::kAes, std::size(kAesKernels)},
                                           {LaneSet::kGcm, std::size(kGcmKernels)},
                                           {LaneSet::kChaCha, std::size(kChaChaKernels)},
                                           {LaneSet::kSha1, std::size(kSha1Kernels)},
                                           {LaneSet::kSha512, std::size(kSha512Kernels)},
                                           {LaneSet::kKeccak, std::size(kKeccakKernels)},
                                           {LaneSet::kHashMulti, std::size(kKeccakMultiKernels)}};
  for (const CastRow& row : kCasts) {
    ids.insert(static_cast<uint32_t>(row.id));
    names.insert(row.name);
    outcomes += lanes.at(row.lanes);
  }
  EXPECT_EQ(ids.size(), std::size(kCasts));
  EXPECT_EQ(names.size(), std::size(kCasts));
  constexpr size_t kImb = 5;  // what run_imb adds
  EXPECT_LE(outcomes + kImb, kMaxOutcomes);
}

TEST_F(Engine, the_manifest_tells_where_every_known_answer_comes_from) {
  std::ifstream file(CM_VECTORS_MANIFEST);
  ASSERT_TRUE(file) << CM_VECTORS_MANIFEST;
  const nlohmann::json manifest = nlohmann::json::parse(file);
  std::set<std::string> named, used;
  for (const auto& entry : manifest.at("selftest")) {
    named.insert("vectors/selftest " + entry.at("name").get<std::string>());
    for (const char* field : {"source", "section", "computed", "file"})
      EXPECT_FALSE(entry.at(field).get<std::string>().empty()) << entry.dump();
  }
  for (const CastRow& row : kCasts)
    if (std::string(row.vector).starts_with("vectors/")) used.insert(row.vector);
  EXPECT_EQ(named, used);
}

}  // namespace
}  // namespace cm::selftest
