// SPDX-License-Identifier: Apache-2.0
// server.h: the writer's socket: takes connections, reads and checks packets (audit/wire.h), and tells the main thread.
// One thread polls; others look at what a Hello brings, because hashing an executable takes time and reading a file
// that a client chose may take for ever: each user has one of them at a time, so that he keeps only his own processes
// waiting. Nothing a client sends is believed before it was checked here.
#pragma once
#include <sys/socket.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "audit/merkle.h"
#include "audit/payload.h"
#include "audit/wire.h"
#include "audit/writer/error.h"
#include "audit/writer/futex.h"
#include "audit/writer/shared_mapping.h"
#include "audit/writer/tpm_thread.h"
#include "audit/writer/unique_fd.h"
#include "crypto/base/lane.h"

namespace cm::audit {

class Connection {
 public:
  Connection(UniqueFd fd, const ucred& peer) : fd_(std::move(fd)), peer_(peer) {}

  const ucred& peer() const { return peer_; }
  int fd() const { return fd_.get(); }
  // send: one packet, never waiting. A peer that does not read its packets loses them.
  void send(const void* packet, size_t size) const {
    (void)::send(fd_.get(), packet, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  }
  void refuse(const std::string& reason) const;
  // cut: ends the connection for both sides; the descriptor stays ours.
  void cut() const { ::shutdown(fd_.get(), SHUT_RDWR); }
  // closed: the poll thread has seen its end.
  std::atomic<bool> closed{false};

 private:
  const UniqueFd fd_;
  const ucred peer_;
};

// Greeting: a Hello and all that was found out about its sender. attach lacks what the log decides: client id, rings.
struct Greeting {
  WireHello hello{};
  ClientAttach attach;
  SharedMapping mapping;
};

struct ServerEvent {
  enum class Kind {
    kHello,
    kChallenge,
    kJob,
    kSign,
    kBye,
    kGone,       // end of the connection
    kViolation,  // a packet that may not come
    kTerminate,  // SIGTERM or SIGINT
    kHangUp,     // SIGHUP
  };
  Kind kind = Kind::kGone;
  std::shared_ptr<Connection> connection = {};
  std::unique_ptr<Greeting> greeting = {};
  bool end_log = false;
  Digest nonce{};       // kChallenge
  AuditorJob job = {};  // kJob
  TreeHead head = {};   // kSign
};

class Server {
 public:
  // Door: where clients come in. The writer's own socket is bound and does not listen yet, and serves its creator and
  // root. One that a service manager handed over listens, stays open when we end, and serves whoever its file lets in.
  struct Door {
    UniqueFd fd;
    std::optional<uid_t> creator;
    bool ours() const { return creator.has_value(); }
  };
  Server(Door door, Lane lane, WakeWord& wake);
  ~Server() { stop(); }

  // run: starts the threads, for which nothing is to be read yet. open: takes connections from now on.
  Error run();
  Error open();
  // close_door: whoever connects from now on is refused by the kernel, or waits for the next writer.
  void close_door();
  // stop: ends the threads. False when one hangs in a file that a client gave us: then the process may only exit at
  // once.
  bool stop();

  std::vector<ServerEvent> take_events();
  // newcomers: connections that are neither served nor refused yet.
  uint32_t newcomers() const { return newcomers_.load(); }
  // settled: a kHello, kChallenge, kJob or kSign event was dealt with.
  void settled() { --newcomers_; }

 private:
  struct Peer {
    std::shared_ptr<Connection> connection;
    uint64_t deadline_ns = 0;  // for its Hello; 0 after it
    bool said_bye = false;
    bool ended = false;
  };
  struct Packet;
  struct Introduction {
    std::shared_ptr<Connection> connection;
    WireHello hello;
    UniqueFd memory;
    UniqueFd executable;
  };

  void poll_loop();
  void greet_loop();
  std::deque<Introduction>::iterator next_introduction();
  void accept_one();
  void drop_late_peers();
  bool read_packet(Peer& peer);
  bool read_hello(Peer& peer, const WireHello& hello, std::vector<UniqueFd>& fds);
  bool read_challenge(Peer& peer, const WireChallenge& challenge);
  bool read_enrol(Peer& peer, const WireEnrol& enrol);
  bool read_activate(Peer& peer, const WireActivate& activate);
  bool read_sign(Peer& peer, const WireSign& sign);
  bool read_question(Peer& peer, const Packet& packet);
  void post_job(Peer& peer, AuditorJob job);
  void greet(Introduction& introduction);
  void post(ServerEvent event);

  const Door door_;
  UniqueFd signal_fd_;
  UniqueFd stop_fd_;
  const Lane lane_;
  WakeWord& wake_;
  std::thread poll_thread_;
  std::vector<std::thread> greet_threads_;
  std::vector<Peer> peers_;  // of the poll thread
  std::atomic<bool> listening_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<uint32_t> newcomers_{0};

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ServerEvent> events_;         // under mutex_
  std::deque<Introduction> introductions_;  // under mutex_
  std::vector<uid_t> greeted_users_;        // under mutex_: whose introductions are being looked at
  size_t greeters_ = 0;                     // under mutex_: threads that have not ended
};

// process_start_time: in clock ticks since boot; 0 when there is no such process.
uint64_t process_start_time(pid_t pid);

// inspect_peer: fills in what the kernel says about the sender of a Hello. inspect_executable: the same about its
// executable, with the digest.
void inspect_peer(const ucred& peer, ClientAttach& out);
void inspect_executable(Lane lane, const ucred& peer, int executable_fd, ClientAttach& out);

// resumes: the Hello comes from a client of the writer before.
bool resumes(const WireHello& hello);

}  // namespace cm::audit
