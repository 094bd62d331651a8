// SPDX-License-Identifier: Apache-2.0
// sponge.cpp: the sponge construction with padding 10*1 (FIPS 202 4, 5.1) for messages of whole bytes. It must not
// permute before it has to: a permutation is all that a call costs.
#include "crypto/sha3/sponge.h"

#include "crypto/base/bytes.h"
#include "crypto/base/check.h"
#include "crypto/base/secret.h"

namespace cm {
namespace {

// state_bytes: FIPS 202 B.1 is little endian, as memory is.
inline uint8_t* state_bytes(uint64_t* state) { return reinterpret_cast<uint8_t*>(state); }

void exclusive_or(uint8_t* to, const uint8_t* from, size_t size) {
  for (; size >= 8; to += 8, from += 8, size -= 8) store_le64(to, load_le64(to) ^ load_le64(from));
  for (size_t i = 0; i < size; ++i) to[i] = static_cast<uint8_t>(to[i] ^ from[i]);
}

}  // namespace

void sponge_init(Sponge& s, Lane lane, size_t rate) {
  CM_CHECK(keccak_rate_known(rate));
  s = Sponge{};
  s.rate = static_cast<uint8_t>(rate);
  s.lane = lane;
  s.phase = SpongePhase::kAbsorb;
}

void sponge_absorb(Sponge& s, const uint8_t* in, size_t in_size) {
  CM_CHECK(s.phase == SpongePhase::kAbsorb);
  if (in_size == 0) return;
  if (s.position != 0) {
    const size_t room = size_t{s.rate} - s.position;
    const size_t take = in_size < room ? in_size : room;
    exclusive_or(state_bytes(s.state) + s.position, in, take);
    s.position = static_cast<uint8_t>(s.position + take);
    if (take < room) return;
    keccak_permute(s.lane, s.state);
    s.position = 0;
    in += take;
    in_size -= take;
  }
  const size_t whole = in_size / s.rate;
  const size_t rest = in_size % s.rate;
  if (whole != 0) keccak_absorb(s.lane, s.state, s.rate, in, whole);
  exclusive_or(state_bytes(s.state), in + whole * s.rate, rest);
  s.position = static_cast<uint8_t>(rest);
}

void sponge_finish(Sponge& s, uint8_t suffix) {
  CM_CHECK(s.phase == SpongePhase::kAbsorb);
  uint8_t* const bytes = state_bytes(s.state);
  bytes[s.position] = static_cast<uint8_t>(bytes[s.position] ^ suffix);
  bytes[s.rate - 1] = static_cast<uint8_t>(bytes[s.rate - 1] ^ 0x80);
  s.phase = SpongePhase::kSqueeze;
  s.position = s.rate;  // the state is still to be permuted
}

void sponge_squeeze(Sponge& s, uint8_t* out, size_t out_size) {
  CM_CHECK(s.phase == SpongePhase::kSqueeze);
  while (out_size != 0) {
    if (s.position == s.rate) {
      keccak_permute(s.lane, s.state);
      s.position = 0;
    }
    const size_t room = size_t{s.rate} - s.position;
    const size_t take = out_size < room ? out_size : room;
    std::memcpy(out, state_bytes(s.state) + s.position, take);
    s.position = static_cast<uint8_t>(s.position + take);
    out += take;
    out_size -= take;
  }
}

void sponge_zeroise(Sponge& s) { zeroise(&s, sizeof s); }

void sponge(Lane lane, size_t rate, uint8_t suffix, uint8_t* out, size_t out_size, const uint8_t* in, size_t in_size) {
  Sponge s;
  sponge_init(s, lane, rate);
  sponge_absorb(s, in, in_size);
  sponge_finish(s, suffix);
  sponge_squeeze(s, out, out_size);
  sponge_zeroise(s);
}

}  // namespace cm
