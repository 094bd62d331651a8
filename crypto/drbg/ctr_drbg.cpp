// SPDX-License-Identifier: Apache-2.0
// ctr_drbg.cpp: CTR_DRBG with AES-256 and no derivation function (SP 800-90A Rev. 1, 10.2.1). It must not fetch
// entropy: seeds are handed in, by the module from the entropy source, by self-tests and tests from known answers.
#include "crypto/drbg/ctr_drbg.h"

#include "crypto/base/bytes.h"
#include "crypto/base/check.h"
#include "crypto/base/secret.h"

namespace cm {
namespace {

constexpr size_t kKeySize = 32;
constexpr size_t kSeedBlocks = kDrbgSeed / kAesBlock;
constexpr size_t kShort = 4 * kAesBlock;  // requests up to this size and the update after them are one keystream call
static_assert(kKeySize + kAesBlock == kDrbgSeed && kSeedBlocks * kAesBlock == kDrbgSeed);

// add_one: V = (V + 1) mod 2^128, big endian (10.2.1.2 step 2.1 with ctr_len = blocklen).
void add_one(uint8_t* v) {
  const uint64_t low = load_be64(v + 8) + 1;
  store_be64(v + 8, low);
  store_be64(v, load_be64(v) + static_cast<uint64_t>(low == 0));
}

// xor_padded: seed ^= data || 0^(seedlen - size).
void xor_padded(SecretArray<kDrbgSeed>& seed, const uint8_t* data, size_t size) {
  for (size_t i = 0; i < size; ++i) seed.expose()[i] = static_cast<uint8_t>(seed.expose()[i] ^ data[i]);
}

// rekey: the end of CTR_DRBG_Update (10.2.1.2 steps 3 to 6): temp holds three keystream blocks xor provided data.
void rekey(CtrDrbg& drbg, const SecretArray<kDrbgSeed>& temp) {
  const Status status = aes_key_init(drbg.key, drbg.key.lane, temp.expose(), kKeySize);
  CM_CHECK(status == Status::kOk);  // the key size is right by construction
  std::memcpy(drbg.v, temp.expose() + kKeySize, kAesBlock);
  add_one(drbg.v);
}

// update: CTR_DRBG_Update; provided comes in as the provided data and leaves as the new key and V.
void update(CtrDrbg& drbg, SecretArray<kDrbgSeed>& provided) {
  SecretArray<kDrbgSeed> keystream;
  aes_ctr_keystream(drbg.key, drbg.v, keystream.expose(), kSeedBlocks);
  xor_padded(provided, keystream.expose(), kDrbgSeed);
  rekey(drbg, provided);
}

// mix_seed: update with seed xor padded input, then the counter starts anew (10.2.1.3.1, 10.2.1.4.1).
void mix_seed(CtrDrbg& drbg, const uint8_t* seed48, const uint8_t* input, size_t input_size) {
  SecretArray<kDrbgSeed> material;
  std::memcpy(material.expose(), seed48, kDrbgSeed);
  xor_padded(material, input, input_size);
  update(drbg, material);
  drbg.reseed_counter = 1;
}

// generate_blocks: out_size bytes, and the three blocks of the closing update into next_seed (10.2.1.5.1 steps 3 to 6).
// All are consecutive counter values: a long request goes straight to the caller, its rest and the update's blocks
// come from one call.
void generate_blocks(CtrDrbg& drbg, uint8_t* out, size_t out_size, SecretArray<kDrbgSeed>& next_seed) {
  const size_t direct = out_size > kShort ? out_size / kAesBlock : 0;
  if (direct != 0) aes_ctr_keystream(drbg.key, drbg.v, out, direct);
  const size_t rest = out_size - direct * kAesBlock;
  const size_t rest_blocks = (rest + kAesBlock - 1) / kAesBlock;
  SecretArray<kShort + kDrbgSeed> tail;
  aes_ctr_keystream(drbg.key, drbg.v, tail.expose(), rest_blocks + kSeedBlocks);
  if (rest != 0) std::memcpy(out + direct * kAesBlock, tail.expose(), rest);
  xor_padded(next_seed, tail.expose() + rest_blocks * kAesBlock, kDrbgSeed);
}

}  // namespace

Status ctr_drbg_instantiate(CtrDrbg& drbg, Lane lane, const uint8_t* seed48, const uint8_t* personalization,
                            size_t personalization_size) {
  if (personalization_size > kDrbgSeed) return Status::kLength;
  constexpr uint8_t kZeroKey[kKeySize] = {};
  drbg.reseed_counter = 0;
  const Status status = aes_key_init(drbg.key, lane, kZeroKey, kKeySize);
  if (status != Status::kOk) return status;
  std::memset(drbg.v, 0, sizeof drbg.v);
  add_one(drbg.v);
  mix_seed(drbg, seed48, personalization, personalization_size);
  return Status::kOk;
}

Status ctr_drbg_reseed(CtrDrbg& drbg, const uint8_t* seed48, const uint8_t* additional, size_t additional_size) {
  if (additional_size > kDrbgSeed) return Status::kLength;
  if (drbg.reseed_counter == 0) return Status::kState;
  mix_seed(drbg, seed48, additional, additional_size);
  return Status::kOk;
}

Status ctr_drbg_generate(CtrDrbg& drbg, uint8_t* out, size_t out_size, const uint8_t* additional,
                         size_t additional_size) {
  if (out_size > kDrbgMaxRequest || additional_size > kDrbgSeed) return Status::kLength;
  if (drbg.reseed_counter == 0) return Status::kState;
  if (drbg.reseed_counter > kDrbgReseedInterval) return Status::kExhausted;
  SecretArray<kDrbgSeed> provided;
  if (additional_size != 0) {
    SecretArray<kDrbgSeed> first;
    xor_padded(provided, additional, additional_size);
    xor_padded(first, additional, additional_size);
    update(drbg, first);
  }
  generate_blocks(drbg, out, out_size, provided);
  rekey(drbg, provided);
  ++drbg.reseed_counter;
  return Status::kOk;
}

void ctr_drbg_zeroise(CtrDrbg& drbg) { zeroise(&drbg, sizeof drbg); }

}  // namespace cm
