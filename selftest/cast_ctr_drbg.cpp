// SPDX-License-Identifier: Apache-2.0
// cast_ctr_drbg.cpp: known-answer tests of instantiate, reseed and generate of CTR_DRBG (SP 800-90A 11.3.2 to 11.3.4),
// refusal of a request that is too long or comes too late included, and of zeroisation (11.3.5).
#include "crypto/drbg/ctr_drbg.h"
#include "selftest/cast.h"
#include "selftest/known_answers.h"

namespace cm::selftest {
namespace {

struct Seed {
  uint8_t bytes[kDrbgSeed];
  explicit Seed(uint32_t pattern) { known::fill_pattern(bytes, sizeof bytes, pattern); }
};

template <size_t N>
bool generates(CtrDrbg& drbg, const uint8_t (&expected)[N], bool broken) {
  uint8_t out[N];
  return ctr_drbg_generate(drbg, out, N, nullptr, 0) == Status::kOk && matches(out, expected, N, broken);
}

}  // namespace

bool cast_drbg_instantiate(Lane lane, bool broken) {
  CtrDrbg drbg;
  const Seed seed(known::kDrbgSeedSeed);
  const Seed personalization(known::kDrbgPersonalizationSeed);
  if (ctr_drbg_instantiate(drbg, lane, seed.bytes, personalization.bytes, kDrbgSeed + 1) != Status::kLength)
    return false;
  if (ctr_drbg_instantiate(drbg, lane, seed.bytes, personalization.bytes, kDrbgSeed) != Status::kOk) return false;
  return generates(drbg, known::kDrbgInstantiated, broken);
}

bool cast_drbg_reseed(Lane lane, bool broken) {
  CtrDrbg drbg;
  const Seed seed(known::kDrbgSeedSeed);
  const Seed fresh(known::kDrbgReseedSeed);
  const Seed additional(known::kDrbgAdditionalSeed);
  if (ctr_drbg_instantiate(drbg, lane, seed.bytes, nullptr, 0) != Status::kOk) return false;
  drbg.reseed_counter = kDrbgReseedInterval + 1;
  uint8_t byte = 0;
  if (ctr_drbg_generate(drbg, &byte, 1, nullptr, 0) != Status::kExhausted) return false;
  if (ctr_drbg_reseed(drbg, fresh.bytes, additional.bytes, kDrbgSeed) != Status::kOk) return false;
  return generates(drbg, known::kDrbgReseeded, broken);
}

bool cast_drbg_generate(Lane lane, bool broken) {
  using namespace known;
  CtrDrbg drbg;
  uint8_t out[sizeof kDrbgCavpOutput];
  if (ctr_drbg_instantiate(drbg, lane, kDrbgCavpEntropy, kDrbgCavpPersonalization, kDrbgSeed) != Status::kOk ||
      ctr_drbg_reseed(drbg, kDrbgCavpReseed, kDrbgCavpReseedInput, kDrbgSeed) != Status::kOk ||
      ctr_drbg_generate(drbg, out, sizeof out, kDrbgCavpInput1, kDrbgSeed) != Status::kOk ||
      ctr_drbg_generate(drbg, out, sizeof out, kDrbgCavpInput2, kDrbgSeed) != Status::kOk)
    return false;
  if (!matches(out, kDrbgCavpOutput, sizeof out, broken)) return false;
  if (ctr_drbg_generate(drbg, out, kDrbgMaxRequest + 1, nullptr, 0) != Status::kLength) return false;
  ctr_drbg_zeroise(drbg);
  return is_zero(reinterpret_cast<const uint8_t*>(&drbg), sizeof drbg) &&
         ctr_drbg_generate(drbg, out, sizeof out, nullptr, 0) == Status::kState;
}

}  // namespace cm::selftest
