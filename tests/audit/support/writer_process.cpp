// SPDX-License-Identifier: Apache-2.0
// writer_process.cpp: see writer_process.h.
#include "tests/audit/support/writer_process.h"
#include "tests/support/remove_directory.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

namespace cm::audit_test {
namespace {

constexpr int kStillThere = -1000;

constexpr int kFirstHandedOver = 3;  // sd_listen_fds(3)
constexpr int kHighFd = 100;

// become_service: in the child: descriptor and variables as a service manager sets them.
void become_service(const WriterProcess::Service& service) {
  if (service.socket >= 0) {
    if (service.socket == kFirstHandedOver)
      fcntl(kFirstHandedOver, F_SETFD, 0);
    else
      dup2(service.socket, kFirstHandedOver);
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
  }
  if (!service.notify.empty()) setenv("NOTIFY_SOCKET", service.notify.c_str(), 1);
  if (!service.watchdog_us.empty()) setenv("WATCHDOG_USEC", service.watchdog_us.c_str(), 1);
}

pid_t spawn(const std::vector<std::string>& words, int keep_fd, uint64_t file_size_limit,
            const WriterProcess::Service& service) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = fork();
  if (pid != 0) return pid;
  setsid();
  if (keep_fd >= 0) fcntl(keep_fd, F_SETFD, 0);
  become_service(service);
  if (file_size_limit != 0) {
    const rlimit limit = {file_size_limit, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  execvp(argv[0], argv.data());
  _exit(127);
}

// process_runs: there is such a process and it is not a zombie.
bool process_runs(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(in)), {});
  const size_t at = text.rfind(')');
  return at != std::string::npos && text.size() > at + 2 && text[at + 2] != 'Z';
}

int status_of(int raw) { return WIFEXITED(raw) ? WEXITSTATUS(raw) : -WTERMSIG(raw); }

}  // namespace

void pause_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

TempDir::TempDir() {
  const char* base = std::getenv("TMPDIR");
  std::string pattern = std::string(base != nullptr ? base : "/tmp") + "/cm-writer-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = pattern;
}

TempDir::~TempDir() { cm::test::remove_directory(path_); }

WriterProcess::WriterProcess(std::string base, std::vector<std::string> extra)
    : base_(std::move(base)), log_dir_(base_ + "/log"), extra_(std::move(extra)) {}

WriterProcess::~WriterProcess() {
  if (pid_ > 0) kill_now();
  kill_swtpm();
}

std::string WriterProcess::start() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  const int ready_fd = fcntl(ends[1], F_DUPFD_CLOEXEC, kHighFd);
  close(ends[1]);
  std::vector<std::string> words = {CM_AUDITD_PATH, "--log",      log_dir_,
                                    "--run",        run_dir(),    "--trust",
                                    trust_dir(),    "--ready-fd", std::to_string(ready_fd)};
  if (tcti_.empty())
    words.insert(words.end(), {"--tpm-dir", base_ + "/tpm"});
  else
    words.insert(words.end(), {"--tcti", tcti_});
  words.insert(words.end(), extra_.begin(), extra_.end());
  pid_ = spawn(words, ready_fd, file_size_limit_, service_);
  close(ready_fd);
  std::string line;
  char c;
  while (read(ends[0], &c, 1) == 1 && c != '\n') line += c;
  close(ends[0]);
  return line;
}

void WriterProcess::kill_now() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

int WriterProcess::terminate() {
  ::kill(pid_, SIGTERM);
  return wait(20);
}

void WriterProcess::hang_up() const { ::kill(pid_, SIGHUP); }

int WriterProcess::wait(int seconds) {
  for (int i = 0; i < seconds * 100; ++i) {
    int raw = 0;
    if (waitpid(pid_, &raw, WNOHANG) == pid_) {
      pid_ = -1;
      return status_of(raw);
    }
    pause_ms(10);
  }
  return kStillThere;
}

bool WriterProcess::running() { return pid_ > 0 && waitpid(pid_, nullptr, WNOHANG) == 0; }

std::string WriterProcess::proc_status(const std::string& field) const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(field + ":")) return line.substr(field.size() + 2);
  return {};
}

pid_t WriterProcess::swtpm_pid() const {
  std::ifstream in(run_dir() + "/swtpm.pid");
  pid_t pid = -1;
  in >> pid;
  return in ? pid : -1;
}

// signal_swtpm: only a process that is a swtpm: the file may be old and its number somebody else's by now.
bool WriterProcess::signal_swtpm(int signal) const {
  const pid_t pid = swtpm_pid();
  std::ifstream name("/proc/" + std::to_string(pid) + "/comm");
  std::string comm;
  std::getline(name, comm);
  return pid > 0 && comm == "swtpm" && ::kill(pid, signal) == 0;
}

void WriterProcess::kill_swtpm() const {
  const pid_t pid = swtpm_pid();
  if (!signal_swtpm(SIGKILL)) return;
  for (int i = 0; i < 1000 && process_runs(pid); ++i) pause_ms(2);
}

void WriterProcess::restart_swtpm() {
  const std::string run = run_dir();
  unlink((run + "/swtpm.sock").c_str());
  unlink((run + "/swtpm.sock.ctrl").c_str());
  // Double fork: the new swtpm is init's child, so kill_swtpm does not leave a zombie that looks alive.
  const pid_t middle = fork();
  if (middle == 0) {
    // Through descriptors: the user swtpm runs as may not reach the temporary directory by its path.
    const int state_fd = open((base_ + "/tpm").c_str(), O_RDONLY | O_DIRECTORY);
    const std::string run_path = "/proc/self/fd/" + std::to_string(open(run.c_str(), O_RDONLY | O_DIRECTORY));
    struct stat info;
    if (fstat(state_fd, &info) != 0) _exit(1);
    const pid_t child = fork();
    if (child != 0) _exit(0);
    setsid();
    if (geteuid() == 0 && (setresgid(info.st_gid, info.st_gid, info.st_gid) != 0 ||
                           setresuid(info.st_uid, info.st_uid, info.st_uid) != 0))
      _exit(1);
    const std::string state = "dir=/proc/self/fd/" + std::to_string(state_fd) + ",mode=0600";
    const std::string server = "type=unixio,path=" + run_path + "/swtpm.sock,mode=0600";
    const std::string control = "type=unixio,path=" + run_path + "/swtpm.sock.ctrl,mode=0600";
    const std::string pid_file = "file=" + run_path + "/swtpm.pid";
    execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state.c_str(), "--server", server.c_str(), "--ctrl",
           control.c_str(), "--flags", "not-need-init,startup-clear", "--pid", pid_file.c_str(), nullptr);
    _exit(127);
  }
  waitpid(middle, nullptr, 0);
  for (int i = 0; i < 500 && access((run + "/swtpm.sock.ctrl").c_str(), F_OK) != 0; ++i) pause_ms(10);
  pause_ms(50);
}

}  // namespace cm::audit_test
