// SPDX-License-Identifier: Apache-2.0
// sponge.h: the sponge of FIPS 202 4 over Keccak: SHA-3, SHAKE, and what SP 800-185 makes of them (sp800_185.h).
// Plain computation: no allocation, no locks; a sponge belongs to one thread at a time and may be copied as a value.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/lane.h"
#include "crypto/sha3/keccak.h"

namespace cm {

// FIPS 202 6: digest sizes, and rates as 200 bytes less twice the security strength.
inline constexpr size_t kSha3_224Size = 28, kSha3_224Rate = 144;
inline constexpr size_t kSha3_256Size = 32, kSha3_256Rate = 136;
inline constexpr size_t kSha3_384Size = 48, kSha3_384Rate = 104;
inline constexpr size_t kSha3_512Size = 64, kSha3_512Rate = 72;
inline constexpr size_t kShake128Rate = 168, kShake256Rate = 136;

// What stands behind a message: the bits that tell the functions apart, lowest first, then the first 1 of the padding
// (FIPS 202 6.1, 6.2, B.2; SP 800-185 3.3).
inline constexpr uint8_t kSha3Suffix = 0x06, kShakeSuffix = 0x1f, kCshakeSuffix = 0x04;

enum class SpongePhase : uint8_t { kAbsorb = 1, kSqueeze = 2 };

struct Sponge {
  uint64_t state[kKeccakStateWords];
  uint8_t rate, position;  // bytes; position is where the block goes on, at most rate
  Lane lane;
  SpongePhase phase;
  uint8_t suffix;  // for the functions whose suffix depends on their arguments (cshake_init)
};

void sponge_init(Sponge& s, Lane lane, size_t rate);
// sponge_absorb: the next piece of the message; before sponge_finish only.
void sponge_absorb(Sponge& s, const uint8_t* in, size_t in_size);
// sponge_finish: the end of the message.
void sponge_finish(Sponge& s, uint8_t suffix);
// sponge_squeeze: the next piece of the output; after sponge_finish only.
void sponge_squeeze(Sponge& s, uint8_t* out, size_t out_size);
void sponge_zeroise(Sponge& s);

// sponge: a whole message.
void sponge(Lane lane, size_t rate, uint8_t suffix, uint8_t* out, size_t out_size, const uint8_t* in, size_t in_size);

}  // namespace cm
