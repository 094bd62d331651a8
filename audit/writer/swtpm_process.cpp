// SPDX-License-Identifier: Apache-2.0
// swtpm_process.cpp: see swtpm_process.h. Paths are given through inherited directory descriptors, so that neither the
// 108 bytes of a unix socket's path nor an unreachable parent directory matters.
#include "audit/writer/swtpm_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace cm::audit {
namespace {

constexpr char kDataSocket[] = "swtpm.sock";
constexpr char kControlSocket[] = "swtpm.sock.ctrl";  // the name tss2-tcti-swtpm expects
constexpr char kLogName[] = "swtpm.log";
constexpr char kSystemPath[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr int kStateFd = 40;  // numbers inside the child
constexpr int kRunFd = 41;
constexpr int kStartTries = 500;
constexpr auto kStartPause = std::chrono::milliseconds(10);
constexpr int kStopTime_ms = 2000;
constexpr uint8_t kCmdShutdown[4] = {0, 0, 0, 3};  // CMD_SHUTDOWN of swtpm's control channel, big endian

// run_swtpm: the child between fork and exec: async-signal-safe calls only.
[[noreturn]] void run_swtpm(const Directories& directories, const Account& account, char* const* argv, int log_fd) {
  setsid();
  const int null_fd = open("/dev/null", O_RDONLY);
  if (null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0) _exit(126);
  // Above both fixed numbers first: a source could be one of the targets.
  const int state = fcntl(directories.tpm.get(), F_DUPFD, kRunFd + 1);
  const int run = fcntl(directories.run.get(), F_DUPFD, kRunFd + 1);
  if (state < 0 || run < 0 || dup2(state, kStateFd) < 0 || dup2(run, kRunFd) < 0) _exit(126);
  // swtpm outlives us and our starter: it keeps nothing that either of them has open.
  if (close_range(3, kStateFd - 1, 0) != 0 || close_range(kRunFd + 1, ~0u, 0) != 0) _exit(126);
  signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  umask(077);
  if (chdir("/") != 0 || !become(account)) _exit(126);
  char* const no_environment[] = {nullptr};
  execve(argv[0], argv, no_environment);
  _exit(127);
}

// find_swtpm: root does not look where its caller's PATH points.
std::string find_swtpm() {
  const char* caller_path = geteuid() == 0 ? nullptr : std::getenv("PATH");
  const std::string path = caller_path != nullptr ? caller_path : kSystemPath;
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find(':', begin), path.size());
    const std::string program = path.substr(begin, end - begin) + "/swtpm";
    if (program.front() == '/' && access(program.c_str(), X_OK) == 0) return program;
    begin = end + 1;
  }
  return {};
}

std::string log_tail(int run_fd) {
  UniqueFd fd(openat(run_fd, kLogName, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  std::string text(512, '\0');
  const ssize_t size = fd.valid() ? read(fd.get(), text.data(), text.size()) : 0;
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (char& c : text)
    if (c == '\n') c = ' ';
  return text;
}

Error explain_exit(int status, int run_fd) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) return {"swtpm cannot be executed"};
  if (WIFEXITED(status) && WEXITSTATUS(status) == 126) return {"cannot prepare the process of swtpm"};
  if (WIFSIGNALED(status)) return {"swtpm was killed at its start by signal " + std::to_string(WTERMSIG(status))};
  return {"swtpm ended at once with status " + std::to_string(WEXITSTATUS(status)) + ": " + log_tail(run_fd)};
}

Error wait_until_answers(pid_t pid, int run_fd) {
  for (int i = 0; i < kStartTries; ++i) {
    if (socket_answers(run_fd, kDataSocket) && socket_answers(run_fd, kControlSocket)) return {};
    int status = 0;
    if (waitpid(pid, &status, WNOHANG) == pid) return explain_exit(status, run_fd);
    std::this_thread::sleep_for(kStartPause);
  }
  return {"swtpm does not answer: " + log_tail(run_fd)};
}

}  // namespace

Error ensure_swtpm(const Directories& directories, const Account& account, bool& started) {
  started = false;
  const int run_fd = directories.run.get();
  if (socket_answers(run_fd, kDataSocket)) return {};
  unlinkat(run_fd, kDataSocket, 0);
  unlinkat(run_fd, kControlSocket, 0);
  UniqueFd log(openat(run_fd, kLogName, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!log.valid()) return system_error("cannot create swtpm.log in the run directory");

  const std::string program = find_swtpm();
  if (program.empty()) return {"swtpm was not found; install the package swtpm or name another TPM with --tcti"};
  std::array<std::string, 13> words = {program,
                                       "socket",
                                       "--tpm2",
                                       "--tpmstate",
                                       "dir=/proc/self/fd/40,mode=0600",
                                       "--server",
                                       "type=unixio,path=/proc/self/fd/41/swtpm.sock,mode=0600",
                                       "--ctrl",
                                       "type=unixio,path=/proc/self/fd/41/swtpm.sock.ctrl,mode=0600",
                                       "--flags",
                                       "not-need-init,startup-clear",
                                       "--pid",
                                       "file=/proc/self/fd/41/swtpm.pid"};
  std::array<char*, words.size() + 1> argv{};
  for (size_t i = 0; i < words.size(); ++i) argv[i] = words[i].data();

  const pid_t pid = fork();
  if (pid < 0) return system_error("cannot start swtpm");
  if (pid == 0) run_swtpm(directories, account, argv.data(), log.get());
  started = true;
  return wait_until_answers(pid, run_fd);
}

std::string swtpm_tcti(int run_fd) { return "swtpm:path=" + fd_path(run_fd, kDataSocket); }

void stop_swtpm(int run_fd) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = fd_path(run_fd, kControlSocket);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid() || connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return;
  uint8_t answer[4];
  if (write(fd.get(), kCmdShutdown, sizeof kCmdShutdown) != ssize_t{sizeof kCmdShutdown}) return;
  pollfd polled = {fd.get(), POLLIN, 0};
  if (poll(&polled, 1, kStopTime_ms) == 1) (void)!read(fd.get(), answer, sizeof answer);
}

}  // namespace cm::audit
