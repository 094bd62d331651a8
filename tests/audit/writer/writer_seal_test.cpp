// SPDX-License-Identifier: Apache-2.0
// writer_seal_test.cpp: the writer's half of the seals across its own death: what was changed while no writer was there
// is found by the next, which knows the seed again from its secret; and what becomes of clients when that is gone.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "audit/payload.h"
#include "audit/writer/seal_secret.h"
#include "tests/audit/support/fake_client.h"
#include "tests/audit/support/log_reader.h"
#include "tests/audit/support/writer_process.h"

namespace cm::audit_test {
namespace {

using audit::EventId;
using audit::FrameType;

constexpr uint32_t kEntry = static_cast<uint32_t>(EventId::kAeadSeal);
constexpr uint32_t kExit = kEntry | audit::kExitBit;
constexpr uint64_t kBefore = 75, kAfter = 200;  // neither is a multiple of an epoch

// WriterSeal: a client with kBefore acknowledged records, and more that no writer has seen: it was killed in between.
class WriterSeal : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(writer_.start(), "ready");
    ASSERT_TRUE(client_.attach()) << client_.refusal();
    publish(0, kBefore);
    ASSERT_TRUE(client_.wait_acked(2));
    writer_.kill_now();
    publish(kBefore, kAfter);
  }
  void publish(uint64_t from, uint64_t to) {
    for (uint64_t i = from; i < to; ++i) ASSERT_TRUE(client_.publish(2, i % 2 == 0 ? kEntry : kExit, i));
  }
  std::string secret() const { return writer_.run_dir() + "/" + audit::kSealSecretName; }

  const TempDir dir_;
  WriterProcess writer_{dir_.path()};
  FakeClient client_{writer_.run_dir()};
};

TEST_F(WriterSeal, records_published_while_no_writer_was_there_are_checked_and_taken) {
  ASSERT_EQ(writer_.start(), "ready");
  ASSERT_TRUE(client_.attach()) << client_.refusal();
  ASSERT_TRUE(client_.wait_acked(2));
  ASSERT_TRUE(client_.detach(false));
  ASSERT_EQ(writer_.terminate(), 0);
  const Log log = read_log(writer_.log_dir());
  EXPECT_EQ(log.fault, "");
  EXPECT_EQ(log.rings.at(client_.welcome()->first_ring_id + 2).size(), kAfter);
  const auto attached = log.payloads<audit::ClientAttach>(FrameType::kClientAttach);
  ASSERT_EQ(attached.size(), 2u);
  EXPECT_EQ(attached[0].seal_commitment,
            audit::seal_commitment(audit::best_sha256_lane(), client_.welcome()->seal_seed));
  EXPECT_EQ(attached[1].seal_commitment, attached[0].seal_commitment);
}

TEST_F(WriterSeal, record_changed_while_no_writer_was_there_cuts_its_ring_off) {
  constexpr uint64_t kChanged = 130;
  audit::Record record = client_.sealed(2, kChanged, client_.make_record(2, kChanged, kEntry, kChanged));
  record.detail ^= uint64_t{1} << 63;
  client_.put_as_it_is(2, kChanged, record);
  ASSERT_EQ(writer_.start(), "ready");
  ASSERT_TRUE(client_.attach()) << client_.refusal();
  EXPECT_TRUE(client_.peer_closed());
  ASSERT_EQ(writer_.terminate(), 0);
  const Log log = read_log(writer_.log_dir());
  EXPECT_EQ(log.rings.at(client_.welcome()->first_ring_id + 2).size(), kChanged);
  const auto broken = log.payloads<audit::SealBroken>(FrameType::kSealBroken);
  ASSERT_EQ(broken.size(), 1u);
  EXPECT_EQ(broken[0].reason, audit::kBrokenSeal);
  EXPECT_EQ(broken[0].ring_seq, kChanged);
}

TEST_F(WriterSeal, client_whose_seed_is_not_known_any_more_is_refused) {
  ASSERT_EQ(unlink(secret().c_str()), 0);
  ASSERT_EQ(writer_.start(), "ready");
  EXPECT_FALSE(client_.attach());
  EXPECT_NE(client_.refusal().find("secret of the seals"), std::string::npos) << client_.refusal();
  client_.forget();
  EXPECT_TRUE(client_.attach()) << client_.refusal();
}

TEST_F(WriterSeal, secret_is_a_file_of_the_writer_alone) {
  struct stat file;
  ASSERT_EQ(stat(secret().c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 07777, 0600u);
  EXPECT_EQ(file.st_size, 32);
}

TEST_F(WriterSeal, secret_that_others_can_read_or_that_is_cut_short_is_refused) {
  ASSERT_EQ(chmod(secret().c_str(), 0644), 0);
  EXPECT_NE(writer_.start().find(audit::kSealSecretName), std::string::npos);
  ASSERT_EQ(chmod(secret().c_str(), 0600), 0);
  std::filesystem::resize_file(secret(), 31);
  EXPECT_NE(writer_.start().find(audit::kSealSecretName), std::string::npos);
  ASSERT_EQ(unlink(secret().c_str()), 0);
  ASSERT_EQ(symlink("/dev/zero", secret().c_str()), 0);
  EXPECT_NE(writer_.start().find(audit::kSealSecretName), std::string::npos);
}

}  // namespace
}  // namespace cm::audit_test
