// SPDX-License-Identifier: Apache-2.0
// directories.cpp: see directories.h.
#include "audit/writer/directories.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "audit/wire.h"

namespace cm::audit {
namespace {

constexpr char kLockName[] = "auditd.lock";
constexpr int kLockTries = 100;
constexpr auto kLockPause = std::chrono::milliseconds(50);

// make_directories: mkdir -p with mode 0700 for every component that is missing; for the last the mode given.
Error make_directories(const std::string& path, mode_t mode) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    const bool made = !part.empty() && mkdir(part.c_str(), 0700) == 0;
    if (!made && !part.empty() && errno != EEXIST) return system_error("cannot create directory " + part);
    if (end != std::string::npos) continue;
    if (made && chmod(part.c_str(), mode) != 0) return system_error("cannot set the mode of directory " + part);
    return {};
  }
}

Error open_directory(const std::string& path, UniqueFd& out, mode_t mode = 0700) {
  if (Error error = make_directories(path, mode)) return error;
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat info;
  if (!fd.valid() || fstat(fd.get(), &info) != 0) return system_error("cannot open directory " + path);
  if ((info.st_mode & 022) != 0) return {path + " may be written by others; take that away (chmod go-w) and try again"};
  out = std::move(fd);
  return {};
}

bool same_directory(const UniqueFd& a, const UniqueFd& b) {
  struct stat info_a, info_b;
  if (!a.valid() || !b.valid() || fstat(a.get(), &info_a) != 0 || fstat(b.get(), &info_b) != 0) return false;
  return info_a.st_dev == info_b.st_dev && info_a.st_ino == info_b.st_ino;
}

}  // namespace

Error open_directories(const Options& options, Directories& out) {
  if (Error error = open_directory(options.log_dir, out.log)) return error;
  if (Error error = open_directory(options.run_dir, out.run)) return error;
  if (!options.tpm_dir.empty())
    if (Error error = open_directory(options.tpm_dir, out.tpm)) return error;
  if (!options.trust_dir.empty())
    if (Error error = open_directory(options.trust_dir, out.trust)) return error;
  if (!options.metrics_dir.empty())
    if (Error error = open_directory(options.metrics_dir, out.metrics, 0755)) return error;
  for (const UniqueFd* other : {&out.run, &out.tpm, &out.trust, &out.metrics})
    if (same_directory(out.log, *other))
      return {"the log directory must hold the log alone: give --run, --tpm-dir, --trust and --metrics others"};
  return {};
}

LockState take_lock(Directories& directories, Error& error) {
  UniqueFd fd(openat(directories.run.get(), kLockName, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) {
    error = system_error(std::string("cannot open ") + kLockName + " in the run directory");
    return LockState::kFailed;
  }
  int tries = kLockTries;
  while (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (socket_answers(directories.run.get(), kSocketName)) return LockState::kServed;
    if (--tries == 0) {
      error = {"another writer holds the lock of the run directory but takes no connections"};
      return LockState::kFailed;
    }
    std::this_thread::sleep_for(kLockPause);
  }
  if (flock(directories.log.get(), LOCK_EX | LOCK_NB) != 0) {
    error = {"another writer with another run directory has this log"};
    return LockState::kFailed;
  }
  directories.lock = std::move(fd);
  return LockState::kOurs;
}

std::string fd_path(int dir_fd, const std::string& name) {
  return "/proc/self/fd/" + std::to_string(dir_fd) + "/" + name;
}

bool socket_answers(int dir_fd, const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = fd_path(dir_fd, name);
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  for (const int type : {SOCK_SEQPACKET, SOCK_STREAM}) {
    UniqueFd fd(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    if (fd.valid() && connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return true;
    if (errno != EPROTOTYPE) return false;
  }
  return false;
}

}  // namespace cm::audit
