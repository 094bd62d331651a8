// SPDX-License-Identifier: Apache-2.0
// bundle.cpp: see bundle.h. It must not judge: the report says what holds.
#include "audit/verify/bundle.h"

#include <fmt/format.h>

#include <algorithm>

#include "audit/attest/p256.h"
#include "audit/verify/bundle_texts.h"
#include "audit/verify/html_report.h"
#include "crypto/sha2/sha256.h"

namespace cm::audit::verify {
namespace {

constexpr size_t kPiece = 1u << 20;

std::string_view text_of(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string in_bundle(const std::string& name) { return fmt::format("{}/{}", kBundleDirectory, name); }

}  // namespace

bool Bundle::Copy::read(size_t index, uint64_t offset, std::span<uint8_t> out) {
  const Segment& s = segments_[index];
  return offset <= s.size && out.size() <= s.size - offset && file_.read(s.offset + offset, out);
}

// note: a line of SHA256SUMS.
void Bundle::note(const std::string& name, const Digest& digest) {
  sums_ += fmt::format("{}  {}\n", hex_text(digest), name);
}

bool Bundle::add(const std::string& name, std::string_view content, bool executable) {
  Digest digest;
  sha256(lane_, digest.data(), reinterpret_cast<const uint8_t*>(content.data()), content.size());
  note(name, digest);
  return tar_.add(in_bundle(name), content, executable);
}

bool Bundle::copy_segment(LogSource& log, size_t index) {
  const std::string name = "log/" + log.segment_name(index);
  const uint64_t size = log.segment_size(index);
  if (!tar_.begin(in_bundle(name), size)) return false;
  copy_.add(tar_.position(), size);
  Sha256 sum;
  sha256_init(sum, lane_);
  Bytes piece(static_cast<size_t>(std::min<uint64_t>(size, kPiece)));
  for (uint64_t at = 0; at < size; at += piece.size()) {
    piece.resize(static_cast<size_t>(std::min<uint64_t>(size - at, kPiece)));
    if (!log.read(index, at, piece)) {
      error_ = fmt::format("cannot read {}, or it became shorter", log.segment_name(index));
      return false;
    }
    sha256_update(sum, piece.data(), piece.size());
    if (!tar_.append(text_of(piece))) return false;
  }
  Digest digest;
  sha256_final(sum, digest.data());
  note(name, digest);
  return tar_.end();
}

bool Bundle::copy(LogSource& log) {
  for (size_t i = 0; i < log.segment_count(); ++i)
    if (!copy_segment(log, i)) return false;
  return true;
}

void Bundle::accepted(const FrameView& frame, const FramePlace& place) {
  statistics_.accepted(frame, place);
  Genesis genesis;
  Anchor anchor;
  if (frame.type() == FrameType::kGenesis && decode(frame.var, genesis)) {
    const auto ak = parse_ak_public(genesis.ak_public);
    const auto key = ak ? P256Key::from_point(ak->point) : std::nullopt;
    if (key) ak_pem_ = key->pem();
  } else if (frame.type() == FrameType::kAnchor && decode(frame.var, anchor)) {
    add_quote(frame.header.frame_seq, anchor);
  }
}

// add_quote: in the forms that tpm2_checkquote takes. What could not be written is known at the end.
void Bundle::add_quote(uint64_t frame_seq, const Anchor& p) {
  const std::string name = fmt::format("anchors/{:012}", frame_seq);
  add(name + ".quote", text_of(p.quote_attest));
  add(name + ".signature", text_of(p.quote_signature));
  add(name + ".pcr", text_of(p.pcr_value));
}

bool Bundle::finish(const Report& report, const std::string& enrolment) {
  return (ak_pem_.empty() || add("ak.pem", ak_pem_)) && (enrolment.empty() || add("enrolment.json", enrolment)) &&
         add("report.json", to_json(report)) && add("report.html", html_report(report, statistics_.conclude())) &&
         add("README.txt", kBundleReadme) && add("verify.sh", kBundleScript, true) &&
         tar_.add(in_bundle("SHA256SUMS"), sums_) && tar_.finish();
}

}  // namespace cm::audit::verify
