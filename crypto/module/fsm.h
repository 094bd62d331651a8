// SPDX-License-Identifier: Apache-2.0
// fsm.h: one of the four central tables: the finite state model of the module (ISO/IEC 19790 7.11.4). States are those
// of cryptomod.h. A pair that is not listed leads to the error state. The compiler proves below: no pair is listed
// twice, every state can be reached, OPERATIONAL is entered only from READY, READY only from SELF_TEST, and the error
// state is left only by a full new self-test or by shutdown (after which only a full new self-test leads on).
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "cryptomod/cryptomod.h"

namespace cm {

enum class State : uint32_t {
  kPowerOn = CM_STATE_POWER_ON,
  kSelfTest = CM_STATE_SELF_TEST,
  kReady = CM_STATE_READY,
  kOperational = CM_STATE_OPERATIONAL,
  kError = CM_STATE_ERROR,
  kZeroised = CM_STATE_ZEROISED,
};
inline constexpr size_t kStateCount = 6;

enum class FsmEvent : uint32_t {
  kTestsBegin = 0,  // all self-tests start: load, re-initialisation, or a re-test that is to leave the error state
  kTestsPassed = 1,
  kTestsFailed = 2,
  kAttached = 3,  // connected to an audit writer
  kZeroise = 4,   // every SSP destroyed by request
  kShutdown = 5,  // every SSP destroyed, writer detached
  kFailure = 6,   // a conditional test or an internal check failed
};
inline constexpr size_t kFsmEventCount = 7;

struct Transition {
  State from;
  FsmEvent event;
  State to;
};

constexpr Transition kTransitions[] = {
    {State::kPowerOn, FsmEvent::kTestsBegin, State::kSelfTest},
    {State::kSelfTest, FsmEvent::kTestsPassed, State::kReady},
    {State::kSelfTest, FsmEvent::kTestsFailed, State::kError},
    {State::kReady, FsmEvent::kAttached, State::kOperational},
    {State::kOperational, FsmEvent::kZeroise, State::kZeroised},
    {State::kOperational, FsmEvent::kShutdown, State::kZeroised},
    {State::kError, FsmEvent::kAttached, State::kError},
    {State::kError, FsmEvent::kZeroise, State::kError},
    {State::kError, FsmEvent::kShutdown, State::kZeroised},
    {State::kError, FsmEvent::kTestsBegin, State::kSelfTest},
    {State::kZeroised, FsmEvent::kShutdown, State::kZeroised},
    {State::kZeroised, FsmEvent::kTestsBegin, State::kSelfTest},
};

constexpr State next_state(State from, FsmEvent event) {
  for (const Transition& t : kTransitions)
    if (t.from == from && t.event == event) return t.to;
  return State::kError;
}

struct StateName {
  State state;
  char name[16];
};
constexpr StateName kStateNames[] = {
    {State::kPowerOn, "power-on"},        {State::kSelfTest, "self-test"}, {State::kReady, "ready"},
    {State::kOperational, "operational"}, {State::kError, "error"},        {State::kZeroised, "zeroised"},
};

namespace detail {
constexpr bool fsm_deterministic() {
  for (const Transition& a : kTransitions) {
    int same = 0;
    for (const Transition& b : kTransitions) same += a.from == b.from && a.event == b.event;
    if (same != 1) return false;
  }
  return true;
}
constexpr bool fsm_all_reachable() {
  bool seen[kStateCount] = {true};
  for (size_t round = 0; round < kStateCount; ++round)
    for (const Transition& t : kTransitions)
      if (seen[static_cast<size_t>(t.from)]) seen[static_cast<size_t>(t.to)] = true;
  for (bool s : seen)
    if (!s) return false;
  return true;
}
constexpr bool fsm_entered_only_from(State to, State from) {
  for (const Transition& t : kTransitions)
    if (t.to == to && t.from != from) return false;
  return true;
}
constexpr bool fsm_error_is_kept() {
  for (const Transition& t : kTransitions)
    if (t.from == State::kError && t.to != State::kError && t.to != State::kSelfTest && t.to != State::kZeroised)
      return false;
  for (const Transition& t : kTransitions)
    if (t.from == State::kZeroised && t.to != State::kZeroised && t.to != State::kSelfTest) return false;
  return true;
}
}  // namespace detail
static_assert(detail::fsm_deterministic());
static_assert(detail::fsm_all_reachable());
static_assert(detail::fsm_entered_only_from(State::kOperational, State::kReady));
static_assert(detail::fsm_entered_only_from(State::kReady, State::kSelfTest));
static_assert(detail::fsm_error_is_kept());
static_assert(next_state(State::kOperational, FsmEvent::kFailure) == State::kError, "what is not listed is an error");

// current_state: one atomic load. Thread-safe. g_state is written by fsm.cpp alone.
extern std::atomic<uint32_t> g_state;
inline State current_state() { return static_cast<State>(g_state.load(std::memory_order_acquire)); }

// Move: a change of state that has happened and is still to be recorded.
struct Move {
  State from;
  FsmEvent event;
  State to;
};

// move: changes the state and records nothing, for those who must destroy secrets before they may wait for room in the
// log. record_move: the record, by the deadline (audit/producer/producer.h). cause is the result that explains it (0
// for none). Thread-safe.
Move move(FsmEvent event);
void record_move(const Move& moved, int32_t cause, uint64_t deadline_ns);

// apply: both. Returns the new state. Thread-safe.
State apply(FsmEvent event, int32_t cause);

// restart: back to POWER_ON. Only in a fork child that finds SELF_TEST: the thread that ran the tests is not there, so
// they begin anew.
void restart();

}  // namespace cm
