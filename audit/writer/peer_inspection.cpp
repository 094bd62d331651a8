// SPDX-License-Identifier: Apache-2.0
// peer_inspection.cpp: who a client is (server.h, inspect_peer): process, start time, executable. What cannot be found
// out is recorded as unknown, never guessed.
#include <fcntl.h>
#include <sys/stat.h>

#include <climits>
#include <cstdlib>
#include <string>

#include "audit/writer/server.h"
#include "crypto/sha2/sha256.h"

namespace cm::audit {
namespace {

constexpr uint64_t kExecutableMax = uint64_t{256} << 20;
constexpr uint64_t kHashTime_ns = 1000000000;  // other newcomers wait meanwhile
constexpr size_t kChunk = size_t{1} << 20;

std::string path_of(int fd) {
  std::string path(PATH_MAX, '\0');
  const ssize_t size = readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path.data(), path.size());
  path.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return path;
}

bool digest_file(Lane lane, int fd, uint64_t size, Digest& out) {
  Bytes chunk(kChunk);
  Sha256 hash;
  sha256_init(hash, lane);
  const uint64_t deadline_ns = monotonic_ns() + kHashTime_ns;
  for (uint64_t done = 0; done < size;) {
    if (monotonic_ns() > deadline_ns) return false;
    const ssize_t n = pread(fd, chunk.data(), chunk.size(), static_cast<off_t>(done));
    if (n <= 0) return false;
    done += static_cast<uint64_t>(n);
    if (done > size) return false;
    sha256_update(hash, chunk.data(), static_cast<size_t>(n));
  }
  sha256_final(hash, out.data());
  return true;
}

}  // namespace

// Field 22 of /proc/PID/stat. The name in field 2 may hold anything, so counting begins behind its last
// ')'.
uint64_t process_start_time(pid_t pid) {
  UniqueFd fd(open(("/proc/" + std::to_string(pid) + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
  std::string text(1024, '\0');
  const ssize_t size = fd.valid() ? read(fd.get(), text.data(), text.size()) : 0;
  if (size <= 0) return 0;
  text.resize(static_cast<size_t>(size));
  size_t at = text.rfind(')');
  for (int field = 2; field < 22 && at != std::string::npos; ++field) at = text.find(' ', at + 1);
  return at == std::string::npos ? 0 : std::strtoull(text.c_str() + at + 1, nullptr, 10);
}

void inspect_peer(const ucred& peer, ClientAttach& out) {
  out.pid = static_cast<uint32_t>(peer.pid);
  out.uid = peer.uid;
  out.gid = peer.gid;
  out.start_time = process_start_time(peer.pid);
}

void inspect_executable(Lane lane, const ucred& peer, int executable_fd, ClientAttach& out) {
  struct stat given, running;
  if (fstat(executable_fd, &given) != 0 || !S_ISREG(given.st_mode)) return;
  out.executable = path_of(executable_fd);
  const auto size = static_cast<uint64_t>(given.st_size);
  if (size > kExecutableMax || !digest_file(lane, executable_fd, size, out.executable_digest)) {
    out.executable_digest = {};
    return;
  }
  // Only root and the client's own user may look at /proc/PID/exe; for others the digest stays the client's claim.
  const std::string link = "/proc/" + std::to_string(peer.pid) + "/exe";
  out.executable_known =
      stat(link.c_str(), &running) == 0 && running.st_dev == given.st_dev && running.st_ino == given.st_ino ? 1 : 0;
}

}  // namespace cm::audit
