// SPDX-License-Identifier: Apache-2.0
// bundle.h: an archive that has all an auditor needs to check a log without this program: the log, its enrolment
// record, the attestation key, the quotes, the verdict, and a script that checks them (audit/verify/bundle/). What is
// verified is the copy in the archive, so that the verdict is one on the very bytes that are handed over.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "audit/chain.h"
#include "audit/verify/log_source.h"
#include "audit/verify/log_statistics.h"
#include "audit/verify/new_file.h"
#include "audit/verify/observer.h"
#include "audit/verify/tar_file.h"

namespace cm::audit::verify {

inline constexpr char kBundleDirectory[] = "cryptomod-evidence";

class Bundle final : public FrameObserver {
 public:
  Bundle(NewFile& file, Lane lane) : file_(file), tar_(file), copy_(file), lane_(lane) {}

  // In this order; each is false when it could not be done, and error() says why.
  // copy: takes the log into the archive.
  bool copy(LogSource& log);
  // log: the copy. Verifying it with this object as observer takes the quotes into the archive.
  LogSource& log() { return copy_; }
  void accepted(const FrameView& frame, const FramePlace& place) override;
  // finish: the rest. enrolment: the text of the record, empty when none was given.
  bool finish(const Report& report, const std::string& enrolment);

  const std::string& error() const { return error_.empty() ? file_.error() : error_; }
  uint64_t size() const { return tar_.position(); }

 private:
  // Copy: the segments where they lie in the archive.
  class Copy final : public LogSource {
   public:
    explicit Copy(NewFile& file) : file_(file) {}
    void add(uint64_t offset, uint64_t size) { segments_.push_back({offset, size}); }
    size_t segment_count() const override { return segments_.size(); }
    std::string segment_name(size_t index) const override { return segment_file_name(static_cast<uint32_t>(index)); }
    uint64_t segment_size(size_t index) const override { return segments_[index].size; }
    bool read(size_t index, uint64_t offset, std::span<uint8_t> out) override;

   private:
    struct Segment {
      uint64_t offset = 0;
      uint64_t size = 0;
    };
    NewFile& file_;
    std::vector<Segment> segments_;
  };

  bool copy_segment(LogSource& log, size_t index);
  void note(const std::string& name, const Digest& digest);
  bool add(const std::string& name, std::string_view content, bool executable = false);
  void add_quote(uint64_t frame_seq, const Anchor& p);

  NewFile& file_;
  TarFile tar_;
  Copy copy_;
  Lane lane_;
  LogStatistics statistics_;
  std::string ak_pem_;
  std::string sums_;
  std::string error_;
};

}  // namespace cm::audit::verify
