# SPDX-License-Identifier: Apache-2.0
"""forger.py: an attacker who has the attestation key of a golden log: the chain is built frame by frame, and what
anchors and start frames say follows it."""

import struct

import frames
import hashes
import payloads
from parts import change_field, encode, other_number

# Of P-256: the order, and x of the generator.
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
GENERATOR_X = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
# Private keys of the golden logs (tests/audit/support/golden_logs.cpp).
PRIVATE = {"clean": int.from_bytes(b"\x11" * 32, "big"), "eventful": int.from_bytes(b"\x12" * 32, "big"),
           "rotated": int.from_bytes(b"\x13" * 32, "big"),
           "carried": int.from_bytes(b"\x14" * 32, "big")}


def sign(private, message):
    """TPMT_SIGNATURE: ECDSA with nonce 1, of use in tests only."""
    z = int.from_bytes(hashes.sha256(message), "big")
    s = (z + GENERATOR_X * private) % N
    return b"".join((b"\x00\x18\x00\x0b\x00\x20", GENERATOR_X.to_bytes(32, "big"), b"\x00\x20", s.to_bytes(32, "big")))


class Forger:
    """Corrects what frames say about PCR, heads, counter and segments. late: the frame in which one more change comes after."""

    def __init__(self, log, rng=None, late=None, keep_counter=False):
        self.private, self.rng, self.late, self.keep_counter = PRIVATE[log], rng, late, keep_counter
        self.pcr = self.counter = self.resets = None
        self.previous_attest = bytes(32)
        self.before = []
        self.segment = self.offset = 0  # of the next frame, when segments end with their seals

    def run(self, parts):
        out, records, head = [], 0, bytes(32)
        for number, part in enumerate(parts):
            self._correct(part, number, head, number == self.late)
            out.append(part.build(number, records, head))
            head = hashes.sha256(out[-1][:frames.HEADER.size])
            self._extend(part.header.get("carried", part.carried), head)
            records += len(part.records)
            self.offset += len(out[-1])
            if part.type == payloads.SEAL:
                self.segment, self.offset = self.segment + 1, 0
        return out

    def _extend(self, carried, head):
        """before: the PCR's value before each frame, as far as it is known."""
        carried = min(carried, len(self.before))
        before = self.before[-carried] if carried else self.pcr or bytes(32)
        self.before[len(self.before) - carried:] = [before] * (carried + 1)
        self.pcr = hashes.sha256(before + head)

    def _correct(self, part, number, head, late):
        p = part.fields()
        if p is None:
            return
        if part.type == payloads.GENESIS:
            self.pcr, self.counter, self.resets = p["pcr_start"], p["nv_start"], p["reset_count"]
        elif self.counter is not None:
            {payloads.BOOT: self._start, payloads.RECOVERY: self._start, payloads.UNEXPLAINED: self._unexplained,
             payloads.ANCHOR: self._anchor, payloads.SEAL: self._seal}.get(part.type, lambda *_: None)(part, p, number, head, late)
        if late and part.type != payloads.ANCHOR:
            change_field(self.rng, payloads.FIELDS[part.type], p)
        part.var = encode(part.type, p)

    def _start(self, part, p, number, head, late):
        if p["reset_count"] == self.resets:
            p["pcr_value"] = self.pcr
        else:
            self.pcr = p["pcr_value"]
        self.resets = p["reset_count"]
        if not self.keep_counter:
            p["nv_value"] = self.counter

    def _seal(self, part, p, number, head, late):
        p.update(segment=self.segment, bytes=self.offset)

    def _unexplained(self, part, p, number, head, late):
        p["expected"] = self.pcr
        self.pcr = p["found"]

    def _anchor(self, part, p, number, head, late):
        if not self.keep_counter:
            p["nv_value"] = (self.counter + 1) % 2 ** 64
        self.counter = p["nv_value"]
        p.update(anchored_seq=number - 1, anchored_head=head, pcr_value=self.pcr)
        if late and self.rng.random() < 0.5:
            late = False
            self._late_field(p)
        binding = hashes.sha256(b"cryptomod-anchor" + part.log_id + struct.pack("<Q", p["anchored_seq"]) +
                                p["anchored_head"] + self.previous_attest + p["challenge"] +
                                struct.pack("<QQ", p["nv_value"], part.time))
        # What stands where in the golden logs' structures is annotated in docs/audit-format.md.
        quote, certified = p["quote_attest"], p["nv_attest"]
        resets = self.resets.to_bytes(4, "big")
        p["quote_attest"] = b"".join((quote[:44], binding, quote[76:84], resets, quote[88:-32],
                                      hashes.sha256(p["pcr_value"])))
        p["nv_attest"] = b"".join((certified[:44], binding, certified[76:84], resets, certified[88:-8],
                                   p["nv_value"].to_bytes(8, "big")))
        self.previous_attest = hashes.sha256(p["quote_attest"])
        self._late_attest(p, late)
        for attest, signature in (("quote_attest", "quote_signature"), ("nv_attest", "nv_signature")):
            p[signature] = sign(self.private, p[attest])

    def _late_field(self, p):
        """One that is no structure of the TPM."""
        change_field(self.rng, " ".join(payloads.FIELDS[payloads.ANCHOR].split()[:7]), p)

    def _late_attest(self, p, late):
        if late:
            name = self.rng.choice(("quote_attest", "nv_attest"))
            data = bytearray(p[name])
            # Clock and counts stand at 76 to 100, what the TPM attests behind them.
            anywhere, counts, behind = (self.rng.randrange(*r) for r in ((0, len(data)), (76, 101), (-44, 0)))
            at = min(self.rng.choice((anywhere, anywhere, counts, behind)), len(data) - 1)
            data[at] = other_number(self.rng, data[at], 8)
            p[name] = bytes(data)
