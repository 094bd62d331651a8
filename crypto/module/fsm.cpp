// SPDX-License-Identifier: Apache-2.0
// fsm.cpp: the one state variable of the module. It decides nothing: every move is a row of fsm.h.
#include "crypto/module/fsm.h"

#include "audit/producer/producer.h"

namespace cm {

constinit std::atomic<uint32_t> g_state{CM_STATE_POWER_ON};

void restart() { g_state.store(CM_STATE_POWER_ON, std::memory_order_release); }

Move move(FsmEvent event) {
  uint32_t from = g_state.load(std::memory_order_acquire);
  State to = State::kError;
  do {
    to = next_state(static_cast<State>(from), event);
  } while (!g_state.compare_exchange_weak(from, static_cast<uint32_t>(to), std::memory_order_seq_cst));
  return {static_cast<State>(from), event, to};
}

void record_move(const Move& moved, int32_t cause, uint64_t deadline_ns) {
  // A state that cannot be recorded is still entered: refusing to enter the error state would be worse. The producer
  // counts what it could not keep.
  static_cast<void>(audit::event(static_cast<uint32_t>(audit::EventId::kState) + static_cast<uint32_t>(moved.to),
                                 static_cast<uint32_t>(cause), static_cast<uint64_t>(moved.from),
                                 static_cast<uint64_t>(moved.event), deadline_ns));
}

State apply(FsmEvent event, int32_t cause) {
  const Move moved = move(event);
  record_move(moved, cause, audit::kWaitMsFromNow);
  return moved.to;
}

}  // namespace cm
