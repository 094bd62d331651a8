// SPDX-License-Identifier: Apache-2.0
// arena.h: the memory that holds every secret of the module: two anonymous mappings between guard pages, locked when
// the limit allows it and left out of core dumps. Keys live in the lasting part, which a forked child keeps; whatever a
// child must not have (random generator states, IV counters, sessions, contexts) lives in the fleeting part, which the
// kernel wipes in the child (MADV_WIPEONFORK), so that not even a raw clone(2) can repeat a nonce.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/status.h"

namespace cm::arena {

// map: reserves both parts once, zeroed. kNoMemory when the kernel refuses; locking is attempted, never required.
Status map(size_t lasting_size, size_t fleeting_size);

uint8_t* lasting();
uint8_t* fleeting();
size_t lasting_size();
size_t fleeting_size();

// locked: whether both parts are locked into memory; shown by cm_status.
bool locked();

}  // namespace cm::arena
