// SPDX-License-Identifier: Apache-2.0
// load.h: the clients of one trial: what they publish, how they come back to the next writer, and what of it the log
// must hold.
#pragma once
#include <sys/types.h>

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/audit/faults/plan.h"
#include "tests/audit/support/fake_client.h"
#include "tests/audit/support/log_reader.h"

namespace cm::audit_test {

// LoadClient: one attachment. Objects of its records are 0, 1, 2 and so on, on each ring.
struct LoadClient {
  std::unique_ptr<FakeClient> client;
  bool connected = false;
  bool leaves = false;    // ended its connection without a word, or broke its ring: it does not come back
  bool replaced = false;  // was refused when it came back; the log must say why
};

// Killed: what a client that was killed had been told; shared with its process.
struct Killed {
  uint32_t first_ring;
  uint64_t acked;
};

class Load {
 public:
  Load(const Plan& plan, std::string run_dir, std::function<bool()> writer_runs);

  // play: the plan's steps, until they are done or the writer has ended.
  void play();
  // finish: with a writer without faults: everybody comes back, publishes, waits and says goodbye.
  void finish();
  // check_durable: after a death: what was acknowledged is on the disk. check_all: after the end of the log.
  void check_durable(const Log& log);
  void check_all(const Log& log);

  bool somebody_replaced() const;
  const std::string& wrong() const { return wrong_; }
  uint64_t acts() const { return acts_; }  // clients that were killed, broke a ring or came and went

 private:
  void step();
  void act();
  void kill_one();
  void break_one();
  void come_and_go();
  bool attached(LoadClient& c);
  void publish(LoadClient& c, uint32_t ring, uint64_t pairs);
  bool wait(LoadClient& c, uint32_t ring, bool extended);
  void replace(LoadClient& c);
  void check_rings(const LoadClient& c, const Log& log, bool at_end);
  void check_killed(const Killed& killed, const Log& log);
  void say(const std::string& what);
  uint64_t below(uint64_t end) { return random_() % end; }

  const Plan& plan_;
  const std::string run_dir_;
  const std::function<bool()> writer_runs_;
  std::mt19937_64 random_;
  std::vector<LoadClient> clients_;  // the first plan.clients are those that stay
  std::vector<Killed*> killed_;
  std::string wrong_;
  uint64_t acts_ = 0;
};

}  // namespace cm::audit_test
