// SPDX-License-Identifier: Apache-2.0
// cast_kda.cpp: known-answer tests of the key derivation from a shared secret (FIPS 140-3 IG 10.3.A): the one-step and
// two-step functions of SP 800-56C with each of their MACs, ANSI X9.63's, and that of SSH.
#include "crypto/kdf/one_step.h"
#include "crypto/kdf/ssh_kdf.h"
#include "crypto/kdf/two_step.h"
#include "selftest/cast_kdf_inputs.h"

namespace cm::selftest {
namespace {

OneStepInput one_step_input(const KdfInputs& in) {
  return {in.secret, sizeof in.secret, in.context, sizeof in.context};
}

HmacKey salt_key(Lane lane, const KdfInputs& in) {
  HmacKey key;
  hmac_key_init(key, HashId::kSha256, lane, in.salt, sizeof in.salt);
  return key;
}

}  // namespace

bool cast_one_step_hash(Lane lane, bool broken) {
  const KdfInputs in;
  return derives(known::kOneStepHashKey, broken, [&](uint8_t* out, size_t size) {
    return one_step_hash(HashId::kSha256, lane, out, size, one_step_input(in));
  });
}

bool cast_one_step_hmac(Lane lane, bool broken) {
  const KdfInputs in;
  const HmacKey salt = salt_key(lane, in);
  return derives(known::kOneStepHmacKey, broken,
                 [&](uint8_t* out, size_t size) { return one_step_hmac(salt, out, size, one_step_input(in)); });
}

bool cast_one_step_kmac(Lane lane, bool broken) {
  const KdfInputs in;
  return derives(known::kOneStepKmacKey, broken, [&](uint8_t* out, size_t size) {
    return one_step_kmac(lane, 128, in.salt, sizeof in.salt, out, size, one_step_input(in));
  });
}

bool cast_two_step_hmac(Lane lane, bool broken) {
  const KdfInputs in;
  const KdfFixedInput fixed(in);
  const HmacKey salt = salt_key(lane, in);
  return derives(known::kTwoStepHmacKey, broken, [&](uint8_t* out, size_t size) {
    return two_step_hmac(salt, out, size, in.secret, sizeof in.secret, fixed.input(KbkdfMode::kCounter));
  });
}

bool cast_two_step_cmac(Lane lane, bool broken) {
  const KdfInputs in;
  const KdfFixedInput fixed(in);
  CmacKey salt;
  if (!succeeded(cmac_key_init(salt, lane, in.salt, sizeof in.salt))) return false;
  return derives(known::kTwoStepCmacKey, broken, [&](uint8_t* out, size_t size) {
    return two_step_cmac(salt, out, size, in.secret, sizeof in.secret, fixed.input(KbkdfMode::kCounter));
  });
}

bool cast_x963_kdf(Lane lane, bool broken) {
  const KdfInputs in;
  return derives(known::kX963Key, broken, [&](uint8_t* out, size_t size) {
    return x963_kdf(HashId::kSha256, lane, out, size, one_step_input(in));
  });
}

bool cast_ssh_kdf(Lane lane, bool broken) {
  const KdfInputs in;
  const SshKdfInput input = {in.secret,         sizeof in.secret, SshSecret::kMpint, in.context,
                             sizeof in.context, in.label,         sizeof in.label,   known::kSshLetter};
  return derives(known::kSshKey, broken,
                 [&](uint8_t* out, size_t size) { return ssh_kdf(HashId::kSha256, lane, out, size, input); });
}

}  // namespace cm::selftest
