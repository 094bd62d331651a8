// SPDX-License-Identifier: Apache-2.0
// log_parser_fuzz: the verifier and `show` on hostile logs, through the same entry points as cryptomod-audit. No input
// may crash, leak or take more than a fixed multiple of its size in memory; and none may be believed beyond the truth:
// a log whose genesis frame is that of a golden log (vectors/audit) is verified with the enrolment record of that log,
// and neither the verdict "verified" nor a proof may cover a frame that is not the golden log's. Without a trust root
// the exit code is never 0.
//
// Input: the first byte chooses. Bit 1: `show` prints JSON; bit 6: CSV; bit 7: only calls that succeeded, with their
// entries. Bits 0 and 2:
//   01  the rest is a segment as it stands;
//   00  the rest describes frames (type, units of 64 bytes in the variable section, records, then their bytes), which
//       are put after a sound genesis frame with every digest and checksum right, so that the campaign gets past them
//       to what frames mean;
//   1x  the rest is a list of edits (struct Edit) of a golden log (bit 3: which), whose digests, checksums and chain
//   are
//       made right again: an attacker without the key. Bit 4: he also corrects what the anchors say about heads, PCR
//       and counter; bit 5: and what the TPM attests, all but the signatures.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/chain.h"
#include "audit/payload.h"
#include "audit/verify/frame_stream.h"
#include "audit/verify/show.h"
#include "audit/verify/verifier.h"
#include "crypto/sha2/sha256.h"

