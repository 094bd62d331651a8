// SPDX-License-Identifier: Apache-2.0
// producer_fixture.h: a directory, a log and attachments for tests of the producer. The producer's state is the
// process's, so every test ends detached.
#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "audit/producer/clock.h"
#include "audit/producer/producer.h"
#include "fake_writer.h"
#include "tests/support/remove_directory.h"

namespace cm::audit::test {

inline constexpr uint32_t kLongMs = 60'000;  // a call that waits so long has hung as far as a test is concerned
inline constexpr uint32_t kShortMs = 100;

inline const uint8_t kSession[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

inline Call make_call(EventId event, ReleaseClass release, uint64_t object = 0) {
  return Call{event, release, kSession, object, 100};
}
inline Call class_c(uint64_t object = 0) { return make_call(EventId::kAeadSeal, ReleaseClass::kC, object); }
inline Call class_b() { return make_call(EventId::kSessionOpen, ReleaseClass::kB); }
inline Call class_a() { return make_call(EventId::kPolicySet, ReleaseClass::kA); }
inline Call act_first() { return make_call(EventId::kZeroise, ReleaseClass::kActFirst); }

// eventually: whether the condition came true within a time that only a hang exceeds.
inline bool eventually(const std::function<bool()>& condition) {
  const Deadline deadline = Deadline::after_ms(20'000);
  while (!condition()) {
    if (deadline.left_ns() == 0) return false;
    usleep(200);
  }
  return true;
}

inline std::string writer_error() {
  char text[256];
  last_writer_error(text, sizeof text);
  return text;
}

// in_child: runs body in a fork child; its return value, or -1 when it did not end by itself.
inline int in_child(const std::function<int()>& body) {
  const pid_t pid = fork();
  if (pid == 0) _exit(body());
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// do_call: begin, and end when it was admitted.
inline Status do_call(Port& port, const Call& call) {
  const Status status = begin(port, call);
  if (succeeded(status)) end(port, call, Status::kOk, 0);
  return status;
}

class ProducerTest : public ::testing::Test {
 protected:
  ProducerTest() {
    char name[] = "/tmp/cm-producer-XXXXXX";
    directory_ = mkdtemp(name);
    socket_ = directory_ + "/writer.sock";
  }
  ~ProducerTest() override {
    AuditInfo audit;
    info(audit);
    if (audit.state != AuditState::kNone) {
      // The test's writer may be gone, and a goodbye waits for one.
      const FakeWriter last(socket_, log_);
      static_cast<void>(detach());
    }
    cm::test::remove_directory(directory_);
  }

  AttachConfig config(uint32_t wait_ms = kLongMs, uint32_t ring_count = 8, uint32_t ring_records = 256) const {
    static const uint8_t digest[32] = {42};
    AttachConfig c{};
    c.audit_socket = socket_.c_str();
    c.ring_records = ring_records;
    c.ring_count = ring_count;
    c.wait_ms = wait_ms;
    c.module_digest = digest;
    std::strcpy(c.module_version, "1.2.3");
    std::strcpy(c.lanes, "aes=portable");
    return c;
  }

  void expect_no_complaints() const {
    for (const std::string& c : log_.complaints()) ADD_FAILURE() << c;
  }
  // ring_of: records of a ring of the first client after everything published was drained.
  std::vector<Record> ring_of(uint32_t ring, size_t client = 0) const {
    const std::vector<ClientId> ids = log_.clients();
    return client < ids.size() ? log_.ring(ids[client], ring) : std::vector<Record>{};
  }

  std::string directory_;
  std::string socket_;
  FakeLog log_;
};

}  // namespace cm::audit::test
