// SPDX-License-Identifier: Apache-2.0
// seal_secret.cpp: see seal_secret.h.
#include "audit/writer/seal_secret.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>

#include "audit/writer/unique_fd.h"
#include "crypto/base/secret.h"
#include "crypto/sha2/sha256.h"

namespace cm::audit {
namespace {

constexpr char kTemporaryName[] = "seal.secret.new";

Error unusable() {
  return {std::string(kSealSecretName) +
          " in the run directory is not a file of 32 bytes that this user alone can read; remove it (programs that are "
          "attached now must then attach again) and try again"};
}

}  // namespace

SealSecret::~SealSecret() { zeroise(bytes_.data(), bytes_.size()); }

Error SealSecret::open(int run_fd) {
  const UniqueFd fd(openat(run_fd, kSealSecretName, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (fd.valid()) return read_from(fd.get());
  if (errno != ENOENT) return unusable();
  return make(run_fd);
}

// read_from: the directory is the writer's user's, or root's who starts it: a file of anybody else was put there.
Error SealSecret::read_from(int fd) {
  struct stat file;
  if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode) || file.st_nlink != 1 || (file.st_mode & 077) != 0 ||
      file.st_size != static_cast<off_t>(bytes_.size()))
    return unusable();
  return read(fd, bytes_.data(), bytes_.size()) == static_cast<ssize_t>(bytes_.size()) ? Error{} : unusable();
}

// make: under another name first, so that a writer that dies here leaves no half of it. Not synced: the clients that it
// is for do not outlive the machine's next start.
Error SealSecret::make(int run_fd) {
  if (getrandom(bytes_.data(), bytes_.size(), 0) != static_cast<ssize_t>(bytes_.size()))
    return system_error("cannot draw the secret of the seals");
  unlinkat(run_fd, kTemporaryName, 0);
  const UniqueFd fd(openat(run_fd, kTemporaryName, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid() || write(fd.get(), bytes_.data(), bytes_.size()) != static_cast<ssize_t>(bytes_.size()) ||
      renameat(run_fd, kTemporaryName, run_fd, kSealSecretName) != 0)
    return system_error(std::string("cannot write ") + kSealSecretName + " in the run directory");
  return {};
}

SealSeed SealSecret::seed(Lane lane, const LogId& log_id, const std::array<uint8_t, kIdSize>& client_id) const {
  std::array<uint8_t, 64> message;
  std::copy(bytes_.begin(), bytes_.end(), message.begin());
  std::copy(log_id.begin(), log_id.end(), message.begin() + 32);
  std::copy(client_id.begin(), client_id.end(), message.begin() + 48);
  Digest digest;
  sha256(lane, digest.data(), message.data(), message.size());
  SealSeed seed;
  std::copy_n(digest.begin(), seed.size(), seed.begin());
  zeroise(message.data(), message.size());
  zeroise(digest.data(), digest.size());
  return seed;
}

}  // namespace cm::audit
