// SPDX-License-Identifier: Apache-2.0
// ring_port.h: opening a port on a ring of the shared memory.
#pragma once
#include "audit/producer/producer.h"

namespace cm::audit {

// open_ring: a port on ring `index` for the present attachment; the caller owns the ring.
void open_ring(Port& port, uint32_t index, uint32_t attachment);
// claim_ring: a port on a free thread ring. false: none is free.
[[nodiscard]] bool claim_ring(Port& port, uint32_t attachment);

}  // namespace cm::audit
