// SPDX-License-Identifier: Apache-2.0
// server.cpp: see server.h.
#include "audit/writer/server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <csignal>
#include <cstring>

namespace cm::audit {
namespace {

constexpr size_t kPeersMax = 1024;
constexpr int kBacklog = 64;
constexpr uint64_t kHelloTime_ns = 5000000000;
constexpr int kPollPause_ms = 1000;
constexpr size_t kGreeters = 8;
constexpr size_t kDescriptorsMax = 4;  // more than a Hello may have, so that too many are seen

void ring(const UniqueFd& event_fd) {
  const uint64_t one = 1;
  (void)!write(event_fd.get(), &one, sizeof one);
}

bool terminated(const char* text, size_t size) { return std::memchr(text, '\0', size) != nullptr; }

bool hello_is_sound(const WireHello& hello) {
  return hello.version == kWireVersion && hello.reserved == 0 && hello.seal_kind == kSealChain &&
         terminated(hello.module_version, sizeof hello.module_version) && terminated(hello.lanes, sizeof hello.lanes) &&
         ring_geometry_valid(hello.ring_count, hello.ring_records);
}

bool known(uint32_t ek_kind) {
  return ek_kind == static_cast<uint32_t>(EkKind::kRsa2048) || ek_kind == static_cast<uint32_t>(EkKind::kEccP256);
}

}  // namespace

// Packet: one datagram and the descriptors that came with it.
struct Server::Packet {
  alignas(8) uint8_t bytes[std::max(sizeof(WireHello), sizeof(WireActivate)) + 1];
  size_t size = 0;
  bool truncated = false;
  std::vector<UniqueFd> fds;

  ssize_t receive(int fd);
  // is: the message of that size came, with no descriptors.
  template <class Message>
  bool is(Message& out) const {
    if (size != sizeof out || truncated || !fds.empty()) return false;
    std::memcpy(&out, bytes, sizeof out);
    return true;
  }
};

ssize_t Server::Packet::receive(int fd) {
  alignas(cmsghdr) char control[CMSG_SPACE(kDescriptorsMax * sizeof(int))];
  iovec part = {bytes, sizeof bytes};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (n < 0) return n;
  size = static_cast<size_t>(n);
  truncated = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int received;
      std::memcpy(&received, CMSG_DATA(c) + i * sizeof(int), sizeof received);
      fds.emplace_back(received);
    }
  }
  return n;
}

bool resumes(const WireHello& hello) {
  const auto& id = hello.resume_client_id;
  return std::any_of(std::begin(id), std::end(id), [](uint8_t b) { return b != 0; });
}

void Connection::refuse(const std::string& reason) const {
  WireRefused packet{};
  packet.type = static_cast<uint32_t>(WireType::kRefused);
  std::memcpy(packet.reason, reason.data(), std::min(reason.size(), sizeof packet.reason - 1));
  send(&packet, sizeof packet);
  cut();
}

Server::Server(Door door, Lane lane, WakeWord& wake) : door_(std::move(door)), lane_(lane), wake_(wake) {}

Error Server::run() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  signal_fd_.reset(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  stop_fd_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!signal_fd_.valid() || !stop_fd_.valid()) return system_error("cannot watch for signals");
  poll_thread_ = std::thread([this] { poll_loop(); });
  greeters_ = kGreeters;
  for (size_t i = 0; i < kGreeters; ++i) greet_threads_.emplace_back([this] { greet_loop(); });
  return {};
}

Error Server::open() {
  if (door_.ours() && listen(door_.fd.get(), kBacklog) != 0) return system_error("cannot listen on the socket");
  listening_ = true;
  ring(stop_fd_);
  return {};
}

void Server::close_door() {
  listening_ = false;
  if (door_.ours()) shutdown(door_.fd.get(), SHUT_RDWR);
  ring(stop_fd_);
}

bool Server::stop() {
  if (!poll_thread_.joinable()) return true;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  ring(stop_fd_);
  poll_thread_.join();
  std::unique_lock lock(mutex_);
  const bool finished = changed_.wait_for(lock, std::chrono::seconds(1), [this] { return greeters_ == 0; });
  lock.unlock();
  for (std::thread& thread : greet_threads_) {
    if (finished)
      thread.join();
    else
      thread.detach();
  }
  return finished;
}

void Server::post(ServerEvent event) {
  {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
  }
  wake_.wake();
}

std::vector<ServerEvent> Server::take_events() {
  const std::lock_guard lock(mutex_);
  return std::exchange(events_, {});
}

