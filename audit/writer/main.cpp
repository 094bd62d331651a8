// SPDX-License-Identifier: Apache-2.0
// main.cpp: cryptomod-auditd from start to end, in the order that docs/audit.md explains: directories and lock,
// TPM, log, user, sandbox, and only then the first byte from a client.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "audit/writer/directories.h"
#include "audit/writer/journal.h"
#include "audit/writer/log_start.h"
#include "audit/writer/options.h"
#include "audit/writer/privileges.h"
#include "audit/writer/sandbox.h"
#include "audit/writer/server.h"
#include "audit/writer/service_manager.h"
#include "audit/writer/swtpm_process.h"
#include "audit/writer/tpm_libraries.h"
#include "audit/writer/writer_loop.h"

namespace cm::audit {
namespace {

constexpr int kFailed = 1;

// tell_starter: one line on the descriptor that the starter gave us, which is then closed.
void tell_starter(int ready_fd, const std::string& line) {
  if (ready_fd < 0) return;
  (void)!write(ready_fd, line.data(), line.size());
  close(ready_fd);
}

void prepare_process(int ready_fd) {
  if (ready_fd >= 0) fcntl(ready_fd, F_SETFD, FD_CLOEXEC);  // whoever waits for its end must not wait for swtpm
  umask(077);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // a file size limit is a full disk, not our death
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  const rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = std::min<rlim_t>(files.rlim_max, 8192);
    setrlimit(RLIMIT_NOFILE, &files);
  }
  // tss2 writes its own view of every failed command to standard error; ours is enough.
  setenv("TSS2_LOG", "all+none", 0);
}

Error bind_socket(int run_fd, UniqueFd& out) {
  UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = fd_path(run_fd, kSocketName);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  unlinkat(run_fd, kSocketName, 0);
  // The umask gives it mode 0700; by its name it is never touched again: the directory may be the writer's user's.
  if (!fd.valid() || bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return system_error("cannot make the socket in the run directory");
  out = std::move(fd);
  return {};
}

// Everything a writer consists of, in the order of making; it ends in the reverse order.
class Writer {
 public:
  Writer(const Options& options, ServiceManager& manager)
      : options_(options), manager_(manager), lane_(best_sha256_lane()) {}

  // start: up to the point where clients are served. served: another writer does already.
  Error start(bool& served);
  int run();
  // give_up: after a failed start: a software TPM that was started for nobody ends with us. Beside a log it stays: its
  // next start would be a reset that the log does not record.
  void give_up();

 private:
  Error start_tpm();
  Error find_tpm_device();
  Error open_door(Server::Door& door);
  Error enter_sandbox();

  const Options& options_;
  ServiceManager& manager_;
  const Lane lane_;
  Directories directories_;
  Account account_;
  bool swtpm_started_ = false;
  UniqueFd tpm_device_;  // O_PATH, not valid when the TPM is no device file
  std::unique_ptr<Tpm> tpm_;
  WakeWord wake_;
  SealSecret seal_secret_;
  std::unique_ptr<TpmThread> tpm_thread_;
  std::unique_ptr<LogStore> store_;
  std::unique_ptr<Journal> journal_;
  LogState state_{lane_};
  std::unique_ptr<Server> server_;
  std::unique_ptr<WriterLoop> loop_;
};

Error Writer::start_tpm() {
  const bool own = !options_.tpm_dir.empty();
  if (own)
    if (Error error = ensure_swtpm(directories_, account_, swtpm_started_)) return error;
  tpm_ = std::make_unique<Tpm>(TpmConfig{own ? swtpm_tcti(directories_.run.get()) : options_.tcti, own});
  if (Error error = tpm_->open()) return error;
  signal(SIGCHLD, SIG_IGN);  // swtpm is our child as long as we live; nobody waits for it
  keep_tpm_libraries();
  return {};
}

// find_tpm_device: the file stays reachable: after a failed command it has to be opened again, as the account.
Error Writer::find_tpm_device() {
  const std::string path = device_path(options_.tcti);
  if (path.empty()) return {};
  tpm_device_.reset(open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat info;
  if (!tpm_device_.valid() || fstat(tpm_device_.get(), &info) != 0) return system_error("cannot find " + path);
  constexpr mode_t kGroupMayUse = S_IRGRP | S_IWGRP;
  if ((info.st_mode & kGroupMayUse) == kGroupMayUse && info.st_gid != 0) account_.tpm_group = info.st_gid;
  return {};
}

Error Writer::enter_sandbox() {
  const bool tcp = options_.tcti.find("host") != std::string::npos || options_.tcti.find("port") != std::string::npos ||
                   options_.tcti.starts_with("mssim");
  if (Error error = find_tpm_device()) return error;
  if (!become(account_)) return system_error("cannot become the writer's user");
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return system_error("cannot forbid being traced");
  if (Error error = restrict_files(directories_, tpm_device_, tcp)) return error;
  directories_.trust.reset();
  directories_.tpm.reset();
  // Threads inherit landlock; the filter that forbids new threads then covers all of them.
  tpm_thread_->run();
  if (Error error = server_->run()) return error;
  return restrict_calls(tcp);
}

Error Writer::start(bool& served) {
  if (Error error = open_directories(options_, directories_)) return error;
  Error lock_error;
  const LockState lock = take_lock(directories_, lock_error);
  served = lock == LockState::kServed;
  if (lock != LockState::kOurs) return lock_error;
  if (Error error = choose_account(options_.user, account_)) return error;
  if (Error error = seal_secret_.open(directories_.run.get())) return error;
  if (Error error = give_directories(directories_, account_)) return error;
  if (Error error = start_tpm()) return error;
  tpm_thread_ = std::make_unique<TpmThread>(*tpm_, lane_, wake_);
  store_ = std::make_unique<LogStore>(directories_.log.get(), options_.segment_size);
  journal_ = std::make_unique<Journal>(*store_, lane_, *tpm_thread_);
  const uid_t creator = manager_.has_socket() ? manager_.socket_owner() : getuid();
  const StartContext context = {options_, directories_, account_, creator,  lane_,
                                *tpm_,    *tpm_thread_, *store_,  *journal_};
  if (Error error = start_log(context, state_)) return error;
  if (Error error = give_directories(directories_, account_)) return error;
  Server::Door door;
  if (Error error = open_door(door)) return error;
  server_ = std::make_unique<Server>(std::move(door), lane_, wake_);
  loop_ = std::make_unique<WriterLoop>(options_, account_.uid, lane_, *journal_, *tpm_thread_, *server_, wake_,
                                       seal_secret_, state_, tpm_->kind(), manager_, directories_.metrics.get());
  if (Error error = enter_sandbox()) return error;
  if (Error error = loop_->prepare()) return error;
  return server_->open();
}

// open_door: the socket that a service manager handed over, else one of our own in the run directory.
Error Writer::open_door(Server::Door& door) {
  if (manager_.has_socket()) {
    door.fd = manager_.take_socket();
    return {};
  }
  door.creator = getuid();
  return bind_socket(directories_.run.get(), door.fd);
}

void Writer::give_up() {
  struct stat first;
  const bool log_exists = fstatat(directories_.log.get(), segment_name(0).c_str(), &first, 0) == 0 && first.st_size > 0;
  if (!swtpm_started_ || log_exists) return;
  if (tpm_) {
    tpm_->shut_down();
    tpm_->close();
  }
  stop_swtpm(directories_.run.get());
}

int Writer::run() {
  const bool ended = loop_->run();
  manager_.say_stopping();
  server_->close_door();
  if (!manager_.has_socket()) unlinkat(directories_.run.get(), kSocketName, 0);
  const bool server_stopped = server_->stop();
  const bool tpm_stopped = tpm_thread_->stop();
  if (!ended) std::fprintf(stderr, "cryptomod-auditd: %s\n", loop_->error().text.c_str());
  if (!tpm_stopped) _exit(kFailed);
  if (ended && !options_.tpm_dir.empty()) {
    tpm_->shut_down();
    tpm_->close();
    stop_swtpm(directories_.run.get());
  }
  loop_->say_goodbye(true);
  if (!server_stopped) _exit(ended ? 0 : kFailed);
  return ended ? 0 : kFailed;
}

int serve(const Options& options) {
  ServiceManager manager;
  Error error = manager.adopt();
  Writer writer(options, manager);
  bool served = false;
  if (!error) error = writer.start(served);
  if (error) {
    std::fprintf(stderr, "cryptomod-auditd: %s\n", error.text.c_str());
    writer.give_up();
    tell_starter(options.ready_fd, "error: " + error.text + "\n");
    return kFailed;
  }
  manager.say_ready();
  tell_starter(options.ready_fd, served ? kServedLine : kReadyLine);
  return served ? 0 : writer.run();
}

}  // namespace
}  // namespace cm::audit

int main(int argc, char** argv) {
  cm::audit::Options options;
  if (const std::optional<int> code = cm::audit::parse_options(argc, argv, options)) return *code;
  cm::audit::prepare_process(options.ready_fd);
  try {
    return cm::audit::serve(options);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "cryptomod-auditd: %s\n", failure.what());
    return 1;
  }
}
