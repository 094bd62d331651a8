// SPDX-License-Identifier: Apache-2.0
// bounds_x86.h: what this processor can do at best with the instructions that a kernel cannot do without: loops of
// nothing but them, without loads and without dependencies, timed here and now. A bound from a table of another
// processor would be wrong on this one.
#pragma once
#include "crypto/base/lane.h"

namespace cm::bench {

// Mix: what a kernel needs for one register of data (16, 32 or 64 bytes as the lane has them).
enum class Mix {
  kAes128,  // 10 AES rounds
  kAes256,  // 14
  kGcm128,  // 10, and the three products of GHASH (Karatsuba)
  kGcm256,  // 14, and the three products of GHASH
};

// cycles_of_mix: core cycles a register, on a lane with AES instructions; 0 for the others. ghz as core_ghz gives it.
double cycles_of_mix(Mix mix, Lane lane, double ghz);

// bytes_of_register: of a lane with AES instructions.
double bytes_of_register(Lane lane);

// cycles_of_block: so many AES rounds, each waiting for the one before.
double cycles_of_block(int rounds, double ghz);

// bytes_of_chacha_cycle: bytes a core cycle of ChaCha20's additions, exclusive ors and rotations on registers as wide
// as the lane's; Poly1305 comes on top. 0 for lanes without vectors.
double bytes_of_chacha_cycle(Lane lane, double ghz);

// cycles_of_sha256_block, cycles_of_sha1_block: 32 dependent SHA256RNDS2, 20 dependent SHA1RNDS4, which is what one
// stream cannot do without; cycles_of_two_sha256_blocks: all SHA instructions of two blocks, none waiting for another,
// which is what any number of streams cannot do without.
double cycles_of_sha256_block(double ghz);
double cycles_of_sha1_block(double ghz);
double cycles_of_two_sha256_blocks(double ghz);

// cycles_of_sha512_block: what a variable e goes through from round to round, 80 times: its rotations, which are added
// to the rest of the sum, and the addition of d.
double cycles_of_sha512_block(double ghz);

// Width: of the registers that hold words of one message or of several.
enum class Width { kGeneral, kXmm, kYmm, kZmm };

// Operations: shifts and rotations, of which some processors do fewer at once, and all others.
struct Operations {
  double shifts, others;
};

// cycles_of_operations: so many that wait for none before them: as many at once as the processor does of all kinds
// (additions), and as it does of shifts (rotations, where the registers have them).
double cycles_of_operations(Width width, Operations operations, double ghz);

}  // namespace cm::bench