namespace {

using namespace cm::audit;  // NOLINT(google-build-using-namespace): the subject of this file

constexpr uint8_t kGeneratorX[32] = {0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6,
                                     0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb,
                                     0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96};
constexpr uint8_t kGeneratorY[32] = {0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb,
                                     0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31,
                                     0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};
// TPMT_PUBLIC up to the point: ECC, SHA-256, attributes, no policy, null, ECDSA with SHA-256, P-256, null.
constexpr uint8_t kKeyArea[] = {0x00, 0x23, 0x00, 0x0b, 0x00, 0x05, 0x04, 0x72, 0x00, 0x00, 0x00,
                                0x10, 0x00, 0x18, 0x00, 0x0b, 0x00, 0x03, 0x00, 0x10, 0x00, 0x20};

Genesis sound_genesis() {
  Genesis g;
  g.writer_version = "fuzz";
  g.tpm.kind = 1;
  g.pcr_index = 14;
  g.ak_public.assign(std::begin(kKeyArea), std::end(kKeyArea));
  g.ak_public.insert(g.ak_public.end(), std::begin(kGeneratorX), std::end(kGeneratorX));
  g.ak_public.push_back(0x00);
  g.ak_public.push_back(0x20);
  g.ak_public.insert(g.ak_public.end(), std::begin(kGeneratorY), std::end(kGeneratorY));
  g.nv_name.resize(34);
  g.nv_name[1] = 0x0b;
  return g;
}

// described_log: frames as the input describes them, framed soundly.
std::vector<uint8_t> described_log(cm::Lane lane, std::span<const uint8_t> in) {
  ChainPosition position;
  uint64_t time_ns = 1;
  std::vector<uint8_t> log = build_frame(lane, position, FrameType::kGenesis, time_ns, encode(sound_genesis()), {});
  while (in.size() >= 3) {
    const auto type = static_cast<FrameType>(in[0] % 14);
    const uint32_t carried = in[0] / 14;
    const size_t var_size = std::min<size_t>(size_t{in[1]} * kFrameAlign, in.size() - 3);
    const std::span<const uint8_t> var = in.subspan(3, var_size);
    const std::span<const uint8_t> rest = in.subspan(3 + var_size);
    std::vector<Record> records(std::min<size_t>(in[2], rest.size() / kRecordSize));
    if (!records.empty()) std::memcpy(records.data(), rest.data(), records.size() * kRecordSize);
    in = rest.subspan(records.size() * kRecordSize);
    const std::vector<uint8_t> frame = build_frame(lane, position, type, ++time_ns, var, records, carried);
    log.insert(log.end(), frame.begin(), frame.end());
  }
  return log;
}

// Frame: what a frame says; the rest is derived.
struct Frame {
  FrameType type = FrameType::kGenesis;
  uint64_t time_ns = 0;
  Bytes var;
  std::vector<Record> records;
  uint32_t carried = 0;
};

bool same(const Frame& a, const Frame& b) {
  return a.type == b.type && a.time_ns == b.time_ns && a.carried == b.carried && a.var == b.var &&
         a.records.size() == b.records.size() &&
         (a.records.empty() || std::memcmp(a.records.data(), b.records.data(), a.records.size() * kRecordSize) == 0);
}

// same_but_tsc: the time stamp counters of a log's last anchor are covered by nothing (docs/audit-format.md).
bool same_but_tsc(Frame a, const Frame& b) {
  Anchor mine, other;
  if (a.type != FrameType::kAnchor || b.type != FrameType::kAnchor || !decode(a.var, mine) || !decode(b.var, other))
    return same(a, b);
  mine.tsc_before = other.tsc_before;
  mine.tsc_after = other.tsc_after;
  a.var = encode(mine);
  a.var.resize(b.var.size());
  return same(a, b);
}

std::vector<Frame> frames_of(verify::LogSource& source) {
  std::vector<Frame> out;
  verify::FrameStream stream(source);
  while (stream.next() == verify::Step::kFrame) {
    const verify::FrameView& f = stream.frame();
    Frame frame{f.type(), f.header.writer_time_ns, Bytes(f.var.begin(), f.var.end()), {}, f.header.carried};
    for (size_t i = 0; i < f.header.record_count; ++i) frame.records.push_back(f.record(i));
    out.push_back(std::move(frame));
  }
  return out;
}

struct Golden {
  verify::Trust trust;
  LogId log_id{};
  std::vector<Frame> frames;
};

Golden read_golden(const std::string& name) {
  const std::string path = CM_GOLDEN_DIR "/" + name;
  Golden out;
  verify::Report report;
  verify::DirectorySource source;
  if (!verify::load_trust(path + ".enrolment.json", "", out.trust, report) || !source.open(path, report) ||
      !out.trust.enrolment) {
    std::fprintf(stderr, "log_parser_fuzz: cannot read %s\n", path.c_str());
    std::abort();
  }
  out.log_id = out.trust.enrolment->log_id;
  out.frames = frames_of(source);
  return out;
}

struct Edit {
  uint8_t what;   // % 7: a byte of the variable section, a byte of a record, the time, delete, double, carried, cut off
  uint8_t frame;  // % frames
  uint8_t at[2];  // byte, little endian
  uint8_t change;  // exclusive or, never nothing
};

void edit_byte(std::span<uint8_t> bytes, const Edit& e) {
  const size_t at = e.at[0] | size_t{e.at[1]} << 8;
  const uint8_t change = e.change == 0 ? 1 : e.change;
  if (!bytes.empty()) bytes[at % bytes.size()] = static_cast<uint8_t>(bytes[at % bytes.size()] ^ change);
}

void apply_edit(std::vector<Frame>& frames, const Edit& e) {
  if (frames.empty()) return;
  const auto frame = frames.begin() + static_cast<std::ptrdiff_t>(e.frame % frames.size());
  switch (e.what % 7) {
    case 0:
      edit_byte(frame->var, e);
      return;
    case 1:
      edit_byte({reinterpret_cast<uint8_t*>(frame->records.data()), frame->records.size() * kRecordSize}, e);
      return;
    case 2:
      frame->time_ns += e.change;
      return;
    case 3:
      frames.erase(frame);
      return;
    case 4:
      if (frames.size() < 256) frames.insert(frame, Frame(*frame));
      return;
    case 5:
      frame->carried = e.change % 8;
      return;
    default:
      frames.erase(frame + 1, frames.end());
  }
}

// Repair: follows heads and PCR through an edited log, so that its anchors can be made to fit.
class Repair {
 public:
  Repair(cm::Lane lane, const LogId& log_id) : lane_(lane), log_id_(log_id) {}

