// SPDX-License-Identifier: Apache-2.0
// directory_waiter.h: waits for a directory to change (inotify; where that cannot be had, by the clock), for SIGINT and
// SIGTERM, and for the reader of the output to go away. It must not read the directory itself.
#pragma once
#include <string>

#include "audit/verify/follow.h"

namespace cm::audit::verify {

class DirectoryWaiter final : public FollowWaiter {
 public:
  // From here to the end of the program SIGINT and SIGTERM do nothing but ask to stop. output_fd: -1 when there is none
  // to watch. before_wait is called before every wait (to flush); false asks to stop.
  DirectoryWaiter(const std::string& directory, int output_fd, std::function<bool()> before_wait);
  ~DirectoryWaiter() override;
  void wait(uint32_t at_most_ms) override;
  bool stop_asked() override;
  uint64_t now_ms() override;
  // output_gone: why stop was asked, unless by a signal.
  bool output_gone() const { return output_gone_; }

 private:
  int inotify_fd_;
  int signal_fd_;
  int output_fd_;
  std::function<bool()> before_wait_;
  bool signalled_ = false;
  bool output_gone_ = false;
};

}  // namespace cm::audit::verify
