// SPDX-License-Identifier: Apache-2.0
// fake_writer.h: the other side of ring.h and wire.h under a test's control: it drains or not, extends or not, answers
// Hello rightly or wrongly, lies in the shared memory, and dies. It runs as a thread, so a test can look into it.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "audit/ring.h"
#include "fake_log.h"

namespace cm::audit::test {

enum class Greeting {
  kWelcome,
  kHangUp,   // closes after Hello
  kSilent,   // never answers
  kGarbage,  // bytes that are no message
  kShort,    // a Welcome without its last byte
  kNoClientId,
  kNoLogId,
  kOtherClient,  // another client id than the one to resume
  kOtherLog,
  kVersion,
  kTpmKind,
  kRefuse,
};

class FakeWriter {
 public:
  FakeWriter(std::string socket_path, FakeLog& log, Greeting greeting = Greeting::kWelcome);
  ~FakeWriter();  // as die

  // die: closes listener and connections at once; what is in the rings stays there.
  void die();

  std::atomic<bool> extends{true};
  std::atomic<bool> sleeps{false};  // waits on the doorbell without a time limit worth mentioning
  std::atomic<bool> answers_bye{true};
  std::atomic<Greeting> greeting;
  std::atomic<uint32_t> hellos{0};
  std::atomic<uint32_t> doorbells{0};  // times a producer woke it
  std::atomic<bool> ended{false};      // a Bye with end_log took the last client

  // set_drains: when it returns no record is being taken any more (false), or all are from now on (true).
  void set_drains(bool drains);

  // Views into a client's shared memory; null when there is no such client.
  WriterPage* page(size_t client = 0);
  RingControl* control(uint32_t ring, size_t client = 0);
  WireHello hello(size_t client = 0);
  void set_flags(uint32_t flags, size_t client = 0);
  void wake(size_t client = 0);
  void say(const std::string& packet, size_t client = 0);
  // waiting: whether a thread of the client waits for us.
  bool waiting(size_t client = 0) { return page(client)->waiters.load() != 0; }
  size_t connected();

 private:
  struct Client;
  void run();
  void accept_one();
  bool greet(Client& client);
  bool take_hello(Client& client);
  void drain(Client& client);
  bool hear(Client& client);
  void sleep_on_doorbell();
  Client* find(size_t client);

  std::string path_;
  FakeLog& log_;
  int listener_ = -1;
  uint32_t incarnation_;
  std::mutex mutex_;
  bool drains_ = true;  // under mutex_
  std::vector<std::unique_ptr<Client>> clients_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace cm::audit::test
