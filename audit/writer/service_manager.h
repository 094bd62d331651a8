// SPDX-License-Identifier: Apache-2.0
// service_manager.h: what a service manager such as systemd hands over and wants to be told: the listening socket
// (sd_listen_fds(3)), readiness, end and signs of life (sd_notify(3), sd_watchdog_enabled(3)). Both are a few
// environment variables and datagrams, which need no library inside the writer.
#pragma once
#include <cstdint>
#include <string_view>

#include "audit/writer/error.h"
#include "audit/writer/unique_fd.h"

namespace cm::audit {

class ServiceManager {
 public:
  // adopt: takes what the environment names and removes it from there. Once, before there are threads. An error when
  // the descriptor handed over cannot serve as the writer's socket.
  Error adopt();

  // socket: the listening socket, not valid when none was handed over. It stays the manager's: connections that nobody
  // has accepted wait in it for the next writer.
  UniqueFd take_socket() { return std::move(socket_); }
  bool has_socket() const { return has_socket_; }
  // socket_owner: user of the process that listens on it, as the kernel knows.
  uint32_t socket_owner() const { return socket_owner_; }

  // Each is nothing when nobody wants to know.
  void say_ready() const { say("READY=1"); }
  void say_stopping() const { say("STOPPING=1"); }
  // stay_alive: at most twice in the manager's interval, however often it is called.
  void stay_alive(uint64_t now_ns);

 private:
  Error adopt_socket();
  Error adopt_notify();
  void say(std::string_view state) const;

  UniqueFd socket_;
  bool has_socket_ = false;
  uint32_t socket_owner_ = 0;
  UniqueFd notify_;
  uint64_t watchdog_ns_ = 0;
  uint64_t last_sign_ns_ = 0;
};

}  // namespace cm::audit
