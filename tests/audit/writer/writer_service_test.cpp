// SPDX-License-Identifier: Apache-2.0
// writer_service_test.cpp: the writer as a service: a socket handed over by a service manager, news for the manager,
// clients of several users, segments closed by age and on demand, metrics.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>

#include "audit/wire.h"
#include "tests/audit/support/fake_client.h"
#include "tests/audit/support/log_reader.h"
#include "tests/audit/support/verdict.h"
#include "tests/audit/support/writer_process.h"

namespace cm::audit_test {
namespace {

using audit::EventId;
using audit::FrameType;
namespace verify = audit::verify;

constexpr uint32_t kEntry = static_cast<uint32_t>(EventId::kAeadSeal);
constexpr uint32_t kExit = kEntry | audit::kExitBit;
constexpr uid_t kOtherUser = 65533;

// UnixSocket: bound to a file, and removed with the directory that the file is in.
class UnixSocket {
 public:
  UnixSocket(const std::string& path, int type, bool listening) : fd_(socket(AF_UNIX, type | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    if (bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || (listening && listen(fd_, 16) != 0))
      throw std::runtime_error("socket " + path);
  }
  ~UnixSocket() { close(fd_); }
  UnixSocket(const UnixSocket&) = delete;
  UnixSocket& operator=(const UnixSocket&) = delete;
  int fd() const { return fd_; }
  // next: a datagram, empty when none comes in time.
  std::string next(int timeout_ms) const {
    const timeval time = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    char text[256];
    const ssize_t size = recv(fd_, text, sizeof text, 0);
    return {text, size > 0 ? static_cast<size_t>(size) : 0};
  }

 private:
  const int fd_;
};

// Service: directory of a socket that everybody may use, and a writer that was handed it.
struct Service {
  TempDir dir;
  std::string socket_dir = dir / "socket";
  std::unique_ptr<UnixSocket> socket;
  WriterProcess writer;

