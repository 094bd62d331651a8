// SPDX-License-Identifier: Apache-2.0
// directories.h: the directories a writer works in, opened once at the start and used through their descriptors from
// then on, so that after the change of user no parent directory has to be reachable. The lock that makes the writer the
// only one lives in the run directory and as a lock on the log directory itself: a log holds segments and nothing else.
#pragma once
#include <string>

#include "audit/writer/error.h"
#include "audit/writer/options.h"
#include "audit/writer/unique_fd.h"

namespace cm::audit {

struct Directories {
  UniqueFd log;
  UniqueFd run;
  UniqueFd tpm;      // not valid with --tcti
  UniqueFd trust;    // not valid without --trust
  UniqueFd metrics;  // not valid without --metrics
  UniqueFd lock;
};

// open_directories: opens what the options name and creates what is missing with mode 0700, the metrics directory with
// 0755. Refuses a directory that
// others may write to, and one directory in two roles.
Error open_directories(const Options& options, Directories& out);

enum class LockState {
  kOurs,
  kServed,  // another writer has this run directory and takes connections
  kFailed,
};
// take_lock: waits up to five seconds for a writer that is just ending.
LockState take_lock(Directories& directories, Error& error);

// fd_path: "/proc/self/fd/N/name": a path of bounded length for calls that take no descriptor (unix sockets have 108
// bytes for it).
std::string fd_path(int dir_fd, const std::string& name);

// socket_answers: whether something listens on the unix socket of this name.
bool socket_answers(int dir_fd, const std::string& name);

}  // namespace cm::audit
