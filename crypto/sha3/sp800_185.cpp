// SPDX-License-Identifier: Apache-2.0
// sp800_185.cpp: the encodings of SP 800-185 and the functions over cSHAKE. It must not know a permutation: all goes
// through the sponge, or through sponge_multi for the blocks of ParallelHash.
#include "crypto/sha3/sp800_185.h"

#include <bit>

#include "crypto/base/bytes.h"
#include "crypto/base/check.h"
#include "crypto/base/secret.h"
#include "crypto/sha3/keccak_multi.h"

namespace cm {
namespace {

constexpr size_t kLeafMax = 64;       // bytes of a block's digest in ParallelHash256
constexpr size_t kLeavesAtOnce = 16;  // that many blocks of ParallelHash in a call of sponge_multi
constexpr size_t kLeavesToBegin = 4;  // with less it does not pay

// number_size: bytes of a number, at least one.
size_t number_size(uint64_t n) { return (static_cast<size_t>(std::bit_width(n | 1)) + 7) / 8; }

// store_number: big endian.
void store_number(uint8_t* to, uint64_t n, size_t size) {
  for (size_t i = 0; i < size; ++i) to[i] = static_cast<uint8_t>(n >> (8 * (size - 1 - i)));
}

uint64_t bits_of(size_t bytes) {
  CM_CHECK(bytes < uint64_t{1} << 61);
  return uint64_t{bytes} * 8;
}

size_t rate_of(size_t bits) {
  CM_CHECK(bits == 128 || bits == 256);
  return bits == 128 ? kShake128Rate : kShake256Rate;
}

void absorb(Sponge& s, const EncodedLength& n) { sponge_absorb(s, n.bytes, n.size); }

constexpr uint8_t kKmac[] = {'K', 'M', 'A', 'C'};
constexpr uint8_t kTupleHash[] = {'T', 'u', 'p', 'l', 'e', 'H', 'a', 's', 'h'};
constexpr uint8_t kParallelHash[] = {'P', 'a', 'r', 'a', 'l', 'l', 'e', 'l', 'H', 'a', 's', 'h'};

// finish: the end of a message, which says how long the output is to be.
void finish(Sponge& s, size_t out_size, bool xof) {
  absorb(s, right_encode(xof ? 0 : bits_of(out_size)));
  cshake_finish(s);
}

void final(Sponge& s, uint8_t* out, size_t out_size, bool xof) {
  finish(s, out_size, xof);
  sponge_squeeze(s, out, out_size);
}

}  // namespace

EncodedLength left_encode(uint64_t n) {
  EncodedLength e{};
  const size_t size = number_size(n);
  e.bytes[0] = static_cast<uint8_t>(size);
  store_number(e.bytes + 1, n, size);
  e.size = static_cast<uint8_t>(size + 1);
  return e;
}

EncodedLength right_encode(uint64_t n) {
  EncodedLength e{};
  const size_t size = number_size(n);
  store_number(e.bytes, n, size);
  e.bytes[size] = static_cast<uint8_t>(size);
  e.size = static_cast<uint8_t>(size + 1);
  return e;
}

void absorb_encoded(Sponge& s, const uint8_t* in, size_t in_size) {
  absorb(s, left_encode(bits_of(in_size)));
  sponge_absorb(s, in, in_size);
}

void absorb_padding(Sponge& s) {
  constexpr uint8_t kZeros[kKeccakRateMax] = {};
  if (s.position != 0) sponge_absorb(s, kZeros, size_t{s.rate} - s.position);
}

void cshake_init(Sponge& s, Lane lane, size_t bits, const uint8_t* name, size_t name_size, const uint8_t* custom,
                 size_t custom_size) {
  sponge_init(s, lane, rate_of(bits));
  s.suffix = kShakeSuffix;
  if (name_size == 0 && custom_size == 0) return;
  s.suffix = kCshakeSuffix;
  absorb(s, left_encode(s.rate));
  absorb_encoded(s, name, name_size);
  absorb_encoded(s, custom, custom_size);
  absorb_padding(s);
}

void cshake_finish(Sponge& s) {
  CM_CHECK(s.suffix != 0);
  sponge_finish(s, s.suffix);
}

void kmac_init(Sponge& s, Lane lane, size_t bits, const uint8_t* key, size_t key_size, const uint8_t* custom,
               size_t custom_size) {
  cshake_init(s, lane, bits, kKmac, sizeof kKmac, custom, custom_size);
  absorb(s, left_encode(s.rate));
  absorb_encoded(s, key, key_size);
  absorb_padding(s);
}

void kmac_finish(Sponge& s, size_t out_size, bool xof) { finish(s, out_size, xof); }
void kmac_final(Sponge& s, uint8_t* out, size_t out_size, bool xof) { final(s, out, out_size, xof); }

void tuple_hash_init(Sponge& s, Lane lane, size_t bits, const uint8_t* custom, size_t custom_size) {
  cshake_init(s, lane, bits, kTupleHash, sizeof kTupleHash, custom, custom_size);
}

void tuple_hash_add(Sponge& s, const uint8_t* element, size_t element_size) {
  absorb_encoded(s, element, element_size);
}

void tuple_hash_final(Sponge& s, uint8_t* out, size_t out_size, bool xof) { final(s, out, out_size, xof); }

// ---- ParallelHash.

namespace {

// leaf_size: of the digest of a block, which is SHAKE with twice the security strength of output (6.3).
size_t leaf_size(const ParallelHash& p) { return p.outer.rate == kShake128Rate ? 32 : kLeafMax; }

void end_leaf(ParallelHash& p) {
  uint8_t digest[kLeafMax];
  sponge_finish(p.inner, kShakeSuffix);
  sponge_squeeze(p.inner, digest, leaf_size(p));
  sponge_absorb(p.outer, digest, leaf_size(p));
  sponge_init(p.inner, p.inner.lane, p.inner.rate);
  p.inner_size = 0;
  ++p.count;
  zeroise(digest, sizeof digest);
}

// leaves: whole blocks side by side.
void leaves(ParallelHash& p, const uint8_t* in, size_t count) {
  uint8_t digests[kLeavesAtOnce * kLeafMax];
  SpongeJob jobs[kLeavesAtOnce];
  const size_t size = leaf_size(p);
  for (size_t i = 0; i < count; ++i)
    jobs[i] = {nullptr, p.inner.rate, kShakeSuffix, in + i * p.block_size, p.block_size, digests + i * size, size};
  sponge_multi(p.inner.lane, p.wide, jobs, count);
  sponge_absorb(p.outer, digests, count * size);
  p.count += count;
  zeroise(digests, sizeof digests);
}

}  // namespace

void parallel_hash_init(ParallelHash& p, Lane single, Lane wide, size_t bits, size_t block_size, const uint8_t* custom,
                        size_t custom_size) {
  CM_CHECK(block_size != 0);
  cshake_init(p.outer, single, bits, kParallelHash, sizeof kParallelHash, custom, custom_size);
  absorb(p.outer, left_encode(block_size));
  sponge_init(p.inner, single, p.outer.rate);
  p.block_size = block_size;
  p.inner_size = p.count = 0;
  p.wide = wide;
}

void parallel_hash_update(ParallelHash& p, const uint8_t* in, size_t in_size) {
  while (in_size != 0) {
    const size_t whole = p.inner_size == 0 ? in_size / p.block_size : 0;
    size_t taken;
    if (whole >= kLeavesToBegin && p.wide != Lane::kPortable) {
      const size_t count = whole < kLeavesAtOnce ? whole : kLeavesAtOnce;
      leaves(p, in, count);
      taken = count * p.block_size;
    } else {
      const uint64_t room = p.block_size - p.inner_size;
      taken = in_size < room ? in_size : room;
      sponge_absorb(p.inner, in, taken);
      p.inner_size += taken;
      if (p.inner_size == p.block_size) end_leaf(p);
    }
    in += taken;
    in_size -= taken;
  }
}

void parallel_hash_final(ParallelHash& p, uint8_t* out, size_t out_size, bool xof) {
  if (p.inner_size != 0) end_leaf(p);
  absorb(p.outer, right_encode(p.count));
  final(p.outer, out, out_size, xof);
}

void parallel_hash_more(ParallelHash& p, uint8_t* out, size_t out_size) { sponge_squeeze(p.outer, out, out_size); }

}  // namespace cm
