// SPDX-License-Identifier: Apache-2.0
// arena.h: the memory that holds every secret of the module: two anonymous mappings between guard pages, locked when
// the limit allows it and left out of core dumps. Keys live in the lasting part, which a forked child keeps; whatever a
// child must not have (random generator states, IV counters, sessions, contexts) lives in the fleeting part, which the
// kernel wipes in the child (MADV_WIPEONFORK), so that not even a raw clone(2) can repeat a nonce. A third part holds
// no secret and is one memory for the process and all its children: counts that must not start anew in a child.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/status.h"

namespace cm::arena {

// map: reserves the parts once, zeroed. kNoMemory, or kUnsupported on a kernel that cannot wipe on fork; locking of the
// parts with secrets is attempted, never required.
Status map(size_t lasting_size, size_t fleeting_size, size_t family_size);

uint8_t* lasting();
uint8_t* fleeting();
uint8_t* family();

// lock: tries to lock the lasting and the fleeting part. A child inherits no locks, so it does this again.
void lock();
// locked: whether both are locked into memory in this process; shown by cm_status.
bool locked();

}  // namespace cm::arena
