// SPDX-License-Identifier: Apache-2.0
// device_tpm.cpp: see device_tpm.h.
#include "tests/audit/support/device_tpm.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "tests/audit/support/writer_process.h"

namespace cm::audit_test {
namespace {

pid_t start_swtpm(const std::string& base, const std::string& socket_path) {
  const std::string state = "dir=" + base + "/device", server = "type=unixio,path=" + socket_path;
  std::filesystem::create_directory(base + "/device");
  const pid_t pid = fork();
  if (pid != 0) return pid;
  execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state.c_str(), "--server", server.c_str(), "--flags",
         "not-need-init,startup-clear", nullptr);
  _exit(127);
}

int connect_to(const std::string& socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size() + 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  for (int i = 0; i < 1000; ++i) {
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
    pause_ms(10);
  }
  throw std::runtime_error("swtpm does not come");
}

}  // namespace

DeviceTpm::DeviceTpm(const std::string& base) {
  const std::string path = base + "/device.sock";
  pid_ = start_swtpm(base, path);
  master_ = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (grantpt(master_) != 0 || unlockpt(master_) != 0) throw std::runtime_error("terminal");
  name_ = ptsname(master_);
  slave_ = open(name_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  termios raw;
  tcgetattr(slave_, &raw);
  cfmakeraw(&raw);
  tcsetattr(slave_, TCSANOW, &raw);
  tpm_ = connect_to(path);
  bridge_ = std::thread([this] { bridge(); });
}

DeviceTpm::~DeviceTpm() {
  stop_ = true;
  bridge_.join();
  for (const int fd : {tpm_, slave_, master_}) close(fd);
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void DeviceTpm::forget_answers() const {
  pause_ms(delay_ms_ + 50);  // the command that was on its way
  tcflush(slave_, TCIFLUSH);
}

void DeviceTpm::bridge() {
  uint8_t bytes[4096];
  while (!stop_) {
    pollfd polled[2] = {{master_, POLLIN, 0}, {tpm_, POLLIN, 0}};
    if (poll(polled, 2, 100) <= 0) continue;
    if ((polled[0].revents & POLLIN) != 0)
      if (const ssize_t n = read(master_, bytes, sizeof bytes); n > 0) {
        if (const int delay = delay_ms_; delay != 0) pause_ms(delay);
        (void)!write(tpm_, bytes, static_cast<size_t>(n));
      }
    if ((polled[1].revents & POLLIN) == 0) continue;
    ssize_t n = read(tpm_, bytes, sizeof bytes);
    constexpr uint8_t kFailure[10] = {0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x01, 0x01};  // TPM_RC_FAILURE
    if (fail_.exchange(false)) {
      std::memcpy(bytes, kFailure, sizeof kFailure);
      n = sizeof kFailure;
    }
    if (n > 0) (void)!write(master_, bytes, static_cast<size_t>(n));
  }
}

}  // namespace cm::audit_test
