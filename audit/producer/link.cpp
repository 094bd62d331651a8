// SPDX-License-Identifier: Apache-2.0
// link.cpp: see link.h. Sockets are non-blocking and close-on-exec; descriptors the writer might send are never
// accepted, because no control buffer is given to the kernel.
#include "audit/producer/link.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "audit/producer/producer_state.h"
#include "audit/wire.h"
#include "crypto/base/secret.h"

namespace cm::audit {
namespace {

void note(const char* what, int error) {
  Sentence s;
  s.add(what);
  if (error != 0) s.add(" (errno ").add_number(static_cast<uint64_t>(error)).add(")");
  note_error(s);
}

// open_socket_directory: an O_PATH descriptor of the directory the socket is in: the kernel's limit of 107 characters
// then does not bind the user's path. The directory of a private writer must be ours, or another user could pose as the
// writer; root's private writer gives it to its own user.
int open_socket_directory(const char* path, bool is_private) {
  const int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || !is_private) return fd;
  struct stat info;
  const uid_t self = geteuid();
  if (fstat(fd, &info) == 0 && (info.st_uid == self || self == 0) && (info.st_mode & 022) == 0) return fd;
  close(fd);
  errno = EPERM;
  return -1;
}

// socket_place: directory and file name of the writer's socket.
const char* socket_place(const StoredConfig& config, Path& directory) {
  if (config.is_private()) {
    directory.assign(config.run_dir.c_str());
    return kSocketName;
  }
  const char* path = config.audit_socket.c_str();  // absolute, so there is a slash
  const char* slash = std::strrchr(path, '/');
  directory.clear();
  directory.add(path, slash == path ? 1 : static_cast<size_t>(slash - path));
  return slash + 1;
}

bool socket_address(sockaddr_un& address, int directory_fd, const char* name) {
  FixedText<sizeof address.sun_path> path;
  path.add("/proc/self/fd/").add_number(static_cast<uint64_t>(directory_fd)).add("/").add(name);
  if (path.overflowed()) return false;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return true;
}

bool nobody_there(int error) { return error == ENOENT || error == ECONNREFUSED || error == ENOTDIR; }

bool send_hello(int socket_fd, int executable_fd) {
  const StoredConfig& config = g_process.config;
  WireHello hello{};
  hello.type = static_cast<uint32_t>(WireType::kHello);
  hello.version = kWireVersion;
  std::memcpy(hello.resume_client_id, g_process.client_id, sizeof hello.resume_client_id);
  std::memcpy(hello.module_digest, config.module_digest, sizeof hello.module_digest);
  std::memcpy(hello.module_version, config.module_version, sizeof hello.module_version);
  std::memcpy(hello.lanes, config.lanes, sizeof hello.lanes);
  hello.seal_kind = kSealChain;
  hello.ring_count = g_process.memory.ring_count;
  hello.ring_records = g_process.memory.ring_records;

  const int descriptors[2] = {g_process.memory.memfd, executable_fd};
  alignas(cmsghdr) uint8_t control[CMSG_SPACE(sizeof descriptors)] = {};
  iovec part{&hello, sizeof hello};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof descriptors);
  std::memcpy(CMSG_DATA(header), descriptors, sizeof descriptors);
  return sendmsg(socket_fd, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof hello);
}

bool all_zero(const uint8_t* bytes, size_t count) {
  uint8_t seen = 0;
  for (size_t i = 0; i < count; ++i) seen |= bytes[i];
  return seen == 0;
}

// welcome_problem: null when the Welcome is right. After a restart it must be for the same client of the same log.
const char* welcome_problem(const WireWelcome& w) {
  if (w.version != kWireVersion) return "the writer speaks another version of the protocol";
  if (all_zero(w.client_id, sizeof w.client_id) || all_zero(w.log_id, sizeof w.log_id))
    return "the writer's Welcome names no client or no log";
  if (w.tpm_kind > 2 || w.writer_pid == 0 || w.incarnation == 0) return "the writer's Welcome is malformed";
  if (all_zero(g_process.client_id, sizeof g_process.client_id)) return nullptr;
  if (std::memcmp(w.client_id, g_process.client_id, sizeof w.client_id) != 0)
    return "the new writer does not continue this client";
  if (std::memcmp(w.log_id, g_process.log_id, sizeof w.log_id) != 0) return "the new writer has another log";
  return nullptr;
}

void adopt_welcome(const WireWelcome& w) {
  // Written once: a later Welcome is for the same client of the same log, and info may be reading.
  if (all_zero(g_process.client_id, sizeof g_process.client_id)) {
    seal_memory_start(g_process.seals, w.seal_seed);
    std::memcpy(g_process.client_id, w.client_id, sizeof w.client_id);
    std::memcpy(g_process.log_id, w.log_id, sizeof w.log_id);
  }
  g_process.tpm_kind.store(w.tpm_kind, std::memory_order_relaxed);
  g_process.incarnation.store(w.incarnation, std::memory_order_relaxed);
}

void note_refusal(const WireRefused& refused) {
  Sentence s;
  s.add("the writer refuses this process: ");
  for (const char* c = refused.reason; c < refused.reason + sizeof refused.reason && *c != 0; ++c) {
    const char shown = *c >= ' ' && *c <= '~' ? *c : '?';
    s.add(&shown, 1);
  }
  note_error(s);
}

