// SPDX-License-Identifier: Apache-2.0
// cast_hash.cpp: known-answer tests of SHA-1, SHA-512 and SHA-3 (FIPS 140-3 IG 10.3.A: one function of each core), of
// HMAC with each (IG 10.3.B), and of KMAC: in one call and in pieces, so that the loop over blocks and the buffer are
// covered.
#include "crypto/hash/hash.h"
#include "crypto/hash/hash_many.h"
#include "crypto/hmac/hmac.h"
#include "crypto/hmac/hmac_many.h"
#include "crypto/kmac/kmac.h"
#include "crypto/sha1/sha1_kernels.h"
#include "crypto/sha2/sha256_kernels.h"
#include "crypto/sha3/keccak_multi.h"
#include "crypto/sha3/sponge.h"
#include "selftest/cast.h"
#include "selftest/known_answers.h"

namespace cm::selftest {
namespace {

constexpr size_t kSplit = 75;  // leaves a part-filled buffer for the next piece

struct Message {
  Message() { known::fill_pattern(bytes, sizeof bytes, known::kHashSeed); }
  uint8_t bytes[known::kHashSize];
};
struct MacKey {
  MacKey() { known::fill_pattern(bytes, sizeof bytes, known::kHashKeySeed); }
  uint8_t bytes[known::kHashKeySize];
};

bool hash_is_right(HashId id, Lane lane, const uint8_t* expected, bool broken) {
  const Message message;
  const size_t size = hash_row(id).digest_size;
  uint8_t digest[kHashMaxSize];
  hash_digest(id, lane, digest, message.bytes, sizeof message.bytes);
  if (!matches(digest, expected, size, broken)) return false;
  Hash ctx;
  hash_init(ctx, id, lane);
  hash_update(ctx, message.bytes, kSplit);
  hash_update(ctx, message.bytes + kSplit, sizeof message.bytes - kSplit);
  hash_final(ctx, digest);
  return matches(digest, expected, size, broken);
}

bool hmac_is_right(HashId id, Lane lane, const uint8_t* expected, bool broken) {
  const Message message;
  const MacKey raw;
  const size_t size = hash_row(id).digest_size;
  uint8_t mac[kHashMaxSize];
  HmacKey key;
  hmac_key_init(key, id, lane, raw.bytes, sizeof raw.bytes);
  hmac(key, mac, message.bytes, sizeof message.bytes);
  if (!matches(mac, expected, size, broken)) return false;
  Hmac ctx;
  hmac_init(ctx, key);
  hmac_update(ctx, message.bytes, kSplit);
  hmac_update(ctx, message.bytes + kSplit, sizeof message.bytes - kSplit);
  hmac_final(ctx, mac);
  return matches(mac, expected, size, broken);
}

template <size_t N>
Lane best_lane(const KernelRow (&rows)[N]) {
  Lane best = Lane::kPortable;
  for (const KernelRow& row : rows)
    if ((cpu_features() & row.needs) == row.needs) best = row.lane;
  return best;
}

// add_digests: of `count` messages side by side, the i-th of size + step * i bytes.
void add_digests(Hash& all, HashId id, const HashLanes& single, Lane lane, size_t count, size_t size, size_t step) {
  const Message message;
  uint8_t digests[known::kHashMultiJobs][kHashMaxSize];
  HashJob jobs[known::kHashMultiJobs];
  for (size_t i = 0; i < count; ++i)
    jobs[i] = {id, nullptr, 0, message.bytes + i, size + step * i, digests[i], nullptr};
  hash_many(single, lane, jobs, count);
  for (size_t i = 0; i < count; ++i) hash_update(all, digests[i], hash_row(id).digest_size);
}

// sha_multi_is_right: more messages than lanes, so that lanes are filled again, and just as many as the kernels of half
// the width take.
bool sha_multi_is_right(const HashLanes& single, Lane lane, bool broken) {
  constexpr HashId kIds[] = {HashId::kSha1, HashId::kSha256, HashId::kSha512};
  Hash all;
  hash_init(all, HashId::kSha256, digest_lane());
  for (const HashId id : kIds) {
    add_digests(all, id, single, lane, known::kHashMultiJobs, 0, known::kHashMultiStep);
    const size_t few = id == HashId::kSha512 ? known::kHashFewMax / 2 : known::kHashFewMax;
    add_digests(all, id, single, lane, few, known::kHashFewSize, 0);
  }
  uint8_t digest[sizeof known::kShaMultiDigest];
  hash_final(all, digest);
  return matches(digest, known::kShaMultiDigest, sizeof digest, broken);
}

}  // namespace

bool cast_sha1(Lane lane, bool broken) { return hash_is_right(HashId::kSha1, lane, known::kSha1Digest, broken); }
bool cast_sha512(Lane lane, bool broken) { return hash_is_right(HashId::kSha512, lane, known::kSha512Digest, broken); }

// cast_sha3: the last 168 of 400 bytes of SHAKE128, drawn in pieces that end inside blocks.
bool cast_sha3(Lane lane, bool broken) {
  if (!hash_is_right(HashId::kSha3_256, lane, known::kSha3Digest, broken)) return false;
  const Message message;
  uint8_t out[400];
  Sponge sponge;
  sponge_init(sponge, lane, kShake128Rate);
  sponge_absorb(sponge, message.bytes, kSplit);
  sponge_absorb(sponge, message.bytes + kSplit, sizeof message.bytes - kSplit);
  sponge_finish(sponge, kShakeSuffix);
  sponge_squeeze(sponge, out, kSplit);
  sponge_squeeze(sponge, out + kSplit, sizeof out - kSplit);
  constexpr size_t kSize = sizeof known::kShakeOutput;
  return matches(out + sizeof out - kSize, known::kShakeOutput, kSize, broken);
}

bool cast_hmac_sha1(Lane lane, bool broken) { return hmac_is_right(HashId::kSha1, lane, known::kHmacSha1Mac, broken); }
bool cast_hmac_sha512(Lane lane, bool broken) {
  return hmac_is_right(HashId::kSha512, lane, known::kHmacSha512Mac, broken);
}
bool cast_hmac_sha3(Lane lane, bool broken) {
  return hmac_is_right(HashId::kSha3_256, lane, known::kHmacSha3Mac, broken);
}

bool cast_kmac(Lane lane, bool broken) {
  const Message message;
  const MacKey raw;
  KmacKey key;
  kmac_key_init(key, lane, 128, false, raw.bytes, sizeof raw.bytes);
  uint8_t mac[sizeof known::kKmacMac];
  Kmac ctx;
  kmac_init(ctx, key, nullptr, 0);
  kmac_update(ctx, message.bytes, sizeof message.bytes);
  kmac_final(ctx, mac, sizeof mac);
  return matches(mac, known::kKmacMac, sizeof mac, broken);
}

// cast_sha3_multi: more messages than lanes, so that lanes are filled again, and four with another rate for the kernel
// of four. What is left over is done on lane portable, which has passed cast_sha3.
bool cast_sha3_multi(Lane lane, bool broken) {
  constexpr size_t kFew = known::kHashFewMax / 2;
  const Message message;
  uint8_t digests[known::kHashMultiJobs + kFew][kSha3_256Size];
  SpongeJob jobs[known::kHashMultiJobs];
  for (size_t i = 0; i < known::kHashMultiJobs; ++i)
    jobs[i] = {nullptr,    kSha3_256Rate, kSha3Suffix, message.bytes + i, known::kHashMultiStep * i,
               digests[i], kSha3_256Size};
  sponge_multi(Lane::kPortable, lane, jobs, known::kHashMultiJobs);
  for (size_t i = 0; i < kFew; ++i)
    jobs[i] = {nullptr,           kShake128Rate,       kShakeSuffix,
               message.bytes + i, known::kHashFewSize, digests[known::kHashMultiJobs + i],
               kSha3_256Size};
  sponge_multi(Lane::kPortable, lane, jobs, kFew);
  uint8_t digest[kSha3_256Size];
  hash_digest(HashId::kSha3_256, Lane::kPortable, digest, digests[0], sizeof digests);
  return matches(digest, known::kSha3MultiDigest, sizeof digest, broken);
}

// cast_hmac_multi: what a batch does, whose outer hashes go through the kernels for many messages too.
bool cast_hmac_multi(Lane lane, bool broken) {
  constexpr HashId kIds[] = {HashId::kSha1, HashId::kSha256, HashId::kSha384, HashId::kSha512, HashId::kSha3_256};
  constexpr HashLanes kPortable = {Lane::kPortable, Lane::kPortable, Lane::kPortable, Lane::kPortable};
  const Message message;
  const MacKey raw;
  Hash all;
  hash_init(all, HashId::kSha256, digest_lane());
  for (const HashId id : kIds) {
    HmacKey key;
    hmac_key_init(key, id, Lane::kPortable, raw.bytes, sizeof raw.bytes);
    uint8_t macs[known::kHashMultiJobs][kHashMaxSize];
    HmacJob jobs[known::kHashMultiJobs];
    for (size_t i = 0; i < known::kHashMultiJobs; ++i)
      jobs[i] = {&key, macs[i], message.bytes + i, known::kHmacMultiStep * i};
    hmac_many(kPortable, lane, jobs, known::kHashMultiJobs);
    for (const auto& mac : macs) hash_update(all, mac, hash_row(id).digest_size);
  }
  uint8_t digest[sizeof known::kHmacMultiDigest];
  hash_final(all, digest);
  return matches(digest, known::kHmacMultiDigest, sizeof digest, broken);
}

// cast_sha_multi: as cast_sha3_multi for the cores of FIPS 180-4, one after the other: with lane portable for one
// message, and with the best, which brings code of its own for several.
bool cast_sha_multi(Lane lane, bool broken) {
  constexpr HashLanes kPortable = {Lane::kPortable, Lane::kPortable, Lane::kPortable, Lane::kPortable};
  HashLanes best = kPortable;
  best.sha1 = best_lane(kSha1Kernels);
  best.sha256 = best_lane(kSha256Kernels);
  return sha_multi_is_right(kPortable, lane, broken) && sha_multi_is_right(best, lane, broken);
}

}  // namespace cm::selftest
