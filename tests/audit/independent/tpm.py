# SPDX-License-Identifier: Apache-2.0
"""tpm.py: the structures of a TPM that stand in a log, and signatures under the attestation key, which the openssl
command checks. All integers are big endian. docs/audit-format.md, "TPM structures"."""

import base64
import collections
import functools
import os
import subprocess
import tempfile

import hashes

ALG_SHA256, ALG_NULL, ALG_ECDSA, ALG_ECC, CURVE_P256 = 0x000B, 0x0010, 0x0018, 0x0023, 0x0003
GENERATED, ST_NV, ST_QUOTE = 0xFF544347, 0x8014, 0x8018
SHA256_NAME = ALG_SHA256.to_bytes(2, "big")
ENDORSEMENT = bytes.fromhex("4000000b")
MAX_NAME, MAX_DATA, MAX_DIGEST, MAX_BANKS, MAX_SELECT = 68, 66, 64, 16, 4
# fixedTPM, fixedParent, sensitiveDataOrigin, restricted, sign; and decrypt.
MUST, MUST_NOT = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 16 | 1 << 18, 1 << 17

P = 2 ** 256 - 2 ** 224 + 2 ** 192 + 2 ** 96 - 1
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
# SubjectPublicKeyInfo of a P-256 key up to the point: id-ecPublicKey, prime256v1.
SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")

Attest = collections.namedtuple("Attest", "signer extra_data clock reset_count restart_count safe firmware")
Quote = collections.namedtuple("Quote", "attest pcr digest")  # pcr: None unless exactly one of the SHA-256 bank
Certified = collections.namedtuple("Certified", "attest index_name value")
Key = collections.namedtuple("Key", "x y usable")


class Malformed(Exception):
    pass


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        if size > len(self.data) - self.at:
            raise Malformed
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def sized(self, most, least=0):
        size = self.number(2)
        if not least <= size <= most:
            raise Malformed
        return self.take(size)

    def expect(self, size, *values):
        for value in values:
            if self.number(size) != value:
                raise Malformed

    def end(self):
        if self.at != len(self.data):
            raise Malformed


def _attest(r, kind):
    r.expect(4, GENERATED)
    r.expect(2, kind)
    signer, extra = r.sized(MAX_NAME), r.sized(MAX_DATA)
    clock, resets, restarts, safe, firmware = (r.number(n) for n in (8, 4, 4, 1, 8))
    if safe > 1:
        raise Malformed
    return Attest(signer, extra, clock, resets, restarts, safe, firmware)


def _selection(r):
    banks = r.number(4)
    if banks > MAX_BANKS:
        raise Malformed
    selected, others = 0, False
    for _ in range(banks):
        algorithm, size = r.number(2), r.number(1)
        if size > MAX_SELECT:
            raise Malformed
        bits = int.from_bytes(r.take(size), "little")
        if algorithm == ALG_SHA256:
            selected |= bits
        else:
            others = others or bits != 0
    return selected.bit_length() - 1 if not others and selected.bit_count() == 1 else None


def quote(data):
    r = Reader(data)
    out = Quote(_attest(r, ST_QUOTE), _selection(r), r.sized(MAX_DIGEST))
    r.end()
    return out


def certified(data):
    r = Reader(data)
    attest, name = _attest(r, ST_NV), r.sized(MAX_NAME)
    r.expect(2, 0, 8)  # offset, size
    out = Certified(attest, name, r.number(8))
    r.end()
    return out


def signature(data):
    """(r, s)"""
    r = Reader(data)
    r.expect(2, ALG_ECDSA, ALG_SHA256)
    out = tuple(int.from_bytes(r.sized(32, 1), "big") for _ in range(2))
    r.end()
    return out


def public(data):
    """TPMT_PUBLIC of an ECDSA P-256 key."""
    r = Reader(data)
    r.expect(2, ALG_ECC, ALG_SHA256)
    attributes = r.number(4)
    r.sized(MAX_DIGEST)  # authPolicy
    r.expect(2, ALG_NULL, ALG_ECDSA, ALG_SHA256, CURVE_P256, ALG_NULL)
    x, y = (int.from_bytes(r.sized(32, 1), "big") for _ in range(2))
    r.end()
    return Key(x, y, attributes & MUST == MUST and attributes & MUST_NOT == 0)


def on_curve(key):
    return key.x < P and key.y < P and (key.y ** 2 - key.x ** 3 + 3 * key.x - B) % P == 0


def name_sound(name):
    return len(name) == 34 and name.startswith(SHA256_NAME)


def qualified_signer(public_area):
    name = SHA256_NAME + hashes.sha256(public_area)
    return SHA256_NAME + hashes.sha256(ENDORSEMENT + name)


def spki(key):
    return SPKI + b"\x04" + key.x.to_bytes(32, "big") + key.y.to_bytes(32, "big")


def point_from_pem(text):
    """The key of a PEM SubjectPublicKeyInfo with an uncompressed point."""
    body = text.split("-----BEGIN PUBLIC KEY-----", 1)[-1].split("-----END PUBLIC KEY-----", 1)
    if len(body) != 2:
        raise Malformed
    try:
        der = base64.b64decode("".join(body[0].split()), validate=True)
    except ValueError:
        raise Malformed from None
    if len(der) != len(SPKI) + 65 or not der.startswith(SPKI + b"\x04"):
        raise Malformed
    key = Key(int.from_bytes(der[-64:-32], "big"), int.from_bytes(der[-32:], "big"), True)
    if not on_curve(key):
        raise Malformed
    return key


def _der_integer(n):
    data = n.to_bytes(n.bit_length() // 8 + 1, "big")
    return b"\x02" + bytes([len(data)]) + data


def der_signature(r_and_s):
    """ECDSA-Sig-Value."""
    der = b"".join(map(_der_integer, r_and_s))
    return b"\x30" + bytes([len(der)]) + der


def signed(key, message, r_and_s):
    return signed_der(key, message, der_signature(r_and_s))


@functools.lru_cache(maxsize=4096)
def signed_der(key, message, signature):
    """ECDSA P-256 with SHA-256, checked by `openssl dgst`."""
    with tempfile.TemporaryDirectory() as directory:
        def file(name, content):
            path = os.path.join(directory, name)
            with open(path, "wb") as out:
                out.write(content)
            return path

        pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(spki(key)) + b"-----END PUBLIC KEY-----\n"
        command = ["openssl", "dgst", "-sha256", "-verify", file("key", pem),
                   "-signature", file("signature", signature), file("message", message)]
        run = subprocess.run(command, capture_output=True, check=False)
    return run.returncode == 0 and run.stdout == b"Verified OK\n"
