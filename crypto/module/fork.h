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

// fork_finish: sets the child up exactly once: threads, memory, store, life cycle, audit connection, state. Any thread;
// returns when it is done. A writer that cannot be reached is not the end: the supervisor keeps trying and calls answer
// kAudit until then.
void fork_finish();

// The parts of the set-up that belong to other files, in their order. No other thread of the child is in the module.
// forget_parent_thread: in the handler, by the one thread that fork() leaves: it has no state yet.
void forget_parent_thread();
void forget_parent_threads();
// forget_parent_call: a life-cycle call that another thread of the parent was in will not end here. Returns whether the
// parent was attached to a writer.
bool forget_parent_call();
// settle_parent_state: brings the state that such a call left half way to where the child can go on.
void settle_parent_state();

}  // namespace cm