  void before(Frame& frame, bool attested) {
    if (Genesis g; frame.type == FrameType::kGenesis && decode(frame.var, g)) pcr_ = g.pcr_start;
    if (Start s; frame.type == FrameType::kBoot && decode(frame.var, s)) pcr_ = s.pcr_value;
    if (UnexplainedExtend u; frame.type == FrameType::kUnexplainedExtend && decode(frame.var, u)) pcr_ = u.found;
    Anchor a;
    if (frame.type != FrameType::kAnchor || heads_.empty() || !decode(frame.var, a)) return;
    a.anchored_seq = std::min<uint64_t>(a.anchored_seq, heads_.size() - 1);
    a.anchored_head = heads_[a.anchored_seq];
    a.pcr_value = pcrs_[a.anchored_seq];
    if (attested) attest(a, frame.time_ns);
    previous_attest_ = digest(a.quote_attest);
    const size_t size = frame.var.size();
    frame.var = encode(a);
    frame.var.resize(std::max(size, frame.var.size()));
  }
  void after(const Digest& head, size_t carried) {
    carried = std::min(carried, pcrs_.size());
    if (carried != 0 && carried < pcrs_.size()) pcr_ = pcrs_[pcrs_.size() - carried - 1];
    std::fill(pcrs_.end() - static_cast<std::ptrdiff_t>(carried), pcrs_.end(), pcr_);
    Bytes both(pcr_.begin(), pcr_.end());
    both.insert(both.end(), head.begin(), head.end());
    pcr_ = digest(both);
    heads_.push_back(head);
    pcrs_.push_back(pcr_);
  }

 private:
  Digest digest(std::span<const uint8_t> bytes) const {
    Digest out;
    cm::sha256(lane_, out.data(), bytes.data(), bytes.size());
    return out;
  }
  // attest: the places of extraData, pcrDigest (last in a quote) and counter value (last in a certification).
  void attest(Anchor& a, uint64_t time_ns) const {
    constexpr size_t kExtraData = 44;
    if (a.quote_attest.size() < kExtraData + 2 * kDigestSize || a.nv_attest.size() < kExtraData + 2 * kDigestSize)
      return;
    const Digest binding = qualifying_data(
        lane_, {log_id_, a.anchored_seq, a.anchored_head, previous_attest_, a.challenge, a.nv_value, time_ns});
    const Digest quoted = digest(a.pcr_value);
    std::copy(binding.begin(), binding.end(), a.quote_attest.begin() + kExtraData);
    std::copy(binding.begin(), binding.end(), a.nv_attest.begin() + kExtraData);
    std::copy(quoted.begin(), quoted.end(), a.quote_attest.end() - kDigestSize);
    for (size_t i = 0; i < 8; ++i) a.nv_attest[a.nv_attest.size() - 1 - i] = static_cast<uint8_t>(a.nv_value >> 8 * i);
  }