  explicit Service(std::vector<std::string> extra = {}) : writer(dir.path(), std::move(extra)) {
    std::filesystem::create_directory(socket_dir);
    socket = std::make_unique<UnixSocket>(socket_dir + "/" + audit::kSocketName, SOCK_SEQPACKET, true);
    for (const std::string& path : {dir.path(), socket_dir, socket_dir + "/" + audit::kSocketName})
      if (chmod(path.c_str(), 0777) != 0) throw std::runtime_error("chmod");
    writer.set_service({socket->fd(), "", ""});
  }
};

bool one_call(FakeClient& client, uint64_t object) {
  return client.publish(0, kEntry, object) && client.publish(0, kExit, object) && client.wait_acked(0);
}

TEST(WriterService, takes_the_socket_that_it_is_handed_and_leaves_it_open_for_the_next_writer) {
  Service service;
  ASSERT_EQ(service.writer.start(), "ready");
  FakeClient client(service.socket_dir);
  ASSERT_TRUE(client.attach()) << client.refusal();
  ASSERT_TRUE(one_call(client, 1));
  ASSERT_TRUE(client.detach(false));
  EXPECT_FALSE(std::filesystem::exists(service.writer.run_dir() + "/" + audit::kSocketName)) << "it makes none itself";
  ASSERT_EQ(service.writer.terminate(), 0);
  // Who comes while there is no writer waits in the socket.
  FakeClient early(service.socket_dir);
  ASSERT_TRUE(early.connect());
  ASSERT_TRUE(early.send_hello());
  ASSERT_EQ(service.writer.start(), "ready");
  EXPECT_EQ(early.receive().size(), sizeof(audit::WireWelcome));
  early.disconnect();
  ASSERT_EQ(service.writer.terminate(), 0);
  const Log log = read_log(service.writer.log_dir());
  EXPECT_EQ(log.fault, "");
  EXPECT_EQ(log.of_type(FrameType::kEnd).size(), 2u);
}

// attach_as: in a child that becomes this user; true when it is served.
bool attach_as(uid_t user, const std::string& socket_dir) {
  const pid_t child = fork();
  if (child == 0) {
    if (setresgid(user, user, user) != 0 || setresuid(user, user, user) != 0) _exit(2);
    FakeClient client(socket_dir);
    if (!client.attach()) _exit(1);
    _exit(one_call(client, user) && client.detach(false) ? 0 : 3);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// users: ourselves, and where we may become one, another before that.
std::vector<uid_t> users() {
  return geteuid() == 0 ? std::vector<uid_t>{kOtherUser, 0} : std::vector<uid_t>{geteuid()};
}

TEST(WriterService, serves_every_user_whom_the_socket_lets_in_and_records_who_it_was) {
  Service service;
  ASSERT_EQ(service.writer.start(), "ready");
  for (const uid_t user : users()) EXPECT_TRUE(attach_as(user, service.socket_dir)) << user;
  ASSERT_EQ(service.writer.terminate(), 0);
  std::vector<uid_t> recorded;
  for (const auto& attach : read_log(service.writer.log_dir()).payloads<audit::ClientAttach>(FrameType::kClientAttach))
    recorded.push_back(attach.uid);
  EXPECT_EQ(recorded, users());
  const auto genesis = read_log(service.writer.log_dir()).payloads<audit::Genesis>(FrameType::kGenesis);
  EXPECT_EQ(genesis.at(0).creator_uid, geteuid()) << "the process that listens on the socket";
  EXPECT_EQ(verify::exit_code(verdict(service.writer)), 0);
}

// refused_as: in a child that becomes this user: whether a checkpoint is refused because of who asks. The TPM of the
// log is asked for nothing.
bool refused_as(uid_t user, const std::string& socket_dir) {
  const pid_t child = fork();
  if (child == 0) {
    if (setresgid(user, user, user) != 0 || setresuid(user, user, user) != 0) _exit(2);
    const audit::WireSign packet{static_cast<uint32_t>(audit::WireType::kSign), audit::kWireVersion, 0, {}};
    FakeClient auditor(socket_dir);
    if (!auditor.connect() || !auditor.send_raw(&packet, sizeof packet)) _exit(3);
    const std::vector<uint8_t> answer = auditor.receive();
    _exit(std::string(answer.begin(), answer.end()).find("only root") != std::string::npos ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(WriterService, gets_a_checkpoint_signed_for_root_and_its_own_user_only) {
  Service service({"--anchor-interval-ms", "20"});
  ASSERT_EQ(service.writer.start(), "ready");
  for (const uid_t user : users()) EXPECT_EQ(refused_as(user, service.socket_dir), user != geteuid()) << user;
}

TEST(WriterService, a_socket_of_its_own_serves_its_creator_and_root_only) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  for (const std::string& path : {dir.path(), writer.run_dir(), writer.run_dir() + "/" + audit::kSocketName})
    ASSERT_EQ(chmod(path.c_str(), 0777), 0);
  for (const uid_t user : users()) EXPECT_EQ(attach_as(user, writer.run_dir()), user == geteuid()) << user;
}

TEST(WriterService, refuses_a_descriptor_that_cannot_be_its_socket) {
  const TempDir dir;
  const UnixSocket stream(dir / "stream", SOCK_STREAM, true), silent(dir / "silent", SOCK_SEQPACKET, false);
  const std::ofstream file(dir / "file");
  for (const int fd : {stream.fd(), silent.fd(), fileno(stdin)}) {
    WriterProcess writer(dir / "writer");
    writer.set_service({fd, "", ""});
    EXPECT_NE(writer.start().find("SOCK_SEQPACKET"), std::string::npos) << fd;
    EXPECT_EQ(writer.wait(5), 1);
  }
}

TEST(WriterService, tells_its_manager_that_it_is_ready_that_it_lives_and_that_it_ends) {
  const TempDir dir;
  const UnixSocket manager(dir / "notify", SOCK_DGRAM, false);
  ASSERT_EQ(chmod(dir.path().c_str(), 0777), 0);
  ASSERT_EQ(chmod((dir / "notify").c_str(), 0777), 0);
  WriterProcess writer(dir.path());
  writer.set_service({-1, dir / "notify", "400000"});
  ASSERT_EQ(writer.start(), "ready");
  std::map<std::string, int> said;
  for (int i = 0; i < 5; ++i) ++said[manager.next(2000)];
  EXPECT_EQ(said["READY=1"], 1);
  EXPECT_EQ(said["WATCHDOG=1"], 4) << "twice in each interval";
  ASSERT_EQ(writer.terminate(), 0);
  for (std::string text = manager.next(100); !text.empty(); text = manager.next(100)) ++said[text];
  EXPECT_EQ(said["STOPPING=1"], 1);
}

// sealed_with: reasons of the segment-seals of a log, in order.
std::vector<uint32_t> sealed_with(const WriterProcess& writer) {
  std::vector<uint32_t> out;
  for (const auto& seal : read_log(writer.log_dir()).payloads<audit::SegmentSeal>(FrameType::kSegmentSeal))
    out.push_back(seal.reason);
  return out;
}

bool wait_for_file(const std::string& path) {
  for (int i = 0; i < 500 && !std::filesystem::exists(path); ++i) pause_ms(10);
  return std::filesystem::exists(path);
}

TEST(WriterService, closes_a_segment_by_age_and_on_demand_and_goes_on_behind_it_after_a_restart) {
  const TempDir dir;
  WriterProcess writer(dir.path(), {"--segment-age-s", "1"});
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  ASSERT_TRUE(one_call(client, 1));
  ASSERT_TRUE(wait_for_file(writer.log_dir() + "/00000001.cmlog"));  // the clock's next frame at the latest
  ASSERT_EQ(sealed_with(writer), std::vector<uint32_t>{audit::kSealedOld});
  struct stat info;
  ASSERT_EQ(stat((writer.log_dir() + "/00000000.cmlog").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0400u);

  for (int i = 0; i < 500 && sealed_with(writer).size() < 2; ++i) {
    writer.hang_up();
    pause_ms(10);
  }
  ASSERT_EQ(sealed_with(writer).back(), audit::kSealedAsked) << "without a record in it";
  writer.kill_now();  // most of the time nothing stands behind the seal
  ASSERT_EQ(writer.start(), "ready");
  ASSERT_TRUE(client.attach()) << client.refusal();
  ASSERT_TRUE(one_call(client, 2));
  ASSERT_TRUE(client.detach(false));
  ASSERT_EQ(writer.terminate(), 0);
  const verify::Report report = verdict(writer);
  EXPECT_EQ(verify::exit_code(report), 0) << verify::to_text(report);
}

TEST(WriterService, metrics_are_prometheus_text_and_count_what_the_log_holds) {
  const TempDir dir;
  const std::string file = dir / "metrics/cryptomod.prom";
  WriterProcess writer(dir.path(), {"--metrics", dir / "metrics"});
  ASSERT_EQ(writer.start(), "ready");
  ASSERT_TRUE(wait_for_file(file));
  struct stat info;
  ASSERT_EQ(stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0644u) << "another user's collector reads it";
  ASSERT_EQ(stat((dir / "metrics").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0755u);
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  ASSERT_TRUE(one_call(client, 1));
  ASSERT_TRUE(client.detach(false));
  ASSERT_EQ(writer.terminate(), 0);  // writes them a last time

  std::ifstream in(file);
  const std::regex kComment("# (HELP|TYPE) cryptomod_audit_[a-z_]+ .+"),
      kSample(R"((cryptomod_audit_[a-z_]+(\{type="[a-z-]+"\})?) ([0-9.e+-]+))");
  std::map<std::string, double> values;
  for (std::string line; std::getline(in, line);) {
    std::smatch match;
    if (std::regex_match(line, match, kSample))
      values[match[1]] = std::stod(match[3]);
    else
      EXPECT_TRUE(std::regex_match(line, kComment)) << line;
  }
  const Log log = read_log(writer.log_dir());
  EXPECT_EQ(values.at("cryptomod_audit_records_total"), 2);
  EXPECT_EQ(values.at("cryptomod_audit_log_records"), 2);
  EXPECT_EQ(values.at("cryptomod_audit_log_frames"), static_cast<double>(log.types().size()));
  EXPECT_EQ(values.at("cryptomod_audit_segment_bytes"),
            static_cast<double>(std::filesystem::file_size(writer.log_dir() + "/00000000.cmlog")));
  EXPECT_EQ(values.at("cryptomod_audit_bytes_total"), values.at("cryptomod_audit_segment_bytes"));
  EXPECT_EQ(values.at("cryptomod_audit_clients"), 0);
  EXPECT_EQ(values.at("cryptomod_audit_unextended_frames"), 0);
  EXPECT_EQ(values.at("cryptomod_audit_unanchored_seconds"), 0);
  EXPECT_GT(values.at("cryptomod_audit_append_seconds_total"), 0);
  EXPECT_EQ(values.at("cryptomod_audit_frames_total{type=\"end\"}"), 1);
  EXPECT_EQ(values.at("cryptomod_audit_frames_total{type=\"anchor\"}"),
            static_cast<double>(log.of_type(FrameType::kAnchor).size()));
}

}  // namespace
}  // namespace cm::audit_test
