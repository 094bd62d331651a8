// SPDX-License-Identifier: Apache-2.0
// process_ring.h: records that belong to the process and not to one thread's ring: ring 0 while attached, the boot
// buffer otherwise. One lock guards both, so that a record goes to exactly one of them and their order stays.
#pragma once
#include <cstdint>

#include "audit/producer/clock.h"
#include "audit/producer/producer.h"
#include "audit/producer/ring_wait.h"

namespace cm::audit {

enum class HomeResult : uint8_t { kKept, kNoRoom, kAttached };

// home_begin: entry of a call made while there is no attachment. kAttached: there is one now, open a port.
HomeResult home_begin(Port& port, const Call& call);
// home_end: its exit, in the boot buffer or in ring 0.
void home_end(const Call& call, Status result, uint64_t detail);
// event_record: without time, place and session.
Record event_record(uint32_t event_id, uint32_t return_code, uint64_t object, uint64_t detail);
// home_event: one record that is neither entry nor exit, complete but for time and place; never waits.
HomeResult home_event(Record event);

// home_wait, home_wait_room: waiting on ring 0. The lock is not held while asleep.
WaitResult home_wait(bool anchored, uint32_t stop_flags, Deadline deadline);
WaitResult home_wait_room(uint32_t stop_flags, Deadline deadline);

// home_open: ring 0 of fresh shared memory; records still go to the boot buffer.
void home_open();
// home_move_boot: moves what fits; true when all is in ring 0 and the attachment has been made visible.
bool home_move_boot();
// home_close: no more records for ring 0; new ones go to the boot buffer. Boot records the writer has not acknowledged
// stay there when the move was not finished.
void home_close();

}  // namespace cm::audit