  cm::Lane lane_;
  LogId log_id_;
  Digest pcr_{};
  Digest previous_attest_{};
  std::vector<Digest> heads_, pcrs_;
};

std::vector<uint8_t> edited_log(cm::Lane lane, const Golden& golden, uint8_t choice, std::span<const uint8_t> in) {
  std::vector<Frame> frames = golden.frames;
  for (; in.size() >= sizeof(Edit); in = in.subspan(sizeof(Edit))) {
    Edit edit;
    std::memcpy(&edit, in.data(), sizeof edit);
    apply_edit(frames, edit);
  }
  ChainPosition position;
  position.log_id = golden.log_id;
  Repair repair(lane, golden.log_id);
  std::vector<uint8_t> log;
  for (Frame& f : frames) {
    if ((choice & 0x30) != 0) repair.before(f, (choice & 0x20) != 0);
    const std::vector<uint8_t> bytes = build_frame(lane, position, f.type, f.time_ns, f.var, f.records, f.carried);
    repair.after(position.prev_head, f.carried);
    log.insert(log.end(), bytes.begin(), bytes.end());
  }
  return log;
}

[[noreturn]] void believed(const char* what, const verify::Report& report) {
  std::fprintf(stderr, "log_parser_fuzz: %s\n%s", what, verify::to_text(report).c_str());
  std::abort();
}

// check_belief: the report on frames under the enrolment of the golden log.
void check_belief(const verify::Report& report, const std::vector<Frame>& frames, const Golden& golden) {
  const auto golden_through = [&](size_t count) {
    for (size_t i = 0; i < count; ++i)
      if (i >= frames.size() || i >= golden.frames.size() || !same(frames[i], golden.frames[i])) return false;
    return true;
  };
  if (report.proof && !golden_through(report.proof->frame_seq + 1)) believed("proved what was not written", report);
  if (verify::exit_code(report) != verify::kExitVerified) return;
  const size_t last = frames.size() - 1;  // verified, so there are frames
  if (frames.size() < 2 || !golden_through(last) || last >= golden.frames.size() ||
      !same_but_tsc(frames[last], golden.frames[last]) || golden.frames[last].type != FrameType::kAnchor ||
      golden.frames[last - 1].type != FrameType::kEnd)
    believed("verified what was not written", report);
}

// golden_of: the golden log with this genesis frame; nothing when there is none.
const Golden* golden_of(const std::vector<Golden>& goldens, const std::vector<Frame>& frames,
                        std::span<const uint8_t> segment) {
  for (const Golden& g : goldens)
    if (!frames.empty() && same(frames[0], g.frames[0]) &&
        std::memcmp(segment.data() + 16, g.log_id.data(), kIdSize) == 0)
      return &g;
  return nullptr;
}

std::vector<uint8_t> make_segment(cm::Lane lane, const std::vector<Golden>& goldens, uint8_t choice,
                                  std::span<const uint8_t> rest) {
  if ((choice & 4) != 0) return edited_log(lane, goldens[(choice >> 3 & 1) | (choice & 1) << 1], choice, rest);
  if ((choice & 1) != 0) return {rest.begin(), rest.end()};
  return described_log(lane, rest);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const cm::Lane lane = best_sha256_lane();
  static const std::vector<Golden> goldens = {read_golden("clean"), read_golden("eventful"), read_golden("carried"),
                                              read_golden("rotated")};
  if (size == 0) return 0;
  const std::vector<uint8_t> segment = make_segment(lane, goldens, data[0], {data + 1, size - 1});

  verify::MemorySource parsed({segment});
  const std::vector<Frame> frames = frames_of(parsed);
  const Golden* golden = golden_of(goldens, frames, segment);
  verify::MemorySource source({segment});
  verify::Report report;
  verify::verify_log(source, {lane, golden != nullptr ? golden->trust : verify::Trust{}, std::nullopt, std::nullopt},
                     report);
  if (golden != nullptr)
    check_belief(report, frames, *golden);
  else if (verify::exit_code(report) == verify::kExitVerified)
    believed("verified without a trust root", report);
  size_t printed = verify::to_json(report).size() + verify::to_text(report).size();
  verify::MemorySource again({segment});
  verify::ShowOptions options;
  options.lane = lane;
  options.format = (data[0] & 2) != 0 ? verify::Format::kJson : verify::Format::kText;
  if ((data[0] & 0x40) != 0) options.format = verify::Format::kCsv;
  options.frames = options.format != verify::Format::kCsv;
  if ((data[0] & 0x80) != 0) options.filter.results = {{0, INT32_MAX}};
  verify::show_log(again, options, [&](std::string_view text) {
    printed += text.size();
    return true;
  });
  return printed == 0;
}
