// SPDX-License-Identifier: Apache-2.0
// slow_reads.cpp: preloaded into cryptomod-audit: each pread takes as if the disk were slow.
#include <dlfcn.h>
#include <unistd.h>

#include <ctime>

extern "C" ssize_t pread(int fd, void* out, size_t size, off_t offset) {
  using Pread = ssize_t (*)(int, void*, size_t, off_t);
  static const Pread real = reinterpret_cast<Pread>(dlsym(RTLD_NEXT, "pread"));
  const timespec pause{0, 600'000'000};
  nanosleep(&pause, nullptr);
  return real(fd, out, size, offset);
}

extern "C" ssize_t pread64(int fd, void* out, size_t size, off_t offset) { return pread(fd, out, size, offset); }
