# SPDX-License-Identifier: Apache-2.0
"""hashes.py: CRC-32C and the chaining values of SHA-256, which the standard library does not give. Digests of SHA-256
are hashlib's."""

import hashlib
import struct

CASTAGNOLI = 0x82F63B78  # reflected
MASK = 0xFFFFFFFF


def _primes(count):
    found = []
    n = 2
    while len(found) < count:
        if all(n % p for p in found):
            found.append(n)
        n += 1
    return found


def _root(n, k):
    """First 32 bits of the fraction of the k-th root of n."""
    target = n << (32 * k)
    low, high = 0, 1 << 40
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle ** k <= target else (low, middle)
    return low & MASK


# FIPS 180-4, 4.2.2 and 5.3.3.
ROUND_CONSTANTS = [_root(p, 3) for p in _primes(64)]
INITIAL = tuple(_root(p, 2) for p in _primes(8))


def sha256(data):
    return hashlib.sha256(data).digest()


def _rotate(x, n):
    return (x >> n | x << (32 - n)) & MASK


def _schedule(block):
    w = list(struct.unpack(">16I", block))
    for t in range(16, 64):
        s0 = _rotate(w[t - 15], 7) ^ _rotate(w[t - 15], 18) ^ w[t - 15] >> 3
        s1 = _rotate(w[t - 2], 17) ^ _rotate(w[t - 2], 19) ^ w[t - 2] >> 10
        w.append((w[t - 16] + s0 + w[t - 7] + s1) & MASK)
    return w


def compress(state, block):
    """FIPS 180-4, 6.2.2."""
    a, b, c, d, e, f, g, h = state
    for k, w in zip(ROUND_CONSTANTS, _schedule(block)):
        t1 = h + (_rotate(e, 6) ^ _rotate(e, 11) ^ _rotate(e, 25)) + (e & f ^ ~e & g) + k + w
        t2 = (_rotate(a, 2) ^ _rotate(a, 13) ^ _rotate(a, 22)) + (a & b ^ a & c ^ b & c)
        a, b, c, d, e, f, g, h = (t1 + t2) & MASK, a, b, c, (d + t1) & MASK, e, f, g
    return tuple((old + new) & MASK for old, new in zip(state, (a, b, c, d, e, f, g, h)))


def midstates(before, records):
    """First word of the chaining value after each block of records; before is hashed in front of them."""
    if not records:
        return []
    state = INITIAL
    for i in range(0, len(before), 64):
        state = compress(state, before[i:i + 64])
    out = []
    for i in range(0, len(records), 64):
        state = compress(state, records[i:i + 64])
        out.append(state[0])
    return out


def _crc_step(value):
    return value >> 1 ^ (CASTAGNOLI if value & 1 else 0)


def _crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = _crc_step(value)
        table.append(value)
    return table


CRC_TABLE = _crc_table()


def crc32c(data):
    crc = MASK
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ MASK


def flipped_bit(difference, size):
    """(byte, bit) of the one bit of size bytes whose flip changes their CRC-32C by difference, or None. The CRC is
    linear: what a flip does depends on how many bits come after it, and on nothing else."""
    value = 1
    for from_end in range(8 * size):
        value = _crc_step(value)
        if value == difference:
            return size - 1 - from_end // 8, 7 - from_end % 8
    return None
