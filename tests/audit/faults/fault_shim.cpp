// SPDX-License-Identifier: Apache-2.0
// fault_shim.cpp: preloaded into cryptomod-auditd by the fault campaign: stands before the libc calls that
// fault_page.h names. It runs under the writer's sandbox, so it needs nothing that the writer itself may not do.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string_view>

#include "tests/audit/faults/fault_page.h"

namespace {

using cm::audit_test::Action;
using cm::audit_test::Call;
using cm::audit_test::Fault;
using cm::audit_test::FaultPage;
using cm::audit_test::Request;

constexpr size_t kAnswerMax = 4096;
constexpr size_t kTpmHeader = 10;  // tag, size, code
constexpr std::string_view kTpmSocket = "/swtpm.sock";

FaultPage* page = nullptr;
std::atomic<int> tpm_fd{-1};
std::atomic<int64_t> clock_offset_s{0};

// Canned: what the writer reads in place of the TPM's answer; at its end the connection is.
struct Canned {
  bool valid = false;
  uint8_t bytes[kAnswerMax];
  size_t size = 0;
  size_t at = 0;
};
Canned canned;  // of the one thread that talks to the TPM

template <class F>
F real(const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}
#define CM_REAL(name) static const auto real_##name = real<decltype(&::name)>(#name)

void leave_child() { page = nullptr; }

__attribute__((constructor)) void take_page() {
  const char* number = getenv(cm::audit_test::kPageVariable);
  if (number == nullptr || std::string_view(program_invocation_short_name) != "cryptomod-auditd") return;
  const int fd = atoi(number);
  void* mapped = mmap(nullptr, sizeof(FaultPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped == MAP_FAILED) abort();
  pthread_atfork(nullptr, nullptr, leave_child);  // what becomes swtpm is not under test
  page = static_cast<FaultPage*>(mapped);
}

const Fault* decide(Call call) {
  if (page == nullptr) return nullptr;
  const uint64_t n = page->calls[static_cast<uint32_t>(call)].fetch_add(1);
  for (uint32_t i = 0; i < page->fault_count; ++i) {
    const Fault& fault = page->faults[i];
    if (fault.call != call || n < fault.nth || n >= fault.nth + fault.times) continue;
    page->hits[i].fetch_add(1);
    return &fault;
  }
  return nullptr;
}

[[noreturn]] void die() {
  syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGKILL);
  while (true) sched_yield();
}

void pause_ms(uint64_t ms) {
  const timespec time = {static_cast<time_t>(ms / 1000), static_cast<long>(ms % 1000 * 1000000)};
  nanosleep(&time, nullptr);
}

bool regular(int fd) {
  struct stat info;
  return syscall(SYS_newfstatat, fd, "", &info, AT_EMPTY_PATH) == 0 && S_ISREG(info.st_mode);
}

size_t share(size_t size, uint64_t in_256ths) { return std::min(size, size * in_256ths / 256); }

template <class Body>
auto guard(Call call, Body body) -> decltype(body()) {
  const Fault* fault = decide(call);
  if (fault == nullptr) return body();
  if (fault->action == Action::kError) {
    errno = static_cast<int>(fault->arg);
    return static_cast<decltype(body())>(-1);
  }
  if (fault->action == Action::kKillBefore) die();
  const auto result = body();
  if (fault->action == Action::kKillAfter) die();
  return result;
}

// -------------------------------------------------------------------------------------------------- the TPM

void ask_campaign(Request request) {
  page->request = request;
  while (page->request != Request::kNone) pause_ms(2);
}

void can_answer(const uint8_t* bytes, size_t size) {
  canned.size = std::min(size, kAnswerMax);
  if (size != 0) std::memcpy(canned.bytes, bytes, canned.size);
  canned.at = 0;
  canned.valid = true;
}

void can_code(uint32_t code) {
  const uint8_t answer[kTpmHeader] = {0x80,
                                      0x01,
                                      0,
                                      0,
                                      0,
                                      kTpmHeader,
                                      static_cast<uint8_t>(code >> 24),
                                      static_cast<uint8_t>(code >> 16),
                                      static_cast<uint8_t>(code >> 8),
                                      static_cast<uint8_t>(code)};
  can_answer(answer, sizeof answer);
}

// true_answer: reads all of it from the TPM.
size_t true_answer(int fd, uint8_t (&answer)[kAnswerMax]) {
  CM_REAL(read);
  size_t have = 0, need = kTpmHeader;
  while (have < need) {
    const ssize_t n = real_read(fd, answer + have, std::min(need, kAnswerMax) - have);
    if (n <= 0) break;
    have += static_cast<size_t>(n);
    if (have == kTpmHeader)
      need = std::min<size_t>(
          kAnswerMax, size_t{answer[2]} << 24 | size_t{answer[3]} << 16 | size_t{answer[4]} << 8 | size_t{answer[5]});
  }
  return have;
}

// can_garbage: nothing that a reader could take for a success: every byte random, or a size that lies, or a code.
void can_garbage(uint8_t (&answer)[kAnswerMax], size_t size, uint64_t seed) {
  uint64_t state = seed | 1;
  const auto next = [&state] {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return static_cast<uint8_t>(state >> 24);
  };
  switch (seed % 3) {
    case 0:
      for (size_t i = 0; i < size; ++i) answer[i] = next();
      answer[0] = 0x5a;
      break;
    case 1:
      for (size_t i = 2; i < 6; ++i) answer[i] = next();
      answer[2] |= 0x40;
      break;
    default:
      for (size_t i = 6; i < size; ++i) answer[i] = next();
      answer[9] |= 1;
      break;
  }
  can_answer(answer, size);
}

// can_flipped: behind the header, so that the answer stays one.
void can_flipped(uint8_t (&answer)[kAnswerMax], size_t size, uint64_t which) {
  const bool good = size > kTpmHeader && (answer[6] | answer[7] | answer[8] | answer[9]) == 0;
  const size_t bit = good ? which % (8 * (size - kTpmHeader)) : 0;
  if (good) answer[kTpmHeader + bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
  can_answer(answer, size);
}

ssize_t send_command(int fd, const void* bytes, size_t size) {
  CM_REAL(write);
  canned.valid = false;
  const Fault* fault = decide(Call::kTpm);
  if (fault == nullptr) return real_write(fd, bytes, size);
  uint8_t answer[kAnswerMax];
  switch (fault->action) {
    case Action::kError:
      errno = static_cast<int>(fault->arg);
      return -1;
    case Action::kKillBefore:
      die();
    case Action::kAnswer:
      can_code(static_cast<uint32_t>(fault->arg));
      return static_cast<ssize_t>(size);
    case Action::kLoseBefore:
      can_answer(nullptr, 0);
      return static_cast<ssize_t>(size);
    case Action::kStall:
      pause_ms(fault->arg);
      break;
    default:
      break;
  }
  const ssize_t sent = real_write(fd, bytes, size);
  if (sent != static_cast<ssize_t>(size) || fault->action == Action::kStall) return sent;
  const size_t have = true_answer(fd, answer);
  if (fault->action == Action::kKillAfter) die();
  if (fault->action == Action::kGarbage)
    can_garbage(answer, have, fault->arg);
  else if (fault->action == Action::kFlip)
    can_flipped(answer, have, fault->arg);
  else
    can_answer(answer, fault->action == Action::kTruncate ? share(have, fault->arg) : 0);
  return sent;
}

}  // namespace

extern "C" {

int connect(int fd, const sockaddr* address, socklen_t size) {
  CM_REAL(connect);
  const auto* path = reinterpret_cast<const sockaddr_un*>(address);
  if (page != nullptr && address->sa_family == AF_UNIX && std::string_view(path->sun_path).ends_with(kTpmSocket)) {
    if (const Fault* fault = decide(Call::kTpmConnect)) {
      if (fault->action == Action::kAskReset) ask_campaign(Request::kReset);
      if (fault->action == Action::kAskForeign) ask_campaign(Request::kForeign);
      if (fault->action == Action::kError) {
        errno = static_cast<int>(fault->arg);
        return -1;
      }
    }
    tpm_fd = fd;
    canned.valid = false;
  }
  return real_connect(fd, address, size);
}

int close(int fd) {
  CM_REAL(close);
  int expected = fd;
  if (fd >= 0) tpm_fd.compare_exchange_strong(expected, -1);
  return real_close(fd);
}

ssize_t write(int fd, const void* bytes, size_t size) {
  CM_REAL(write);
  if (page == nullptr) return real_write(fd, bytes, size);
  if (fd == tpm_fd) return send_command(fd, bytes, size);
  if (fd <= STDERR_FILENO || !regular(fd)) return real_write(fd, bytes, size);
  return guard(Call::kWriteFile, [&] { return real_write(fd, bytes, size); });
}

ssize_t read(int fd, void* bytes, size_t size) {
  CM_REAL(read);
  if (page == nullptr) return real_read(fd, bytes, size);
  if (fd == tpm_fd && canned.valid) {
    const size_t n = std::min(size, canned.size - canned.at);
    std::memcpy(bytes, canned.bytes + canned.at, n);
    canned.at += n;
    return static_cast<ssize_t>(n);
  }
  if (fd == tpm_fd || !regular(fd)) return real_read(fd, bytes, size);
  return guard(Call::kReadFile, [&] { return real_read(fd, bytes, size); });
}

int poll(pollfd* polled, nfds_t count, int timeout) {
  CM_REAL(poll);
  if (page == nullptr) return real_poll(polled, count, timeout);
  if (count == 1 && polled->fd == tpm_fd) {
    if (!canned.valid) return real_poll(polled, count, timeout);
    polled->revents = static_cast<short>(polled->events & (POLLIN | POLLOUT));
    return 1;
  }
  return guard(Call::kPoll, [&] { return real_poll(polled, count, timeout); });
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  CM_REAL(pwrite);
  if (page == nullptr) return real_pwrite(fd, bytes, size, offset);
  if (page->bytes_unsynced.exchange(1) == 0) page->unsynced_from = static_cast<uint64_t>(offset);
  const Fault* fault = decide(Call::kPwrite);
  if (fault == nullptr) return real_pwrite(fd, bytes, size, offset);
  if (fault->action == Action::kError) {
    errno = static_cast<int>(fault->arg);
    return -1;
  }
  if (fault->action == Action::kKillBefore) die();
  const bool part = fault->action == Action::kShort || fault->action == Action::kTear;
  const size_t portion = part ? std::max<size_t>(1, share(size, fault->arg)) : size;
  const ssize_t n = real_pwrite(fd, bytes, portion, offset);
  if (fault->action == Action::kTear || fault->action == Action::kKillAfter) die();
  return n;
}

int fdatasync(int fd) {
  CM_REAL(fdatasync);
  return guard(Call::kFdatasync, [&] {
    const int result = real_fdatasync(fd);
    if (result == 0 && page != nullptr) page->bytes_unsynced = 0;
    return result;
  });
}

int fsync(int fd) {
  CM_REAL(fsync);
  return guard(Call::kFsync, [&] {
    const int result = real_fsync(fd);
    if (result == 0 && page != nullptr && !regular(fd)) page->name_unsynced = 0;
    return result;
  });
}

int openat(int dir, const char* path, int flags, ...) {
  CM_REAL(openat);
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return guard(Call::kOpenat, [&] {
    const int fd = real_openat(dir, path, flags, mode);
    const bool makes_segment = (flags & O_EXCL) != 0 && std::string_view(path).ends_with(".cmlog");
    if (fd >= 0 && page != nullptr && makes_segment) page->name_unsynced = 1;
    return fd;
  });
}

// Where the mode is not given, fortified headers call this one.
int __openat_2(int dir, const char* path, int flags) { return openat(dir, path, flags); }

int ftruncate(int fd, off_t size) {
  CM_REAL(ftruncate);
  return guard(Call::kFtruncate, [&] { return real_ftruncate(fd, size); });
}

int unlinkat(int dir, const char* path, int flags) {
  CM_REAL(unlinkat);
  return guard(Call::kUnlinkat, [&] { return real_unlinkat(dir, path, flags); });
}

int renameat2(int from_dir, const char* from, int to_dir, const char* to, unsigned flags) {
  CM_REAL(renameat2);
  return guard(Call::kRename, [&] { return real_renameat2(from_dir, from, to_dir, to, flags); });
}

int fchmod(int fd, mode_t mode) {
  CM_REAL(fchmod);
  return guard(Call::kFchmod, [&] { return real_fchmod(fd, mode); });
}

int fstat(int fd, struct stat* out) {
  CM_REAL(fstat);
  return guard(Call::kFstat, [&] { return real_fstat(fd, out); });
}

int fstatat(int dir, const char* path, struct stat* out, int flags) {
  CM_REAL(fstatat);
  return guard(Call::kFstatat, [&] { return real_fstatat(dir, path, out, flags); });
}

ssize_t pread(int fd, void* bytes, size_t size, off_t offset) {
  CM_REAL(pread);
  return guard(Call::kPread, [&] { return real_pread(fd, bytes, size, offset); });
}

int mkdir(const char* path, mode_t mode) {
  CM_REAL(mkdir);
  return guard(Call::kMkdir, [&] { return real_mkdir(path, mode); });
}

void* mmap(void* at, size_t size, int protection, int flags, int fd, off_t offset) {
  const auto body = [&] { return syscall(SYS_mmap, at, size, protection, flags, fd, offset); };
  if (fd < 0) return reinterpret_cast<void*>(body());
  return reinterpret_cast<void*>(guard(Call::kMmap, body));
}

ssize_t getrandom(void* out, size_t size, unsigned flags) {
  CM_REAL(getrandom);
  return guard(Call::kGetrandom, [&] { return real_getrandom(out, size, flags); });
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
  CM_REAL(recvmsg);
  return guard(Call::kRecvmsg, [&] { return real_recvmsg(fd, message, flags); });
}

ssize_t send(int fd, const void* bytes, size_t size, int flags) {
  CM_REAL(send);
  return guard(Call::kSend, [&] { return real_send(fd, bytes, size, flags); });
}

int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  CM_REAL(accept4);
  return guard(Call::kAccept, [&] { return real_accept4(fd, address, size, flags); });
}

int clock_gettime(clockid_t clock, timespec* out) {
  CM_REAL(clock_gettime);
  const int result = real_clock_gettime(clock, out);
  if (page == nullptr || clock != CLOCK_REALTIME || result != 0) return result;
  if (const Fault* fault = decide(Call::kClock))
    if (fault->action == Action::kJump) clock_offset_s += static_cast<int64_t>(fault->arg);
  out->tv_sec += clock_offset_s;
  return 0;
}

}  // extern "C"