void Server::poll_loop() {
  std::vector<pollfd> polled;
  while (!stopping_) {
    polled.clear();
    polled.push_back({signal_fd_.get(), POLLIN, 0});
    polled.push_back({stop_fd_.get(), POLLIN, 0});
    polled.push_back({listening_ ? door_.fd.get() : -1, POLLIN, 0});
    for (const Peer& peer : peers_) polled.push_back({peer.connection->fd(), POLLIN, 0});
    poll(polled.data(), polled.size(), kPollPause_ms);
    if (polled[0].revents != 0) {
      signalfd_siginfo info;
      while (read(signal_fd_.get(), &info, sizeof info) > 0)
        post({.kind = info.ssi_signo == SIGHUP ? ServerEvent::Kind::kHangUp : ServerEvent::Kind::kTerminate});
    }
    uint64_t rung;
    if (polled[1].revents != 0) (void)!read(stop_fd_.get(), &rung, sizeof rung);
    // Those that are gone come first: who says goodbye after them may be the last.
    for (const bool gone : {true, false})
      for (size_t i = 0; i < peers_.size(); ++i) {
        const short seen = polled[3 + i].revents;
        if (seen != 0 && ((seen & POLLHUP) != 0) == gone) peers_[i].ended = !read_packet(peers_[i]);
      }
    std::erase_if(peers_, [](const Peer& peer) { return peer.ended; });
    drop_late_peers();
    if (polled[2].revents != 0 && listening_) accept_one();
  }
}

void Server::drop_late_peers() {
  const uint64_t now = monotonic_ns();
  std::erase_if(peers_, [&](Peer& peer) {
    if (peer.deadline_ns == 0 || peer.deadline_ns > now) return false;
    peer.connection->cut();
    --newcomers_;
    return true;
  });
}

