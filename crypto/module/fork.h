// SPDX-License-Identifier: Apache-2.0
// fork.h: how the module finds out that it runs in a child process, and what it does before the child's first call.
// Handlers of pthread_atfork mark an ordinary fork; a word in the fleeting arena (wiped by the kernel) shows a raw
// clone(2), which gets kForked because nothing could be prepared for it.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/status.h"

namespace cm {

// fork_init: once, from the library's constructor. word lies in the fleeting arena.
Status fork_init(uint64_t* word);

// fork_pending: this is a child made by fork() that has not called the module yet, or a second thread that meets the
// first one setting it up.
bool fork_pending();

// fork_raw: this is a child the handlers have not seen.
bool fork_raw();

// fork_finish: sets the child up exactly once: reset_threads, the store, the audit connection. Any thread.
Status fork_finish(void (*reset_threads)());

}  // namespace cm
