// SPDX-License-Identifier: Apache-2.0
// log_parser_fuzz: the verifier and `show` on hostile logs, through the same entry points as cryptomod-audit. No input
// may crash, leak, take more than a fixed multiple of its size in memory, or be verified: without a trust root the exit
// code is never 0.
//
// Input: the first byte chooses. Odd: the rest is a segment as it stands. Even: the rest describes frames (type, units
// of 64 bytes in the variable section, records, then their bytes), which are put after a sound genesis frame with every
// digest and checksum right, so that the campaign gets past them to what frames mean.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "audit/chain.h"
#include "audit/payload.h"
#include "audit/verify/show.h"
#include "audit/verify/verifier.h"

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
    const size_t var_size = std::min<size_t>(size_t{in[1]} * kFrameAlign, in.size() - 3);
    const std::span<const uint8_t> var = in.subspan(3, var_size);
    const std::span<const uint8_t> rest = in.subspan(3 + var_size);
    std::vector<Record> records(std::min<size_t>(in[2], rest.size() / kRecordSize));
    if (!records.empty()) std::memcpy(records.data(), rest.data(), records.size() * kRecordSize);
    in = rest.subspan(records.size() * kRecordSize);
    const std::vector<uint8_t> frame = build_frame(lane, position, type, ++time_ns, var, records);
    log.insert(log.end(), frame.begin(), frame.end());
  }
  return log;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const cm::Lane lane = best_sha256_lane();
  if (size == 0) return 0;
  const std::span<const uint8_t> rest(data + 1, size - 1);
  const std::vector<uint8_t> segment =
      data[0] % 2 == 1 ? std::vector<uint8_t>(rest.begin(), rest.end()) : described_log(lane, rest);

  verify::MemorySource source({segment});
  verify::Report report;
  verify::verify_log(source, {lane, {}, std::nullopt}, report);
  if (verify::exit_code(report) == verify::kExitVerified) {
    std::fprintf(stderr, "log_parser_fuzz: verified without a trust root\n");
    std::abort();
  }
  size_t printed = verify::to_json(report).size() + verify::to_text(report).size();
  verify::MemorySource again({segment});
  verify::ShowOptions options;
  options.lane = lane;
  options.json = data[0] / 2 % 2 == 1;
  verify::show_log(again, options, [&](std::string_view text) { printed += text.size(); });
  return printed == 0;
}
