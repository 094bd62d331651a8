// SPDX-License-Identifier: Apache-2.0
// sp800_185.h: cSHAKE, KMAC, TupleHash and ParallelHash of SP 800-185 for strings of whole bytes, over the sponge.
// Plain computation: contexts are values, hold no pointers and belong to one thread at a time.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/lane.h"
#include "crypto/sha3/sponge.h"

namespace cm {

// EncodedLength: left_encode or right_encode (2.3.1) of a number below 2^64.
struct EncodedLength {
  uint8_t bytes[9];
  uint8_t size;
};
EncodedLength left_encode(uint64_t n);
EncodedLength right_encode(uint64_t n);

// Below, bits is 128 or 256, a size in bytes is less than 2^61, and xof is for the variant whose output does not
// depend on its size. Further output of that comes by sponge_squeeze.

// absorb_encoded: encode_string (2.3.2).
void absorb_encoded(Sponge& s, const uint8_t* in, size_t in_size);
// absorb_padding: the zeros at the end of bytepad (2.3.3), whose size is the rate.
void absorb_padding(Sponge& s);

// cSHAKE (3.3); SHAKE where name and custom are empty. The message follows by sponge_absorb.
void cshake_init(Sponge& s, Lane lane, size_t bits, const uint8_t* name, size_t name_size, const uint8_t* custom,
                 size_t custom_size);
void cshake_finish(Sponge& s);

// KMAC (4.3, 4.3.1). The message follows by sponge_absorb. Behind kmac_init the sponge is at the beginning of a block.
void kmac_init(Sponge& s, Lane lane, size_t bits, const uint8_t* key, size_t key_size, const uint8_t* custom,
               size_t custom_size);
void kmac_final(Sponge& s, uint8_t* out, size_t out_size, bool xof);
// kmac_finish: the end of the message alone; the MAC comes by sponge_squeeze.
void kmac_finish(Sponge& s, size_t out_size, bool xof);

// TupleHash (5.3, 5.3.1).
void tuple_hash_init(Sponge& s, Lane lane, size_t bits, const uint8_t* custom, size_t custom_size);
void tuple_hash_add(Sponge& s, const uint8_t* element, size_t element_size);
void tuple_hash_final(Sponge& s, uint8_t* out, size_t out_size, bool xof);

// ParallelHash (6.3, 6.3.1) in blocks of block_size bytes, at least one. Blocks that lie whole in an update go side by
// side in the lanes of `wide` (keccak_multi.h).
struct ParallelHash {
  Sponge outer, inner;
  uint64_t block_size, inner_size;  // inner_size: bytes of the block that inner is in
  uint64_t count;                   // blocks
  Lane wide;
};
void parallel_hash_init(ParallelHash& p, Lane single, Lane wide, size_t bits, size_t block_size, const uint8_t* custom,
                        size_t custom_size);
void parallel_hash_update(ParallelHash& p, const uint8_t* in, size_t in_size);
void parallel_hash_final(ParallelHash& p, uint8_t* out, size_t out_size, bool xof);
// parallel_hash_more: further output of the variant with xof.
void parallel_hash_more(ParallelHash& p, uint8_t* out, size_t out_size);

}  // namespace cm
