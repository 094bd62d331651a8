// SPDX-License-Identifier: Apache-2.0
// one_step_kmac.cpp: the one-step key derivation with KMAC (SP 800-56C rev. 2 section 4.1, option 3). KMAC gives the
// whole output at once (H_outputBits = L), so that the counter is one and there is no second block.
#include "crypto/base/check.h"
#include "crypto/kdf/one_step.h"
#include "crypto/sha3/sp800_185.h"

namespace cm {
namespace {

constexpr uint8_t kCustom[3] = {'K', 'D', 'F'};
constexpr uint8_t kCounter[4] = {0, 0, 0, 1};
// Without a salt: so many zeros (4.1), 164 and 132.
constexpr size_t kSalt128 = kShake128Rate - 4, kSalt256 = kShake256Rate - 4;
constexpr uint8_t kNoSalt[kSalt128] = {};

}  // namespace

Status one_step_kmac(Lane keccak, uint32_t security_bits, const uint8_t* salt, size_t salt_size, uint8_t* out,
                     size_t out_size, const OneStepInput& input) {
  CM_CHECK(security_bits == 128 || security_bits == 256);
  if (out_size == 0 || out_size > kHashMaxInput) return Status::kLength;
  if (salt_size == 0) {
    salt = kNoSalt;
    salt_size = security_bits == 128 ? kSalt128 : kSalt256;
  }
  Sponge sponge;
  kmac_init(sponge, keccak, security_bits, salt, salt_size, kCustom, sizeof kCustom);
  sponge_absorb(sponge, kCounter, sizeof kCounter);
  sponge_absorb(sponge, input.secret, input.secret_size);
  sponge_absorb(sponge, input.info, input.info_size);
  kmac_final(sponge, out, out_size, false);
  sponge_zeroise(sponge);
  return Status::kOk;
}

}  // namespace cm
