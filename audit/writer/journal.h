// SPDX-License-Identifier: Apache-2.0
// journal.h: the one place that turns a payload into the next frame of the log: build, make durable, hand the head to
// the TPM, in this order (never extend what is not durable). A segment that is full or old is ended by a segment-seal
// frame, if it is full before the next frame of records, clock or client. It belongs to the main thread. There are
// never two frames to be hashed together: records are gathered into a frame only when the frame before is durable.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <span>

#include "audit/chain.h"
#include "audit/payload.h"
#include "audit/writer/log_store.h"
#include "audit/writer/metrics.h"
#include "audit/writer/tpm_thread.h"

namespace cm::audit {

// FrameExtras: what only some frames have.
struct FrameExtras {
  std::span<const Record> records;
  std::optional<Digest> base;              // genesis, boot, unexplained-extend: the PCR value found
  std::optional<uint64_t> writer_time_ns;  // anchor: time of the request
};

class Journal {
 public:
  Journal(LogStore& store, Lane lane, TpmThread& tpm) : store_(store), lane_(lane), tpm_(tpm) {}

  void set_position(const ChainPosition& position, uint64_t last_time_ns, bool unanchored, uint64_t segment_time_ns);
  Appended append(FrameType type, const Bytes& payload, const FrameExtras& extras = {});
  // close_segment: ends the segment with a segment-seal frame; nothing to do when it is closed already.
  Appended close_segment(uint32_t reason);
  // SegmentAge: of the segment that is being written.
  struct SegmentAge {
    uint64_t first_time_ns = 0;  // writer_time_ns of its first frame
    bool has_records = false;
  };
  const SegmentAge& segment_age() const { return segment_age_; }
  // count: the journal's part of the metrics. The longest append is that since the last call.
  void count(Metrics& metrics);
  // error: why the last append did not succeed.
  const Error& error() const { return error_; }

  const ChainPosition& position() const { return position_; }
  // unanchored: frames other than anchors are not covered by an anchor in the log.
  bool unanchored() const { return unanchored_; }
  uint64_t unanchored_seq() const { return last_plain_seq_; }
  // request_time: for an anchor request: not before any frame of the log.
  uint64_t request_time();
  // tail_records: records whose frame is not in the TPM yet.
  uint64_t tail_records();
  // tail_frames: the same in frames.
  uint64_t tail_frames() const { return position_.next_frame_seq - tpm_.extended_end(); }

 private:
  struct Mark {
    uint64_t frame_seq;
    uint64_t records_before;
  };

  Appended append_here(FrameType type, const Bytes& payload, const FrameExtras& extras);
  bool must_close(FrameType type, const Bytes& payload, size_t records) const;
  void note(FrameType type, const Bytes& payload, uint64_t frame_seq);

  LogStore& store_;
  const Lane lane_;
  TpmThread& tpm_;
  ChainPosition position_;
  uint64_t last_time_ns_ = 0;
  bool unanchored_ = false;
  uint64_t last_plain_seq_ = 0;  // last frame that is not an anchor
  SegmentAge segment_age_;
  Metrics counted_;
  std::deque<Mark> marks_;  // batch frames that may not be extended yet
  Error error_;
};

}  // namespace cm::audit
