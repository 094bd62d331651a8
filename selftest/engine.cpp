// SPDX-License-Identifier: Apache-2.0
// engine.cpp: runs casts.h row by row on every lane this CPU can run (FIPS 140-3 IG 10.3.A: each implementation that
// may be selected, separately) and chooses lanes. It must not stop at a failure, so that the report is whole, and must
// not decide what follows from one: that is the state machine's work.
#include "selftest/engine.h"

#include <time.h>

#include "crypto/aes/aes_kernels.h"
#include "crypto/base/check.h"
#include "crypto/chacha/chacha_kernels.h"
#include "crypto/cpu/features.h"
#include "crypto/gcm/gcm_kernels.h"
#include "crypto/sha1/sha1_kernels.h"
#include "crypto/sha2/sha256_kernels.h"
#include "crypto/sha2/sha512_kernels.h"
#include "crypto/sha3/keccak_kernels.h"
#include "crypto/sha3/keccak_multi_kernels.h"
#include "selftest/cast.h"
#include "selftest/inject.h"

namespace cm::selftest {
namespace {

bool runs_here(const KernelRow& row) { return (cpu_features() & row.needs) == row.needs; }

// rows_of: the kernel table of a lane set, as a span; empty for rows without lanes.
std::span<const KernelRow> rows_of(LaneSet set) {
  switch (set) {
    case LaneSet::kNone:
      return {};
    case LaneSet::kSha256:
      return kSha256Kernels;
    case LaneSet::kAes:
      return kAesKernels;
    case LaneSet::kGcm:
      return kGcmKernels;
    case LaneSet::kChaCha:
      return kChaChaKernels;
    case LaneSet::kSha1:
      return kSha1Kernels;
    case LaneSet::kSha512:
      return kSha512Kernels;
    case LaneSet::kKeccak:
      return kKeccakKernels;
    case LaneSet::kHashMulti:
      return kKeccakMultiKernels;
  }
  return {};
}

bool passed_before(const Report& report, CastId id, Lane lane) {
  for (size_t i = 0; i < report.count; ++i)
    if (report.outcomes[i].id == id && report.outcomes[i].lane == lane) return report.outcomes[i].status == Status::kOk;
  return false;
}

// tested_sha256_lane: the fastest lane on which the parts of the integrity technique have passed; kNone without one.
Lane tested_sha256_lane(const Report& report) {
  Lane best = Lane::kNone;
  for (const KernelRow& row : kSha256Kernels)
    if (passed_before(report, CastId::kSha256, row.lane) && passed_before(report, CastId::kHmacSha256, row.lane))
      best = row.lane;
  return best;
}

// run_integrity: kIntegrity when it fails, or when no tested lane is there to compute it. The digest is the caller's,
// so a fault asked for by a test changes the verdict here.
Status run_integrity(const Report& report, Status (*integrity)(Lane), bool broken) {
  const Lane lane = tested_sha256_lane(report);
  if (lane == Lane::kNone) return Status::kIntegrity;
  const Status status = integrity(lane);
  return broken && status == Status::kOk ? Status::kIntegrity : status;
}

// known_answer: the row's test on a lane, for all rows but integrity and entropy, which have their own status.
bool known_answer(CastId id, Lane lane, bool broken) {
  switch (id) {
    case CastId::kSha256:
      return cast_sha256(lane, broken);
    case CastId::kHmacSha256:
      return cast_hmac_sha256(lane, broken);
    case CastId::kSha1:
      return cast_sha1(lane, broken);
    case CastId::kSha512:
      return cast_sha512(lane, broken);
    case CastId::kSha3:
      return cast_sha3(lane, broken);
    case CastId::kHmacSha1:
      return cast_hmac_sha1(lane, broken);
    case CastId::kHmacSha512:
      return cast_hmac_sha512(lane, broken);
    case CastId::kHmacSha3:
      return cast_hmac_sha3(lane, broken);
    case CastId::kKmac:
      return cast_kmac(lane, broken);
    case CastId::kSha3Multi:
      return cast_sha3_multi(lane, broken);
    case CastId::kShaMulti:
      return cast_sha_multi(lane, broken);
    case CastId::kHmacMulti:
      return cast_hmac_multi(lane, broken);
    case CastId::kAesEncrypt:
      return cast_aes_encrypt(lane, broken);
    case CastId::kAesDecrypt:
      return cast_aes_decrypt(lane, broken);
    case CastId::kGcmSeal:
      return cast_gcm_seal(lane, broken);
    case CastId::kGcmOpen:
      return cast_gcm_open(lane, broken);
    case CastId::kChaChaSeal:
      return cast_chacha_seal(lane, broken);
    case CastId::kChaChaOpen:
      return cast_chacha_open(lane, broken);
    case CastId::kGcmSivSeal:
      return cast_gcm_siv_seal(lane, broken);
    case CastId::kGcmSivOpen:
      return cast_gcm_siv_open(lane, broken);
    case CastId::kKwpWrap:
      return cast_kwp_wrap(lane, broken);
    case CastId::kKwpUnwrap:
      return cast_kwp_unwrap(lane, broken);
    case CastId::kCbcEncrypt:
      return cast_cbc_encrypt(lane, broken);
    case CastId::kCbcDecrypt:
      return cast_cbc_decrypt(lane, broken);
    case CastId::kCfbEncrypt:
      return cast_cfb_encrypt(lane, broken);
    case CastId::kCfbDecrypt:
      return cast_cfb_decrypt(lane, broken);
    case CastId::kOfb:
      return cast_ofb(lane, broken);
    case CastId::kCtr:
      return cast_ctr(lane, broken);
    case CastId::kXtsEncrypt:
      return cast_xts_encrypt(lane, broken);
    case CastId::kXtsDecrypt:
      return cast_xts_decrypt(lane, broken);
    case CastId::kCmac:
      return cast_cmac(lane, broken);
    case CastId::kCcmSeal:
      return cast_ccm_seal(lane, broken);
    case CastId::kCcmOpen:
      return cast_ccm_open(lane, broken);
    case CastId::kCbcEncryptMulti:
      return cast_cbc_encrypt_multi(lane, broken);
    case CastId::kCmacMulti:
      return cast_cmac_multi(lane, broken);
    case CastId::kCcmSealMulti:
      return cast_ccm_seal_multi(lane, broken);
    case CastId::kCcmOpenMulti:
      return cast_ccm_open_multi(lane, broken);
    case CastId::kKwWrap:
      return cast_kw_wrap(lane, broken);
    case CastId::kKwUnwrap:
      return cast_kw_unwrap(lane, broken);
    case CastId::kPbkdf2:
      return cast_pbkdf2(lane, broken);
    case CastId::kPbkdf2Multi:
      return cast_pbkdf2_multi(lane, broken);
    case CastId::kDrbgInstantiate:
      return cast_drbg_instantiate(lane, broken);
    case CastId::kDrbgReseed:
      return cast_drbg_reseed(lane, broken);
    case CastId::kDrbgGenerate:
      return cast_drbg_generate(lane, broken);
    case CastId::kHkdf:
      return cast_hkdf(lane, broken);
    case CastId::kTls13Kdf:
      return cast_tls13_kdf(lane, broken);
    case CastId::kTls12Prf:
      return cast_tls12_prf(lane, broken);
    case CastId::kKbkdfCounter:
      return cast_kbkdf_counter(lane, broken);
    case CastId::kKbkdfFeedback:
      return cast_kbkdf_feedback(lane, broken);
    case CastId::kKbkdfPipeline:
      return cast_kbkdf_pipeline(lane, broken);
    case CastId::kKbkdfCmac:
      return cast_kbkdf_cmac(lane, broken);
    case CastId::kKbkdfKmac:
      return cast_kbkdf_kmac(lane, broken);
    case CastId::kOneStepHash:
      return cast_one_step_hash(lane, broken);
    case CastId::kOneStepHmac:
      return cast_one_step_hmac(lane, broken);
    case CastId::kOneStepKmac:
      return cast_one_step_kmac(lane, broken);
    case CastId::kTwoStepHmac:
      return cast_two_step_hmac(lane, broken);
    case CastId::kTwoStepCmac:
      return cast_two_step_cmac(lane, broken);
    case CastId::kX963Kdf:
      return cast_x963_kdf(lane, broken);
    case CastId::kSshKdf:
      return cast_ssh_kdf(lane, broken);
    case CastId::kIntegrity:
    case CastId::kEntropy:
      break;
  }
  return false;
}

Status run_row(const Report& report, const CastRow& row, Lane lane, Status (*integrity)(Lane)) {
  const bool broken = inject::breaks_cast(row.name, lane_name(lane));
  if (row.id == CastId::kIntegrity) return run_integrity(report, integrity, broken);
  if (row.id == CastId::kEntropy) return cast_entropy(broken) ? Status::kOk : Status::kEntropy;
  return known_answer(row.id, lane, broken) ? Status::kOk : Status::kSelftest;
}

uint64_t now_ns() {
  timespec t{};
  CM_CHECK(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
  return static_cast<uint64_t>(t.tv_sec) * 1000000000u + static_cast<uint64_t>(t.tv_nsec);
}

void run_and_report(Report& report, const CastRow& row, Lane lane, Status (*integrity)(Lane)) {
  CM_CHECK(report.count < kMaxOutcomes);
  const uint64_t start = now_ns();
  const Status status = run_row(report, row, lane, integrity);
  const uint64_t elapsed = now_ns() - start;
  const uint32_t ns = elapsed > UINT32_MAX ? UINT32_MAX : static_cast<uint32_t>(elapsed);
  if (status != Status::kOk && report.status == Status::kOk) {
    report.status = status;
    report.first_failed = report.count;
  }
  report.outcomes[report.count++] = {row.id, lane, status, ns};
}

template <size_t N>
Lane fastest(const KernelRow (&table)[N]) {
  Lane best = Lane::kNone;
  for (const KernelRow& row : table)
    if (runs_here(row)) best = row.lane;
  return best;
}

}  // namespace

Lane digest_lane() { return fastest(kSha256Kernels); }

void run_all(Report& report, Status (*integrity)(Lane sha256_lane)) {
  report = {};
  for (const CastRow& row : kCasts) {
    if (row.lanes == LaneSet::kNone) run_and_report(report, row, Lane::kNone, integrity);
    // Damaged code must not run on: what it would report means nothing.
    if (row.id == CastId::kIntegrity && report.outcomes[report.count - 1].status != Status::kOk) return;
    for (const KernelRow& kernel : rows_of(row.lanes))
      if (runs_here(kernel)) run_and_report(report, row, kernel.lane, integrity);
  }
}

void run_imb(Report& report, Status (*integrity)(Lane)) {
  for (const CastRow& row : kCasts) {
    switch (row.id) {
      case CastId::kIntegrity:
        if (integrity == nullptr) continue;
        break;
      case CastId::kCbcEncryptMulti:
      case CastId::kCmacMulti:
      case CastId::kCcmSealMulti:
      case CastId::kCcmOpenMulti:
        break;
      default:
        continue;
    }
    run_and_report(report, row, Lane::kImb, integrity);
    if (row.id == CastId::kIntegrity && report.outcomes[report.count - 1].status != Status::kOk) return;
  }
}

Lanes choose_lanes() {
  return {fastest(kSha256Kernels), fastest(kAesKernels),    fastest(kGcmKernels),    fastest(kChaChaKernels),
          fastest(kSha1Kernels),   fastest(kSha512Kernels), fastest(kKeccakKernels), fastest(kKeccakMultiKernels)};
}

}  // namespace cm::selftest
