# SPDX-License-Identifier: Apache-2.0
"""evidence.py: what the TPM says about the log: replay of the PCR, quotes, certified counter values, and the TPM's own
counts and clock. docs/audit-format.md, "Anchors" and "Order of the checks"."""

import collections
import struct

import frames
import hashes
import tpm

SOFTWARE, DEVICE = 1, 2
PCR_COUNT, RESETTABLE = 24, (16, 23)
MAX_FRAMES_TO_ANCHOR = 1 << 18
DOMAIN = b"cryptomod-anchor"

Extended = collections.namedtuple("Extended", "frame_seq records head pcr begins carried")


class Evidence:
    def __init__(self, report):
        self.report = report
        self.extended = collections.deque()  # since the newest anchored frame, that one included
        self.values = collections.Counter()  # of the PCR: those that a start frame may find
        self.anchored_seq = None
        self.previous_attest = bytes(32)
        self.counter_ahead = False  # a start found the counter one ahead
        self.clean = False  # an anchor covers the end frame
        self.barrier = False  # nothing behind this place is proved
        self.unexplained = False  # since the newest anchor
        self.must_explain = None  # place of a start frame that found a PCR value which no frame led to

    def genesis(self, where, log_id, p):
        if p["kind"] not in (SOFTWARE, DEVICE) or p["pcr_index"] >= PCR_COUNT or not tpm.name_sound(p["nv_name"]):
            raise where.stop("payload")
        try:
            self.key = tpm.public(p["ak_public"])
        except tpm.Malformed:
            raise where.stop("ak-invalid") from None
        if not self.key.usable or not tpm.on_curve(self.key):
            raise where.stop("ak-invalid")
        if p["pcr_index"] in RESETTABLE:
            self.report.add("resettable-pcr", where.at())
            self.barrier = True
        if p["kind"] == SOFTWARE:
            self.report.add("software-anchor", where.at())
        self.signer = tpm.qualified_signer(p["ak_public"])
        self.log_id, self.about, self.last, self.counter = log_id, p, dict(p), p["nv_start"]
        self._replay_from(p["pcr_start"])

    def _replay_from(self, value):
        self.pcr = value
        self.extended.clear()
        self.values = collections.Counter([value])

    def frame_extended(self, where, header, head):
        self._carry(where, header.carried)
        self.pcr = hashes.sha256(self.pcr + head)
        self.extended.append(Extended(header.frame_seq, header.first_record + header.record_count, head, self.pcr,
                                      header.type in frames.BEGINS_REPLAY, False))
        self.values[self.pcr] += 1
        if len(self.extended) > MAX_FRAMES_TO_ANCHOR:
            self._forget(self.extended.popleft())

    def _carry(self, where, count):
        """The last frames stay out of the replay: the next one carries them."""
        if count == 0:
            return
        if count >= len(self.extended) or any(self.extended[-1 - i].begins for i in range(count)):
            raise where.stop("header-field", 12)
        taken = [self.extended.pop() for _ in range(count)]
        self.pcr = self.extended[-1].pcr
        for one in reversed(taken):
            self._forget(one)
            self.extended.append(one._replace(pcr=self.pcr, carried=True))

    def _forget(self, frame):
        if not frame.carried:
            self.values[frame.pcr] -= 1

    def _explained(self, value):
        return self.values[value] > 0

    def start(self, where, p):
        reset = p["reset_count"] != self.last["reset_count"]
        self._tpm_at_start(where, p, reset)
        if not reset and not self._explained(p["pcr_value"]):
            self.must_explain = where.at()
            self.unexplained = self.barrier = True
        self._counter_at_start(where, p, reset)
        if reset:
            self._replay_from(p["pcr_value"])
        self.last = dict(p)
        self.clean = False

    def _tpm_at_start(self, where, p, reset):
        last = self.last
        if any(p[f] != last[f] for f in ("kind", "manufacturer")) or not reset and p["firmware"] != last["firmware"]:
            raise where.stop("tpm-identity")
        if p["reset_count"] < last["reset_count"] or not reset and p["restart_count"] < last["restart_count"]:
            raise where.stop("tpm-counts")
        if p["clock_ms"] < last["clock_ms"] and not (reset and not p["clock_safe"]):
            raise where.stop("tpm-clock")
        if p["firmware"] != last["firmware"]:
            self.report.add("firmware-changed", where.at())
        if reset and p["reset_count"] != last["reset_count"] + 1:
            self.report.add("reset-gap", where.at())
        if reset and not self.clean:
            self.report.add("unclean-reset", where.at())
            self.barrier = True

    def _counter_at_start(self, where, p, reset):
        value = p["nv_value"]
        if value == self.counter:
            return
        if value == self.counter + 1 and not self.clean and not self.unexplained:
            self.counter_ahead = True
            self.report.add("anchor-lost", where.at())
        elif reset and p["kind"] == DEVICE and not self.clean and value > self.counter:
            self.counter = value
            self.report.add("nv-jump", where.at())
        else:
            raise where.stop("nv-value")

    def unexplained_extend(self, where, p):
        self.must_explain = None
        self.unexplained = self.barrier = True
        if p["expected"] == p["found"] or not self._explained(p["expected"]):
            raise where.stop("start-pcr")
        self.report.add("unexplained-extend", where.at())
        self.pcr = p["found"]

    def covers(self, frame_seq):
        return self.anchored_seq is not None and self.anchored_seq >= frame_seq

    def _binding(self, header, p):
        return hashes.sha256(DOMAIN + self.log_id + struct.pack("<Q", p["anchored_seq"]) + p["anchored_head"] +
                             self.previous_attest + p["challenge"] +
                             struct.pack("<QQ", p["nv_value"], header.writer_time_ns))

    def _signature(self, where, message, signature):
        try:
            r_and_s = tpm.signature(signature)
        except tpm.Malformed:
            raise where.stop("attest-malformed") from None
        if not tpm.signed(self.key, message, r_and_s):
            raise where.stop("attest-signature")

    def _attested(self, where, header, p):
        """Quote and certification of an anchor: shape, signatures, and what they were made for."""
        try:
            quote, certified = tpm.quote(p["quote_attest"]), tpm.certified(p["nv_attest"])
        except tpm.Malformed:
            raise where.stop("attest-malformed") from None
        self._signature(where, p["quote_attest"], p["quote_signature"])
        self._signature(where, p["nv_attest"], p["nv_signature"])
        binding = self._binding(header, p)
        for attest in (quote.attest, certified.attest):
            if attest.extra_data != binding:
                raise where.stop("attest-binding")
            if attest.signer != self.signer:
                raise where.stop("attest-signer")
        return quote, certified

    def _anchored(self, where, p):
        index = p["anchored_seq"] - self.extended[0].frame_seq if self.extended else -1
        if not 0 <= index < len(self.extended) or self.extended[index].head != p["anchored_head"] \
                or self.extended[index].carried:
            raise where.stop("anchor-position")
        return self.extended[index]

    def _tpm_unchanged(self, where, attests):
        last = self.last
        for attest in attests:
            if attest.reset_count != last["reset_count"] or attest.restart_count < last["restart_count"]:
                raise where.stop("tpm-counts")
            if attest.clock < last["clock_ms"]:
                raise where.stop("tpm-clock")
            if attest.firmware != last["firmware"]:
                raise where.stop("tpm-identity")
        restarts = max(a.restart_count for a in attests)
        if restarts != last["restart_count"]:
            self.report.add("restart-unrecorded", where.at())
        last["restart_count"], last["clock_ms"] = restarts, max(a.clock for a in attests)

    def anchor(self, where, header, p):
        quote, certified = self._attested(where, header, p)
        extended = self._anchored(where, p)
        self._tpm_unchanged(where, (quote.attest, certified.attest))
        next_values = (self.counter + 1, self.counter + 2) if self.counter_ahead else (self.counter + 1,)
        for wrong, name in (
                (quote.pcr != self.about["pcr_index"], "quote-selection"),
                (p["pcr_value"] != extended.pcr or quote.digest != hashes.sha256(extended.pcr), "quote-pcr"),
                (certified.index_name != self.about["nv_name"], "nv-name"),
                (certified.value != p["nv_value"] or p["nv_value"] not in next_values, "nv-value"),
                (p["tsc_before"] > p["tsc_after"], "tsc-order")):
            if wrong:
                raise where.stop(name)
        self.counter = p["nv_value"]
        self.counter_ahead = self.unexplained = False
        self.previous_attest = hashes.sha256(p["quote_attest"])
        self._covered(extended)

    def _covered(self, extended):
        if not self.barrier:
            self.report.covered = extended.records
        self.anchored_seq = extended.frame_seq
        while self.extended[0].frame_seq < extended.frame_seq:
            self.extended.popleft()
        self.values = collections.Counter(e.pcr for e in self.extended if not e.carried)