void Server::accept_one() {
  UniqueFd fd(accept4(door_.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd.valid()) return;
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return;
  auto connection = std::make_shared<Connection>(std::move(fd), peer);
  if (door_.ours() && peer.uid != door_.creator && peer.uid != 0)
    return connection->refuse("this writer serves another user");
  if (peers_.size() >= kPeersMax) return connection->refuse("too many clients");
  ++newcomers_;
  peers_.push_back({std::move(connection), monotonic_ns() + kHelloTime_ns, false, false});
}

// read_packet: false when the connection is at its end.
bool Server::read_packet(Peer& peer) {
  Packet packet;
  const ssize_t n = packet.receive(peer.connection->fd());
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  const bool fresh = peer.deadline_ns != 0;
  if (n <= 0) {
    peer.connection->closed = true;
    if (fresh)
      --newcomers_;
    else
      post({.kind = ServerEvent::Kind::kGone, .connection = peer.connection});
    return false;
  }
  WireHello hello;
  if (fresh && packet.size == sizeof hello && !packet.truncated) {
    std::memcpy(&hello, packet.bytes, sizeof hello);
    if (read_hello(peer, hello, packet.fds)) return true;
  }
  if (fresh && read_question(peer, packet)) return true;
  WireBye bye;
  if (!fresh && !peer.said_bye && packet.is(bye) && bye.type == static_cast<uint32_t>(WireType::kBye) &&
      bye.end_log <= 1) {
    peer.said_bye = true;
    post({.kind = ServerEvent::Kind::kBye, .connection = peer.connection, .end_log = bye.end_log == 1});
    return true;
  }
  peer.connection->closed = true;
  if (fresh) {
    --newcomers_;
    peer.connection->refuse("malformed Hello, Challenge, Enrol, Activate or Sign");
  } else {
    post({.kind = ServerEvent::Kind::kViolation, .connection = peer.connection});
    peer.connection->cut();
  }
  return false;
}

bool Server::read_challenge(Peer& peer, const WireChallenge& challenge) {
  const auto& nonce = challenge.nonce;
  if (challenge.type != static_cast<uint32_t>(WireType::kChallenge) || challenge.version != kWireVersion ||
      std::all_of(std::begin(nonce), std::end(nonce), [](uint8_t b) { return b == 0; }))
    return false;
  peer.deadline_ns = 0;
  ServerEvent event{.kind = ServerEvent::Kind::kChallenge, .connection = peer.connection};
  std::copy(std::begin(nonce), std::end(nonce), event.nonce.begin());
  post(std::move(event));
  return true;
}

void Server::post_job(Peer& peer, AuditorJob job) {
  peer.deadline_ns = 0;
  post({.kind = ServerEvent::Kind::kJob, .connection = peer.connection, .job = std::move(job)});
}

bool Server::read_enrol(Peer& peer, const WireEnrol& enrol) {
  if (enrol.type != static_cast<uint32_t>(WireType::kEnrol) || enrol.version != kWireVersion || !known(enrol.ek_kind) ||
      enrol.reserved != 0)
    return false;
  post_job(peer, {.kind = AuditorJob::Kind::kEndorsement, .ek_kind = static_cast<EkKind>(enrol.ek_kind)});
  return true;
}

bool Server::read_activate(Peer& peer, const WireActivate& a) {
  if (a.type != static_cast<uint32_t>(WireType::kActivate) || a.version != kWireVersion || !known(a.ek_kind) ||
      a.reserved != 0 || a.credential_size > sizeof a.credential || a.secret_size > sizeof a.secret)
    return false;
  post_job(peer, {.kind = AuditorJob::Kind::kActivate,
                  .ek_kind = static_cast<EkKind>(a.ek_kind),
                  .credential = {a.credential, a.credential + a.credential_size},
                  .secret = {a.secret, a.secret + a.secret_size}});
  return true;
}

bool Server::read_sign(Peer& peer, const WireSign& sign) {
  if (sign.type != static_cast<uint32_t>(WireType::kSign) || sign.version != kWireVersion) return false;
  peer.deadline_ns = 0;
  ServerEvent event{.kind = ServerEvent::Kind::kSign, .connection = peer.connection};
  event.head.size = sign.size;
  std::copy(std::begin(sign.root), std::end(sign.root), event.head.root.begin());
  post(std::move(event));
  return true;
}

// read_question: what an auditor may ask instead of a Hello; false when it is none of that.
bool Server::read_question(Peer& peer, const Packet& packet) {
  WireChallenge challenge;
  if (packet.is(challenge)) return read_challenge(peer, challenge);
  WireEnrol enrol;
  if (packet.is(enrol)) return read_enrol(peer, enrol);
  WireActivate activate;
  if (packet.is(activate)) return read_activate(peer, activate);
  WireSign sign;
  return packet.is(sign) && read_sign(peer, sign);
}

bool Server::read_hello(Peer& peer, const WireHello& hello, std::vector<UniqueFd>& fds) {
  if (hello.type != static_cast<uint32_t>(WireType::kHello) || fds.size() != 2 || !hello_is_sound(hello)) return false;
  peer.deadline_ns = 0;
  // A client that comes back does not wait behind the executables of newcomers.
  if (resumes(hello)) {
    Introduction introduction{peer.connection, hello, std::move(fds[0]), std::move(fds[1])};
    greet(introduction);
    return true;
  }
  {
    const std::lock_guard lock(mutex_);
    introductions_.push_back({peer.connection, hello, std::move(fds[0]), std::move(fds[1])});
  }
  changed_.notify_all();
  return true;
}

// next_introduction: the first of a user whom no other thread is serving; under mutex_.
std::deque<Server::Introduction>::iterator Server::next_introduction() {
  return std::find_if(introductions_.begin(), introductions_.end(), [this](const Introduction& introduction) {
    const uid_t user = introduction.connection->peer().uid;
    return std::find(greeted_users_.begin(), greeted_users_.end(), user) == greeted_users_.end();
  });
}

void Server::greet_loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || next_introduction() != introductions_.end(); });
    if (stopping_) break;
    const auto next = next_introduction();
    Introduction introduction = std::move(*next);
    introductions_.erase(next);
    const uid_t user = introduction.connection->peer().uid;
    greeted_users_.push_back(user);
    lock.unlock();
    greet(introduction);
    lock.lock();
    std::erase(greeted_users_, user);
    changed_.notify_all();
  }
  --greeters_;
  changed_.notify_all();
}

void Server::greet(Introduction& introduction) {
  auto greeting = std::make_unique<Greeting>();
  const WireHello& hello = introduction.hello;
  greeting->hello = hello;
  if (Error error = greeting->mapping.map(introduction.memory.get(), hello.ring_count, hello.ring_records)) {
    introduction.connection->refuse(error.text);
    --newcomers_;
    return;
  }
  ClientAttach& attach = greeting->attach;
  const ucred& peer = introduction.connection->peer();
  inspect_peer(peer, attach);
  if (!resumes(hello)) inspect_executable(lane_, peer, introduction.executable.get(), attach);
  std::memcpy(attach.module_digest.data(), hello.module_digest, kDigestSize);
  attach.module_version = hello.module_version;
  attach.lanes = hello.lanes;
  attach.seal_kind = hello.seal_kind;
  attach.ring_records = hello.ring_records;
  attach.ring_count = hello.ring_count;
  post({.kind = ServerEvent::Kind::kHello, .connection = introduction.connection, .greeting = std::move(greeting)});
}

}  // namespace cm::audit
