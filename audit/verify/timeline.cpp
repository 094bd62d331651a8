// SPDX-License-Identifier: Apache-2.0
// timeline.cpp: see timeline.h. Any 64-bit time may come, in any order.
#include "audit/verify/timeline.h"

#include <algorithm>
#include <bit>

namespace cm::audit::verify {

Timeline::Bucket& Timeline::at(uint64_t time_ns) {
  if (used_ == 0) origin_ns_ = time_ns;
  if (time_ns < origin_ns_) ++before_origin_;
  const uint64_t since = time_ns < origin_ns_ ? 0 : time_ns - origin_ns_;
  while (since / width_ns_ >= kBuckets) double_width();
  const size_t index = since / width_ns_;
  used_ = std::max(used_, index + 1);
  return buckets_[index];
}

void Timeline::double_width() {
  width_ns_ *= 2;
  used_ = (used_ + 1) / 2;
  for (size_t i = 0; i < kBuckets; ++i) {
    const Bucket moved = buckets_[i];
    buckets_[i] = {};
    Bucket& into = buckets_[i / 2];
    into.records += moved.records;
    into.failed += moved.failed;
    into.anchors += moved.anchors;
    into.starts += moved.starts;
  }
}

void Latencies::add(uint64_t entry_ns, uint64_t exit_ns) {
  ++pairs_;
  if (exit_ns < entry_ns) {
    ++backwards_;
    return;
  }
  const uint64_t ns = exit_ns - entry_ns;
  longest_ns_ = std::max(longest_ns_, ns);
  ++buckets_[static_cast<size_t>(std::bit_width(ns))];
}

uint64_t Latencies::within(uint64_t permille) const {
  const uint64_t timed = pairs_ - backwards_;
  const uint64_t wanted = timed / 1000 * permille + (timed % 1000 * permille + 999) / 1000;
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets && timed != 0; ++i) {
    seen += buckets_[i];
    if (seen >= wanted) return i == 0 ? 0 : i == kBuckets - 1 ? longest_ns_ : std::min(longest_ns_, uint64_t{1} << i);
  }
  return 0;
}

}  // namespace cm::audit::verify
