// SPDX-License-Identifier: Apache-2.0
// metrics.h: what an operator watches: the numbers of a running writer as Prometheus text (exposition format 0.0.4), in
// a file for the textfile collector. It is no evidence, only the writer's word; evidence is the log.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "audit/frame.h"
#include "audit/writer/error.h"
#include "audit/writer/unique_fd.h"

namespace cm::audit {

inline constexpr size_t kFrameTypeEnd = static_cast<size_t>(FrameType::kEnd) + 1;

// Metrics: times in nanoseconds; "total" since this writer began.
struct Metrics {
  std::array<uint64_t, kFrameTypeEnd> frames_total{};  // by FrameType
  uint64_t records_total = 0;
  uint64_t bytes_total = 0;
  uint64_t append_ns_total = 0;    // writing frames and making them durable
  uint64_t append_ns_longest = 0;  // since the last time the file was written
  uint64_t log_frames = 0;         // of the whole log
  uint64_t log_records = 0;
  uint64_t segment = 0;
  uint64_t segment_bytes = 0;
  uint64_t clients = 0;
  uint64_t unextended_records = 0;  // durable, not in the TPM
  uint64_t unextended_frames = 0;
  uint64_t unanchored_ns = 0;  // how long frames have waited for an anchor; 0 when none waits
  bool no_space = false;
  bool no_tpm = false;
  bool tail_full = false;
};

std::string metrics_text(const Metrics& metrics);

// MetricsFile: cryptomod.prom in a directory that was opened at the start. A reader finds the old content or the new.
class MetricsFile {
 public:
  explicit MetricsFile(int dir_fd) : dir_fd_(dir_fd) {}
  // wanted: there is a directory.
  bool wanted() const { return dir_fd_ >= 0; }
  Error write(const std::string& text) const;

 private:
  const int dir_fd_;
};

}  // namespace cm::audit
