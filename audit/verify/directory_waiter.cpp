// SPDX-License-Identifier: Apache-2.0
// directory_waiter.cpp: see directory_waiter.h. A change that comes between reading and waiting is not lost: the watch
// stands from the beginning and its events wait to be read.
#include "audit/verify/directory_waiter.h"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>

namespace cm::audit::verify {
namespace {

constexpr uint32_t kNoInotifyPollMs = 200;

// watch: -1 when there is no inotify, or no watch left for this user.
int watch(const std::string& directory) {
  const int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) return -1;
  if (inotify_add_watch(fd, directory.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR) >= 0)
    return fd;
  ::close(fd);
  return -1;
}

int stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  if (pthread_sigmask(SIG_BLOCK, &signals, nullptr) != 0) return -1;
  return signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

// drain: what is to be read does not matter, only that it came.
void drain(int fd) {
  alignas(inotify_event) char events[4096];
  while (::read(fd, events, sizeof events) > 0) continue;
}

}  // namespace

DirectoryWaiter::DirectoryWaiter(const std::string& directory, int output_fd, std::function<bool()> before_wait)
    : inotify_fd_(watch(directory)),
      signal_fd_(stop_signals()),
      output_fd_(output_fd),
      before_wait_(std::move(before_wait)) {}

DirectoryWaiter::~DirectoryWaiter() {
  if (inotify_fd_ >= 0) ::close(inotify_fd_);
  if (signal_fd_ >= 0) ::close(signal_fd_);
}

void DirectoryWaiter::wait(uint32_t at_most_ms) {
  if (!before_wait_()) output_gone_ = true;
  if (output_gone_) return;
  // No events are asked of the output: what is told without being asked is that nobody reads it any more.
  pollfd fds[] = {{inotify_fd_, POLLIN, 0}, {signal_fd_, POLLIN, 0}, {output_fd_, 0, 0}};
  const uint32_t ms = inotify_fd_ >= 0 ? at_most_ms : std::min(at_most_ms, kNoInotifyPollMs);
  if (poll(fds, std::size(fds), static_cast<int>(ms)) <= 0) return;
  if (fds[0].revents != 0) drain(inotify_fd_);
  if (fds[1].revents != 0) signalled_ = true;
  if ((fds[2].revents & (POLLERR | POLLHUP)) != 0) output_gone_ = true;
}

bool DirectoryWaiter::stop_asked() {
  pollfd signal = {signal_fd_, POLLIN, 0};
  if (!signalled_ && poll(&signal, 1, 0) > 0) signalled_ = true;
  return signalled_ || output_gone_;
}

uint64_t DirectoryWaiter::now_ms() {
  using namespace std::chrono;
  return static_cast<uint64_t>(duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count());
}

}  // namespace cm::audit::verify
