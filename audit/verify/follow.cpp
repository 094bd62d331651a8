// SPDX-License-Identifier: Apache-2.0
// follow.cpp: see follow.h. It must never go past a byte that is not part of a sound or certainly damaged frame: where
// in doubt it waits.
#include "audit/verify/follow.h"

#include <fmt/format.h>

#include <optional>

#include "audit/verify/frame_stream.h"

namespace cm::audit::verify {
namespace {

class Follower {
 public:
  Follower(DirectorySource& source, const FollowOptions& options, FollowWaiter& waiter, const Print& print,
           const Print& trouble)
      : source_(source),
        options_(options),
        waiter_(waiter),
        trouble_(trouble),
        printer_(options, print, trouble),
        seen_{source.segment_count() - 1, source.segment_size(source.segment_count() - 1)} {}
  int run();

 private:
  enum class Next : uint8_t { kGoOn, kWait, kOver };

  Next pass();
  Next frame(const FrameStream& stream);
  Next cannot_cut(const FrameStream& stream);
  bool certain();
  bool became_shorter();
  bool seen(const LogPosition& end) const;
  Next over(int code) {
    code_ = code;
    return Next::kOver;
  }

  struct Doubt {
    LogPosition at;
    uint64_t since_ms;
  };

  DirectorySource& source_;
  const FollowOptions& options_;
  FollowWaiter& waiter_;
  const Print& trouble_;
  LogPrinter printer_;
  const LogPosition seen_;  // end of what was there at the start
  LogPosition at_;          // frames before it were read
  std::optional<Doubt> doubt_;
  bool ended_ = false;
  int code_ = kExitVerified;
};

int Follower::run() {
  while (!waiter_.stop_asked()) {
    if (!source_.refresh(at_.segment)) {
      trouble_(fmt::format("!! {} is not there any more\n", source_.segment_name(at_.segment)));
      return kExitUndecided;
    }
    if (became_shorter() || pass() == Next::kOver || (ended_ && !doubt_)) break;
    waiter_.wait(doubt_ ? kFollowSettleMs : kFollowPollMs);
  }
  if (printer_.output_failed()) return kExitUndecided;
  return code_ == kExitVerified && printer_.damaged() ? kExitIncomplete : code_;
}

// pass: reads what is there.
Follower::Next Follower::pass() {
  FrameStream stream(source_, at_);
  while (!waiter_.stop_asked()) {
    switch (stream.next()) {
      case Step::kFrame:
        if (const Next next = frame(stream); next != Next::kGoOn) return next;
        continue;
      case Step::kEnd:
      case Step::kTorn:
        doubt_.reset();
        return Next::kWait;
      case Step::kProblem:
        return cannot_cut(stream);
    }
  }
  return Next::kOver;
}

// frame: of the right size. One whose checks fail may have bytes that were not visible yet.
Follower::Next Follower::frame(const FrameStream& stream) {
  const FrameView& f = stream.frame();
  const auto problem = check_frame(options_.lane, f);
  if (problem && !certain()) return Next::kWait;
  doubt_.reset();
  printer_.set_quiet(!options_.from_start && seen(stream.after()));
  if (!printer_.frame(f, stream.place(), problem)) return over(kExitVerified);
  at_ = stream.after();
  // Behind an end frame come anchors, and what a later writer found before it began.
  const bool behind_end = f.type() == FrameType::kAnchor || f.type() == FrameType::kUnexplainedExtend;
  if (!problem) ended_ = f.type() == FrameType::kEnd || (ended_ && behind_end);
  return Next::kGoOn;
}

Follower::Next Follower::cannot_cut(const FrameStream& stream) {
  if (!certain()) return Next::kWait;
  const FindingRow& row = finding_row(stream.problem().id);
  printer_.stopped(stream.place(), row.text);
  return over(row.exit_code == kExitUndecided ? kExitUndecided : kExitIncomplete);
}

// certain: whether the place where reading stands has looked damaged for so long that it is no frame being written.
bool Follower::certain() {
  if (!doubt_ || doubt_->at != at_) doubt_ = Doubt{at_, waiter_.now_ms()};
  return waiter_.now_ms() - doubt_->since_ms >= kFollowSettleMs;
}

// became_shorter: a writer cuts off torn frames, never one that was whole.
bool Follower::became_shorter() {
  if (source_.segment_size(at_.segment) >= at_.offset) return false;
  trouble_(fmt::format("!! {} is shorter than what was read of it\n", source_.segment_name(at_.segment)));
  code_ = kExitIncomplete;
  return true;
}

bool Follower::seen(const LogPosition& end) const {
  return end.segment < seen_.segment || (end.segment == seen_.segment && end.offset <= seen_.offset);
}

}  // namespace

int follow_log(DirectorySource& source, const FollowOptions& options, FollowWaiter& waiter, const Print& print,
               const Print& trouble) {
  return Follower(source, options, waiter, print, trouble).run();
}

}  // namespace cm::audit::verify
