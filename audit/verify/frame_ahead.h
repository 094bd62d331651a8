// SPDX-License-Identifier: Apache-2.0
// frame_ahead.h: walks over the frames of a log in file order like frame_stream.h, some frames ahead: those that lie in
// one window are hashed together, because their records digests do not depend on each other. What it gives and in which
// order is what FrameStream and check_frame give for one frame after the other.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "audit/parallel_hash.h"
#include "audit/verify/frame_check.h"
#include "audit/verify/frame_stream.h"

namespace cm::audit::verify {

class FrameAhead {
 public:
  FrameAhead(LogSource& source, Lane single, Lane wide) : stream_(source), single_(single), wide_(wide) {}

  // These are those of FrameStream.
  Step next();
  const FrameView& frame() const { return at_frame() ? frames_[at_].view : stream_.frame(); }
  FramePlace place() const { return at_frame() ? frames_[at_].place : stream_.place(); }
  const Problem& problem() const { return stream_.problem(); }
  uint64_t left() const { return stream_.left(); }

  // check, head: of the frame at hand, as check_frame and frame_head give them.
  std::optional<Problem> check() const;
  const Digest& head() const { return jobs_[2 * at_ + 1].digest; }

 private:
  struct Ahead {
    FrameView view;
    FramePlace place;
  };
  bool at_frame() const { return at_ < frames_.size(); }
  void read_ahead();

  FrameStream stream_;
  const Lane single_, wide_;
  std::vector<Ahead> frames_;  // valid until the stream's window moves
  std::vector<HashJob> jobs_;  // two of each frame: records, head
  size_t at_ = 0;
  Step after_ = Step::kFrame;  // what comes behind frames_, where that is known
};

}  // namespace cm::audit::verify
