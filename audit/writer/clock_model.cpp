// SPDX-License-Identifier: Apache-2.0
// clock_model.cpp: see clock_model.h.
#include "audit/writer/clock_model.h"

#include "audit/writer/futex.h"
#include "crypto/cpu/tsc_x86.h"

namespace cm::audit {
namespace {

constexpr uint64_t kFirstMeasure_ns = 20000000;
constexpr uint64_t kLifetime_ns = 60000000000;
constexpr uint64_t kErrorMax_ns = 1000000;
constexpr int kSampleTries = 5;

__extension__ using Wide = unsigned __int128;
__extension__ using SignedWide = __int128;

}  // namespace

uint64_t utc_of(const Clock& clock, uint64_t tsc) {
  const auto ticks = static_cast<int64_t>(tsc - clock.tsc);
  const SignedWide ns = static_cast<SignedWide>(ticks) * static_cast<SignedWide>(clock.ns_per_tick_q32);
  return clock.utc_ns + static_cast<uint64_t>(ns >> 32);
}

// sample: the try with the shortest time between its two TSC reads counts: nothing interrupted it.
ClockModel::Sample ClockModel::sample() {
  Sample best{};
  uint64_t best_window = ~uint64_t{0};
  for (int i = 0; i < kSampleTries; ++i) {
    const uint64_t before = read_tsc();
    const uint64_t utc = clock_ns(CLOCK_REALTIME);
    const uint64_t monotonic = clock_ns(CLOCK_MONOTONIC);
    const uint64_t after = read_tsc();
    if (after - before >= best_window) continue;
    best_window = after - before;
    best = {before + best_window / 2, utc, monotonic};
  }
  return best;
}

uint64_t ClockModel::rate_until(const Sample& now) const {
  const uint64_t ticks = now.tsc - origin_.tsc;
  const uint64_t ns = now.monotonic_ns - origin_.monotonic_ns;
  return ticks == 0 ? 0 : static_cast<uint64_t>((static_cast<Wide>(ns) << 32) / ticks);
}

std::optional<Clock> ClockModel::proposal() {
  if (!valid_) {
    origin_ = sample();
    const timespec pause = {0, kFirstMeasure_ns};
    nanosleep(&pause, nullptr);
  }
  const Sample now = sample();
  const auto error = static_cast<int64_t>(utc_of(current_, now.tsc) - now.utc_ns);
  const bool wrong = error > static_cast<int64_t>(kErrorMax_ns) || error < -static_cast<int64_t>(kErrorMax_ns);
  if (valid_ && !wrong && now.monotonic_ns - accepted_ns_ < kLifetime_ns) return std::nullopt;
  Clock next;
  next.tsc = now.tsc;
  next.utc_ns = now.utc_ns;
  next.ns_per_tick_q32 = rate_until(now);
  next.generation = generation_ + 1;
  return next;
}

void ClockModel::accept(const Clock& clock) {
  if (valid_) origin_ = sample();
  current_ = clock;
  generation_ = clock.generation;
  accepted_ns_ = monotonic_ns();
  valid_ = true;
}

}  // namespace cm::audit
