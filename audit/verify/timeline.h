// SPDX-License-Identifier: Apache-2.0
// timeline.h: how much happened when, in a fixed number of time buckets that grow with the log, and how long calls
// took, in buckets of powers of two. Memory does not depend on the log.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace cm::audit::verify {

// Timeline: the first time that is asked for is its beginning. A bucket that would lie beyond the last makes all twice
// as wide. Not for use by several threads.
class Timeline {
 public:
  static constexpr size_t kBuckets = 128;
  static constexpr uint64_t kFirstWidthNs = 1'000'000;
  static_assert(kBuckets % 2 == 0);

  struct Bucket {
    uint64_t records = 0;
    uint64_t failed = 0;  // exits and self-tests with an error, among the records
    uint64_t anchors = 0;
    uint64_t starts = 0;  // of a writer, and what breaks the proof
  };

  // at: the bucket of this time (nanoseconds since 1970). What lies before the beginning goes into the first one.
  Bucket& at(uint64_t time_ns);

  const std::array<Bucket, kBuckets>& buckets() const { return buckets_; }
  uint64_t origin_ns() const { return origin_ns_; }
  uint64_t width_ns() const { return width_ns_; }
  // used: buckets up to the last that was asked for.
  size_t used() const { return used_; }
  // before_origin: how often a time before the beginning was asked for.
  uint64_t before_origin() const { return before_origin_; }

 private:
  void double_width();

  std::array<Bucket, kBuckets> buckets_{};
  uint64_t origin_ns_ = 0;
  uint64_t width_ns_ = kFirstWidthNs;
  size_t used_ = 0;
  uint64_t before_origin_ = 0;
};

// Latencies: of calls, from the time of the entry to that of the exit, as the process that made them estimated both.
class Latencies {
 public:
  // Bucket 0 is 0 ns, bucket n from 2^(n-1) to below 2^n ns.
  static constexpr size_t kBuckets = 65;

  void add(uint64_t entry_ns, uint64_t exit_ns);

  const std::array<uint64_t, kBuckets>& buckets() const { return buckets_; }
  // pairs: all that were added; backwards: those of them whose exit is before the entry, which are in no bucket.
  uint64_t pairs() const { return pairs_; }
  uint64_t backwards() const { return backwards_; }
  uint64_t longest_ns() const { return longest_ns_; }
  // within: the end of the bucket in which this many thousandths of the calls are reached, at most the longest; 0 when
  // there are none.
  uint64_t within(uint64_t permille) const;

 private:
  std::array<uint64_t, kBuckets> buckets_{};
  uint64_t pairs_ = 0;
  uint64_t backwards_ = 0;
  uint64_t longest_ns_ = 0;
};

}  // namespace cm::audit::verify