bool receive_welcome(int fd) {
  union {
    WireWelcome welcome;
    WireRefused refused;
    uint32_t type;
    uint8_t bytes[512];
  } packet{};
  struct Wiped {
    void* bytes;
    ~Wiped() { zeroise(bytes, sizeof packet); }
  } const wiped{&packet};  // the seed of the seals
  const ssize_t size = recv(fd, &packet, sizeof packet, 0);
  if (size <= 0) {
    note("the writer closed the connection before its Welcome", 0);
    return false;
  }
  if (size == sizeof packet.refused && packet.type == static_cast<uint32_t>(WireType::kRefused)) {
    note_refusal(packet.refused);
    return false;
  }
  const char* problem = size == sizeof packet.welcome && packet.type == static_cast<uint32_t>(WireType::kWelcome)
                            ? welcome_problem(packet.welcome)
                            : "the writer answered something that is not a Welcome";
  if (problem != nullptr) {
    note(problem, 0);
    return false;
  }
  adopt_welcome(packet.welcome);
  return true;
}

bool exchange(int fd, Deadline deadline) {
  const int executable = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (executable < 0) {
    note("cannot open /proc/self/exe", errno);
    return false;
  }
  const bool sent = send_hello(fd, executable);
  const int error = errno;
  close(executable);
  if (!sent) {
    note("cannot send Hello to the writer", error);
    return false;
  }
  switch (wait_readable(fd, deadline)) {
    case Readiness::kReady:
      return receive_welcome(fd);
    case Readiness::kTimeout:
      note("the writer does not answer Hello", 0);
      return false;
    case Readiness::kStopped:
      return false;
  }
  return false;
}

}  // namespace

ConnectResult link_connect() {
  const StoredConfig& config = g_process.config;
  Path directory;
  const char* name = socket_place(config, directory);
  const int directory_fd = open_socket_directory(directory.c_str(), config.is_private());
  if (directory_fd < 0) {
    if (nobody_there(errno)) {
      note("there is no writer's socket", errno);
      return ConnectResult::kNobody;
    }
    note("the directory of the writer's socket cannot be used, or others may write to it", errno);
    return ConnectResult::kFailed;
  }
  const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  g_process.link_fd.store(fd, std::memory_order_release);
  sockaddr_un address{};
  const bool connected = fd >= 0 && socket_address(address, directory_fd, name) &&
                         connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const int error = errno;
  close(directory_fd);
  if (connected) return ConnectResult::kConnected;
  link_drop();
  note("no writer answers on its socket", error);
  return nobody_there(error) ? ConnectResult::kNobody : ConnectResult::kFailed;
}

bool link_handshake(Deadline deadline) {
  if (!exchange(g_process.link_fd.load(std::memory_order_relaxed), deadline)) {
    link_drop();
    return false;
  }
  // A look at the shared memory from before this writer may have been wrong; from now on it counts.
  g_process.distrusted.store(0, std::memory_order_release);
  note_error(Sentence{});
  g_process.link_state.store(LinkState::kUp, std::memory_order_release);
  return true;
}

void link_drop() {
  g_process.link_state.store(LinkState::kDown, std::memory_order_release);
  const int fd = g_process.link_fd.exchange(-1, std::memory_order_acq_rel);
  if (fd >= 0) close(fd);
}

bool link_send_bye(bool end_log) {
  const WireBye bye{static_cast<uint32_t>(WireType::kBye), end_log ? 1u : 0u};
  return send(g_process.link_fd.load(std::memory_order_relaxed), &bye, sizeof bye, MSG_NOSIGNAL) ==
         static_cast<ssize_t>(sizeof bye);
}

LinkMessage link_read() {
  uint8_t packet[512];
  const ssize_t size = recv(g_process.link_fd.load(std::memory_order_relaxed), packet, sizeof packet, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return LinkMessage::kNone;
  WireBye message{};
  if (size != static_cast<ssize_t>(sizeof message)) return LinkMessage::kGone;
  std::memcpy(&message, packet, sizeof message);
  return message.type == static_cast<uint32_t>(WireType::kByeDone) ? LinkMessage::kByeDone : LinkMessage::kGone;
}

Readiness wait_readable(int fd, Deadline deadline) {
  constexpr int kSliceMs = 1000;
  for (;;) {
    if (g_process.stop.load(std::memory_order_acquire) != 0) return Readiness::kStopped;
    pollfd watched[2] = {{fd, POLLIN, 0}, {g_process.kick_fd.load(std::memory_order_relaxed), POLLIN, 0}};
    const int left = deadline.left_ms(kSliceMs);
    poll(watched, 2, left);
    if (watched[0].revents != 0) return Readiness::kReady;
    if (watched[1].revents != 0) drain_kicks();
    if (left == 0) return Readiness::kTimeout;
  }
}

void drain_kicks() {
  eventfd_t count = 0;
  static_cast<void>(eventfd_read(g_process.kick_fd.load(std::memory_order_relaxed), &count));
}

}  // namespace cm::audit
