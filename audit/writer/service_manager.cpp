// SPDX-License-Identifier: Apache-2.0
// service_manager.cpp: see service_manager.h.
#include "audit/writer/service_manager.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

namespace cm::audit {
namespace {

constexpr int kFirstHandedOver = 3;  // SD_LISTEN_FDS_START

// take_variable: its value, which children and libraries do not see any more.
std::optional<std::string> take_variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  std::string out = value;
  unsetenv(name);
  return out;
}

std::optional<uint64_t> number(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  uint64_t out = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), out);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return out;
}

// means_us: the variable names this process, or nobody.
bool means_us(const std::optional<std::string>& pid) { return !pid || number(pid) == static_cast<uint64_t>(getpid()); }

int socket_option(int fd, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

}  // namespace

Error ServiceManager::adopt() {
  if (Error error = adopt_socket()) return error;
  return adopt_notify();
}

Error ServiceManager::adopt_socket() {
  const auto pid = take_variable("LISTEN_PID"), count = take_variable("LISTEN_FDS");
  take_variable("LISTEN_FDNAMES");
  if (!count || !pid || !means_us(pid)) return {};
  if (number(count) != 1U) return {"the service manager must hand over one socket, not " + *count};
  UniqueFd fd(kFirstHandedOver);
  ucred owner{};
  socklen_t size = sizeof owner;
  if (socket_option(fd.get(), SO_DOMAIN) != AF_UNIX || socket_option(fd.get(), SO_TYPE) != SOCK_SEQPACKET ||
      socket_option(fd.get(), SO_ACCEPTCONN) != 1 || getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &owner, &size) != 0)
    return {
        "what the service manager handed over is not a listening unix socket of type SOCK_SEQPACKET "
        "(ListenSequentialPacket=)"};
  fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  fcntl(fd.get(), F_SETFL, O_NONBLOCK);  // another process may take the connection that poll has seen
  socket_owner_ = owner.uid;
  has_socket_ = true;
  socket_ = std::move(fd);
  return {};
}

Error ServiceManager::adopt_notify() {
  const auto path = take_variable("NOTIFY_SOCKET");
  const auto pid = take_variable("WATCHDOG_PID"), interval = take_variable("WATCHDOG_USEC");
  if (!path) return {};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path->size() < 2 || path->size() >= sizeof address.sun_path) return {"NOTIFY_SOCKET is no address of a socket"};
  std::memcpy(address.sun_path, path->data(), path->size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path->size());
  notify_.reset(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!notify_.valid() || connect(notify_.get(), reinterpret_cast<sockaddr*>(&address), length) != 0)
    return system_error("cannot reach the service manager at NOTIFY_SOCKET");
  if (means_us(pid)) watchdog_ns_ = number(interval).value_or(0) * 1000;
  return {};
}

void ServiceManager::stay_alive(uint64_t now_ns) {
  if (watchdog_ns_ == 0 || (last_sign_ns_ != 0 && now_ns < last_sign_ns_ + watchdog_ns_ / 2)) return;
  last_sign_ns_ = now_ns;
  say("WATCHDOG=1");
}

void ServiceManager::say(std::string_view state) const {
  if (notify_.valid()) (void)!send(notify_.get(), state.data(), state.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace cm::audit
