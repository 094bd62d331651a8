// SPDX-License-Identifier: Apache-2.0
// writer_process.h: a real cryptomod-auditd with a real swtpm in a temporary directory, for tests. It ends what it has
// started and removes the directory.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

namespace cm::audit_test {

void pause_ms(int ms);

// TempDir: a new directory below TMPDIR, removed with all it holds.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

class WriterProcess {
 public:
  // Directories log, run, tpm and trust lie below base; extra are further arguments.
  explicit WriterProcess(std::string base, std::vector<std::string> extra = {});
  ~WriterProcess();
  WriterProcess(const WriterProcess&) = delete;
  WriterProcess& operator=(const WriterProcess&) = delete;

  // start: the line that the writer says on its ready descriptor, without the newline.
  std::string start();
  // file_size_limit: RLIMIT_FSIZE of the next start, 0 for none.
  void set_file_size_limit(uint64_t bytes) { file_size_limit_ = bytes; }
  void use_tcti(const std::string& tcti) { tcti_ = tcti; }
  void set_log_dir(const std::string& path) { log_dir_ = path; }
  // Service: what a service manager gives: a listening socket (stays the caller's), and an address for its news.
  struct Service {
    int socket = -1;
    std::string notify;
    std::string watchdog_us;
  };
  void set_service(const Service& service) { service_ = service; }
  // hang_up: SIGHUP.
  void hang_up() const;
  // kill_now: SIGKILL and wait.
  void kill_now();
  // terminate: SIGTERM and the exit status, -signal when it was killed.
  int terminate();
  // wait: the exit status, -signal when it was killed, -1000 when it is still there after the time.
  int wait(int seconds);
  bool running();
  pid_t pid() const { return pid_; }

  std::string log_dir() const { return log_dir_; }
  std::string run_dir() const { return base_ + "/run"; }
  std::string trust_dir() const { return base_ + "/trust"; }
  // proc_status: a field of /proc/PID/status, for example "Seccomp".
  std::string proc_status(const std::string& field) const;

  // The writer's swtpm.
  pid_t swtpm_pid() const;
  void kill_swtpm() const;
  // signal_swtpm: false when it is not there.
  bool signal_swtpm(int signal) const;
  // restart_swtpm: starts one on the same state and sockets, as the writer would have.
  void restart_swtpm();

 private:
  const std::string base_;
  std::string log_dir_;
  const std::vector<std::string> extra_;
  std::string tcti_;
  uint64_t file_size_limit_ = 0;
  Service service_;
  pid_t pid_ = -1;
};

}  // namespace cm::audit_test
