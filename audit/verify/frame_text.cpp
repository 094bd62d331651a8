// SPDX-License-Identifier: Apache-2.0
// frame_text.cpp: see frame_text.h. It must not judge, and lets no text of the log through unescaped.
#include "audit/verify/frame_text.h"

#include <fmt/format.h>

#include "audit/payload.h"
#include "audit/verify/report.h"

namespace cm::audit::verify {
namespace {

std::string tpm_text(const TpmIdentity& t) {
  return fmt::format("{} TPM, reset {}, restart {}, clock {} ms{}", t.kind == 1 ? "software" : "device", t.reset_count,
                     t.restart_count, t.clock_ms, t.clock_safe != 0 ? "" : " (not safe)");
}

std::string about(const Genesis& p) {
  return fmt::format("writer {} uid {}, {}, PCR {}, counter {:#x} at {}", quoted_text(p.writer_version), p.writer_uid,
                     tpm_text(p.tpm), p.pcr_index, p.nv_index, p.nv_start);
}
std::string about(const Start& p) {
  return fmt::format("writer {} uid {}, {}, counter at {}, {} bytes torn", quoted_text(p.writer_version), p.writer_uid,
                     tpm_text(p.tpm), p.nv_value, p.torn_bytes);
}
std::string about(const Clock& p) { return fmt::format("tick {} is {}", p.tsc, utc_text(p.utc_ns)); }
std::string about(const ClientAttach& p) {
  return fmt::format("client {} {}pid {} uid {} {}, module {} {}, rings {}..{}", hex_text(p.client_id),
                     p.reattached != 0 ? "came back, " : "", p.pid, p.uid, quoted_text(p.executable),
                     quoted_text(p.module_version), quoted_text(p.lanes), p.first_ring_id,
                     uint64_t{p.first_ring_id} + p.ring_count - 1);
}
std::string about(const ClientDetach& p) { return "client " + hex_text(p.client_id); }
std::string about(const ClientLost& p) {
  std::string out =
      fmt::format("client {} reason {}, {} open calls", hex_text(p.client_id), p.reason, p.open_entries.size());
  for (const OpenEntry& e : p.open_entries)
    out += fmt::format("; ring {} seq {} {} object {:#x}", e.ring_id, e.ring_seq, event_text(e.event_id), e.object);
  return out;
}
std::string about(const Batch& p) { return fmt::format("{} rings", p.marks.size()); }
std::string about(const Anchor& p) {
  const std::string asked = p.challenge == Digest{} ? "" : ", challenge " + hex_text(p.challenge);
  return fmt::format("over frame {}, counter {}, PCR {}{}", p.anchored_seq, p.nv_value, hex_text(p.pcr_value), asked);
}
std::string about(const UnexplainedExtend& p) {
  return fmt::format("PCR expected {}, found {}", hex_text(p.expected), hex_text(p.found));
}
std::string about(const SealBroken& p) {
  return fmt::format("client {} ring {} seq {} reason {}", hex_text(p.client_id), p.ring_id, p.ring_seq, p.reason);
}
std::string about(const SegmentSeal& p) {
  const char* why = p.reason == kSealedFull    ? "it is full"
                    : p.reason == kSealedOld   ? "it is old"
                    : p.reason == kSealedAsked ? "its operator asked for it"
                                               : "reason unknown";
  return fmt::format("segment {} is closed after {} bytes: {}", p.segment, p.bytes, why);
}
std::string about(const End& p) { return p.reason == 1 ? "orderly shutdown" : "ended by a signal"; }

template <class Payload>
std::string decoded(const FrameView& f) {
  Payload p;
  if (!decode(f.var, p)) return "the variable section does not decode";
  return f.header.carried == 0 ? about(p) : fmt::format("carries {} before it; {}", f.header.carried, about(p));
}

}  // namespace

std::string frame_about(const FrameView& f) {
  switch (f.type()) {
    case FrameType::kGenesis:
      return decoded<Genesis>(f);
    case FrameType::kBoot:
    case FrameType::kRecovery:
      return decoded<Start>(f);
    case FrameType::kClock:
      return decoded<Clock>(f);
    case FrameType::kClientAttach:
      return decoded<ClientAttach>(f);
    case FrameType::kClientDetach:
      return decoded<ClientDetach>(f);
    case FrameType::kClientLost:
      return decoded<ClientLost>(f);
    case FrameType::kBatch:
      return decoded<Batch>(f);
    case FrameType::kAnchor:
      return decoded<Anchor>(f);
    case FrameType::kUnexplainedExtend:
      return decoded<UnexplainedExtend>(f);
    case FrameType::kSealBroken:
      return decoded<SealBroken>(f);
    case FrameType::kEnd:
      return decoded<End>(f);
    case FrameType::kSegmentSeal:
      return decoded<SegmentSeal>(f);
  }
  return "";
}

}  // namespace cm::audit::verify
