// SPDX-License-Identifier: Apache-2.0
// writer_store_test.cpp: full disks, as the process's own file size limit and as a small file system (root only):
// nothing acknowledged is lost, nothing partial stays behind, the log goes on when there is room.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "audit/writer/log_store.h"
#include "tests/audit/support/fake_client.h"
#include "tests/audit/support/log_reader.h"
#include "tests/audit/support/writer_process.h"

#include <fcntl.h>

namespace cm::audit_test {
namespace {

using audit::EventId;
using audit::FrameType;

constexpr uint32_t kEntry = static_cast<uint32_t>(EventId::kAeadSeal);
constexpr uint32_t kExit = kEntry | audit::kExitBit;

// fill_until_stuck: publishes until the ring stays full; returns what was acknowledged then.
uint64_t fill_until_stuck(FakeClient& client) {
  while (client.publish(0, client.head(0) % 2 == 0 ? kEntry : kExit, client.head(0), 1000)) {
  }
  return client.acked(0);
}

void expect_whole(const Log& log, uint64_t records) {
  EXPECT_EQ(log.fault, "");
  ASSERT_EQ(log.rings.at(0).size(), records);
  for (uint64_t i = 0; i < records; ++i) ASSERT_EQ(log.rings.at(0)[i].object, i);
}

TEST(WriterStore, file_size_limit_stops_acknowledging_and_a_new_writer_goes_on) {
  const TempDir dir;
  WriterProcess writer(dir.path(), {"--anchor-interval-ms", "20"});
  writer.set_file_size_limit(300000);
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir(), {2, 1024});
  ASSERT_TRUE(client.attach());
  const uint64_t acked = fill_until_stuck(client);
  EXPECT_TRUE(client.wait_flag(audit::kWriterNoSpace, true));
  EXPECT_LT(acked, client.head(0));
  FakeClient second(writer.run_dir());
  EXPECT_FALSE(second.attach());
  EXPECT_NE(second.refusal().find("full"), std::string::npos);
  {
    const Log log = read_log(writer.log_dir());
    EXPECT_EQ(log.fault, "") << "no partial frame stays behind";
    EXPECT_EQ(log.rings.at(0).size(), acked);
  }
  writer.kill_now();
  writer.set_file_size_limit(0);
  ASSERT_EQ(writer.start(), "ready");
  ASSERT_TRUE(client.attach()) << client.refusal();
  ASSERT_TRUE(client.wait_acked(0));
  EXPECT_EQ(client.flags() & audit::kWriterNoSpace, 0u);
  ASSERT_TRUE(client.detach(false));
  ASSERT_EQ(writer.terminate(), 0);
  expect_whole(read_log(writer.log_dir()), client.head(0));
}

// mount_small: 1 MiB of tmpfs on a directory; without the right to mount, in a user and mount namespace of our own.
bool mount_small(const std::string& directory) {
  const auto mount_it = [&] { return mount("tmpfs", directory.c_str(), "tmpfs", 0, "size=1m,mode=0700") == 0; };
  return mount_it() || (unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && mount_it());
}

TEST(WriterStore, full_disk_and_room_again) {
  const TempDir dir;
  const std::string log_dir = dir / "log";
  ASSERT_EQ(mkdir(log_dir.c_str(), 0700), 0);
  ASSERT_TRUE(mount_small(log_dir))
      << "this test mounts a 1 MiB tmpfs: run it as root or where user namespaces are allowed";
  {
    WriterProcess writer(dir.path(), {"--anchor-interval-ms", "20", "--segment-size", "200000"});
    ASSERT_EQ(writer.start(), "ready");
    FakeClient client(writer.run_dir(), {1, 1024});
    ASSERT_TRUE(client.attach());
    const uint64_t acked = fill_until_stuck(client);
    EXPECT_TRUE(client.wait_flag(audit::kWriterNoSpace, true));
    EXPECT_EQ(read_log(log_dir).fault, "");
    EXPECT_EQ(client.acked(0), acked);
    ASSERT_EQ(mount(nullptr, log_dir.c_str(), nullptr, MS_REMOUNT, "size=8m"), 0);
    ASSERT_TRUE(client.wait_acked(0));
    EXPECT_TRUE(client.wait_flag(audit::kWriterNoSpace, false));
    for (int i = 0; i < 1000; ++i)
      ASSERT_TRUE(client.publish(0, client.head(0) % 2 == 0 ? kEntry : kExit, client.head(0)));
    ASSERT_TRUE(client.detach(false));
    ASSERT_EQ(writer.terminate(), 0);
    expect_whole(read_log(log_dir), client.head(0));
    const auto anchors = read_log(log_dir).payloads<audit::Anchor>(FrameType::kAnchor);
    for (size_t i = 1; i < anchors.size(); ++i) EXPECT_EQ(anchors[i].nv_value, anchors[i - 1].nv_value + 1);
  }
  umount2(log_dir.c_str(), MNT_DETACH);
}

TEST(LogStore, failed_append_leaves_the_file_as_it_was) {
  const TempDir dir;
  const int fd = open(dir.path().c_str(), O_RDONLY | O_DIRECTORY);
  audit::LogStore store(fd, 1 << 20);
  audit::Error error;
  const std::vector<uint8_t> frame(1000, 7);
  ASSERT_EQ(store.append(frame, error), audit::Appended::kDone);
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_IGN);
  const rlimit limit = {1500, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  EXPECT_EQ(store.append(frame, error), audit::Appended::kNoSpace);
  EXPECT_FALSE(error.text.empty());
  EXPECT_EQ(std::filesystem::file_size(dir / "00000000.cmlog"), 1000u);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(store.append(frame, error), audit::Appended::kDone);
  EXPECT_EQ(std::filesystem::file_size(dir / "00000000.cmlog"), 2000u);
  close(fd);
}

TEST(LogStore, behind_a_closed_segment_comes_the_next_and_a_failed_one_leaves_no_file) {
  const TempDir dir;
  const int fd = open(dir.path().c_str(), O_RDONLY | O_DIRECTORY);
  audit::LogStore store(fd, 1500);
  audit::Error error;
  ASSERT_EQ(store.append(std::vector<uint8_t>(1000), error), audit::Appended::kDone);
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_IGN);
  const rlimit limit = {1500, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  EXPECT_TRUE(store.full_for(501));
  EXPECT_FALSE(store.full_for(500));
  EXPECT_FALSE(store.close_segment());
  EXPECT_FALSE(store.open());
  EXPECT_EQ(store.append(std::vector<uint8_t>(2000), error), audit::Appended::kNoSpace);
  EXPECT_FALSE(std::filesystem::exists(dir / "00000001.cmlog"));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(store.append(std::vector<uint8_t>(2000), error), audit::Appended::kDone);
  EXPECT_EQ(std::filesystem::file_size(dir / "00000001.cmlog"), 2000u);
  EXPECT_TRUE(store.open());
  EXPECT_EQ(store.append(std::vector<uint8_t>(100), error), audit::Appended::kDone);
  EXPECT_EQ(std::filesystem::file_size(dir / "00000001.cmlog"), 2100u) << "whether a segment is full its caller asks";
  struct stat info;
  ASSERT_EQ(stat((dir / "00000000.cmlog").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0400u) << "a closed segment may only be read";
  close(fd);
}

// Meddling: what somebody else does to the file that is written, and what is said of it.
struct Meddling {
  const char* what;
  std::function<void(const std::string&)> with;
  const char* said;
};

TEST(LogStore, notices_that_its_file_was_deleted_replaced_or_changed) {
  namespace fs = std::filesystem;
  const Meddling kAll[] = {
      {"deleted", [](const std::string& file) { fs::remove(file); }, "deleted or replaced"},
      {"replaced by a copy",
       [](const std::string& file) {
         fs::copy_file(file, file + ".copy");
         fs::rename(file + ".copy", file);
       },
       "deleted or replaced"},
      {"renamed and linked to",
       [](const std::string& file) {
         fs::rename(file, file + ".old");
         fs::create_symlink(file + ".old", file);
       },
       "deleted or replaced"},
      {"cut", [](const std::string& file) { fs::resize_file(file, 10); }, "changed by somebody else"},
      {"made longer", [](const std::string& file) { fs::resize_file(file, 1064); }, "changed by somebody else"},
  };
  for (const Meddling& meddling : kAll) {
    const TempDir dir;
    const int fd = open(dir.path().c_str(), O_RDONLY | O_DIRECTORY);
    audit::LogStore store(fd, 1 << 20);
    audit::Error error;
    ASSERT_EQ(store.append(std::vector<uint8_t>(1000), error), audit::Appended::kDone);
    meddling.with(dir / "00000000.cmlog");
    EXPECT_EQ(store.append(std::vector<uint8_t>(64), error), audit::Appended::kFatal) << meddling.what;
    EXPECT_NE(error.text.find(meddling.said), std::string::npos) << meddling.what << ": " << error.text;
    close(fd);
  }
}

TEST(WriterStore, a_writer_whose_log_is_deleted_ends_and_the_next_one_says_what_to_do) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir(), {1, 1024});
  ASSERT_TRUE(client.attach());
  ASSERT_TRUE(client.publish(0, kEntry, 0));
  ASSERT_TRUE(client.wait_acked(0));
  std::filesystem::remove(writer.log_dir() + "/00000000.cmlog");
  ASSERT_TRUE(client.publish(0, kExit, 0));
  EXPECT_EQ(writer.wait(5), 1);
  EXPECT_EQ(client.acked(0), 1u) << "what is in no file is not acknowledged";
  EXPECT_NE(writer.start().find("bring it back"), std::string::npos);
}

}  // namespace
}  // namespace cm::audit_test
