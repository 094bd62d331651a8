// SPDX-License-Identifier: Apache-2.0
// frame_ahead.cpp: see frame_ahead.h. It must not judge: a frame whose hashes disagree is left to check_frame, so that
// a finding does not depend on what was hashed beside it.
#include "audit/verify/frame_ahead.h"

namespace cm::audit::verify {
namespace {

constexpr size_t kFramesMax = 256;    // ahead
constexpr size_t kFramesEnough = 16;  // from which on more bytes ahead are of no use

}  // namespace

Step FrameAhead::next() {
  if (at_frame()) ++at_;
  if (!at_frame()) read_ahead();
  return at_frame() ? Step::kFrame : after_;
}

void FrameAhead::read_ahead() {
  frames_.clear();
  jobs_.clear();
  at_ = 0;
  if (after_ != Step::kFrame) return;
  do {
    after_ = stream_.next();
    if (after_ != Step::kFrame) break;
    const FrameView& f = stream_.frame();
    frames_.push_back({f, stream_.place()});
    const FrameJobs jobs = frame_jobs(f.bytes, f.header.var_size, f.header.record_count);
    jobs_.push_back(jobs.records);
    jobs_.push_back(jobs.head);
  } while (frames_.size() < kFramesMax && stream_.next_is_here());
  if (frames_.size() < kFramesEnough) stream_.look_further();
  hash_jobs(single_, wide_, jobs_);
}

std::optional<Problem> FrameAhead::check() const {
  const FrameView& f = frames_[at_].view;
  return frame_sound(f, jobs_[2 * at_]) ? std::nullopt : check_frame(single_, f);
}

}  // namespace cm::audit::verify
