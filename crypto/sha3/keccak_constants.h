// SPDX-License-Identifier: Apache-2.0
// keccak_constants.h: what the Keccak kernels know of FIPS 202 3.2, for them only: the round constants, the offsets of
// rho and the way of pi. A state is 25 words; lane (x, y) of the standard is word 5 * y + x. Internal linkage: every
// kernel file has its own copy in its own .rodata.
#pragma once
#include <cstddef>
#include <cstdint>

namespace cm {

constexpr size_t kKeccakWords = 25;
constexpr int kKeccakRounds = 24;

// 3.2.5, iota.
alignas(64) constexpr uint64_t kKeccakRound[kKeccakRounds] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};

// 3.2.2, rho: by how many bits a word is rotated to the left.
constexpr int kKeccakRho[kKeccakWords] = {0,  1,  62, 28, 27, 36, 44, 6,  55, 20, 3,  10, 43,
                                          25, 39, 41, 45, 15, 21, 8,  18, 2,  61, 56, 14};

// 3.2.3, pi: the word that comes to (x, y).
constexpr int keccak_from(int x, int y) { return 5 * x + (x + 3 * y) % 5; }

}  // namespace cm
