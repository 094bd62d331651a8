#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""verify_independent.py DIR [--enrolment FILE | --ak FILE] [--head HEX] [--nv-value N]: a second verifier of audit
logs, written from docs/audit-format.md alone and sharing nothing with cryptomod-audit. It is slow and exists to be
compared: what the two say of a log is the same where the format is described well enough. Prints the verdict as JSON.
Exit codes: 0 verified, 1 tampered, 2 undecided, 3 incomplete, 64 wrong usage."""

import argparse
import json
import sys

import frames
import payloads
import report as reports
import trust
from clients import Clients
from evidence import DEVICE, Evidence
from report import Report, Stop

NOTHING, RUNNING, ENDED = range(3)
LAST_END_REASON = 2
LAST_SEAL_REASON = 3
# writer_time_ns of these may be before that of the frame in front.
FREE_TIME = (payloads.BOOT, payloads.RECOVERY, payloads.ANCHOR)


class Verifier:
    def __init__(self, report, root, head=None):
        self.report, self.root, self.wanted_head = report, root, head
        self.clients, self.evidence = Clients(report), Evidence(report)
        self.state = NOTHING
        self.next_frame = self.next_record = self.writer_time_ns = 0
        self.previous_head = bytes(32)
        self.end_frame, self.end_covered, self.head_found = None, False, False
        self.sealed_segment = None

    def walk(self, segments):
        """True when every byte was looked at."""
        try:
            for number, (name, data) in enumerate(segments):
                self._segment(name, data, number + 1 == len(segments))
        except Stop as stop:
            self.report.add(stop.name, stop.place)
            return False
        return True

    def _segment(self, name, data, last):
        offset = 0
        while offset < len(data) or not data:
            where = frames.Where(name, offset, self.next_frame)
            if name == self.sealed_segment:
                raise where.stop("segment-seal")
            try:
                frame = frames.cut(data, offset, last)
                frames.check_frame(frame)
            except frames.Torn:
                if self.state == NOTHING:
                    raise where.stop("not-a-log") from None
                self.report.add("torn-last-frame", where.at())
                return
            except frames.Problem as problem:
                raise self._named(where, problem, data[offset:]) from None
            self._frame(where, frame)
            offset += len(frame.data)

    def _named(self, where, problem, rest):
        """The very first frame may be none of this format."""
        if self.state == NOTHING and problem.name == "not-a-frame":
            return where.stop("not-a-log")
        if self.state == NOTHING and problem.name == "header-field" and problem.offset == 8:
            return where.stop("unsupported-version")
        return where.stop(problem.name, problem.offset, problem.record)

    def _frame(self, where, frame):
        self._chained(where, frame.header)
        self._in_order(where, frame.header)
        head = frame.head()
        self._meaning(where, frame, head)
        self.evidence.frame_extended(where, frame.header, head)
        self.head_found = self.head_found or head == self.wanted_head
        self.report.head = head.hex()
        self.previous_head = head
        self.next_frame += 1
        self.next_record += frame.header.record_count
        if frame.header.type != payloads.ANCHOR:
            self.writer_time_ns = frame.header.writer_time_ns

    def _chained(self, where, h):
        if self.next_frame == 0:
            self.log_id = h.log_id
        for wrong, name in (
                (h.frame_seq != self.next_frame, "frame-sequence"),
                (h.log_id != self.log_id, "log-id"),
                (h.prev_head != self.previous_head, "previous-head"),
                (h.first_record != self.next_record, "record-sequence"),
                (h.type not in FREE_TIME and h.writer_time_ns < self.writer_time_ns, "writer-time")):
            if wrong:
                raise where.stop(name)

    def _in_order(self, where, h):
        allowed = {NOTHING: h.type == payloads.GENESIS,
                   RUNNING: h.type != payloads.GENESIS,
                   ENDED: h.type in (payloads.ANCHOR, payloads.UNEXPLAINED, payloads.BOOT)}[self.state]
        if not allowed:
            raise where.stop("frame-order")
        if h.type != payloads.BATCH and h.record_count != 0:
            raise where.stop("payload")
        if self.evidence.must_explain is not None and h.type != payloads.UNEXPLAINED:
            raise Stop("start-pcr", self.evidence.must_explain)

    def _meaning(self, where, frame, head):
        p = payloads.decode(frame.header.type, frame.var)
        if p is None:
            raise where.stop("payload", frames.HEADER.size)
        {
            payloads.GENESIS: lambda: self._genesis(where, head, p),
            payloads.BOOT: lambda: self._start(where, p, True),
            payloads.RECOVERY: lambda: self._start(where, p, False),
            payloads.CLOCK: lambda: None,
            payloads.ATTACH: lambda: self.clients.attach(where, frame.header, p, self.writer_uid),
            payloads.DETACH: lambda: self.clients.detach(where, p),
            payloads.LOST: lambda: self.clients.lost(where, p),
            payloads.BATCH: lambda: self.clients.batch(where, frame, p),
            payloads.ANCHOR: lambda: self._anchor(where, frame.header, p),
            payloads.UNEXPLAINED: lambda: self.evidence.unexplained_extend(where, p),
            payloads.BROKEN: lambda: self.clients.seal_broken(where, p),
            payloads.SEAL: lambda: self._segment_seal(where, p),
            payloads.END: lambda: self._end(where, p),
        }[frame.header.type]()

    def _genesis(self, where, head, p):
        self.report.log_id = self.log_id.hex()
        if p["isolated"] and p["writer_uid"] in (0, p["creator_uid"]):
            raise where.stop("payload")
        if not p["isolated"]:
            self.report.add("no-isolation", where.at())
        self.writer_uid = p["writer_uid"]
        self.evidence.genesis(where, self.log_id, p)
        wrong = self.root.difference(self.log_id, head, p)
        if wrong is not None:
            raise where.stop(wrong)
        self.report.device = p["kind"] == DEVICE
        self.state = RUNNING

    def _start(self, where, p, boot):
        after_end = self.state == ENDED
        if boot and not after_end and p["reset_count"] == self.evidence.last["reset_count"]:
            raise where.stop("frame-order")
        if not boot:
            self.report.add("recovered", where.at())
        self.writer_uid = p["writer_uid"]
        self.evidence.start(where, p)
        self.clients.writer_started(maybe_the_same=boot and not after_end)
        self.state, self.end_covered = RUNNING, False

    def _anchor(self, where, header, p):
        self.evidence.anchor(where, header, p)
        if self.state == ENDED and self.evidence.covers(self.end_frame):
            self.end_covered = self.evidence.clean = True

    def _segment_seal(self, where, p):
        if not 1 <= p["reason"] <= LAST_SEAL_REASON:
            raise where.stop("payload")
        if (f"{p['segment']:08}.cmlog", p["bytes"]) != (where.segment, where.offset):
            raise where.stop("segment-seal")
        self.sealed_segment = where.segment

    def _end(self, where, p):
        if not 1 <= p["reason"] <= LAST_END_REASON:
            raise where.stop("payload")
        self.state, self.end_frame, self.end_covered = ENDED, self.next_frame, False

    def conclude(self, live_counter):
        self.clients.conclude()
        if self.state == RUNNING:
            self.report.add("no-end")
        if self.state == ENDED and not self.end_covered:
            self.report.add("end-unanchored")
        if self.wanted_head is not None and not self.head_found:
            self.report.add("head-not-found")
        last = self.report.nv_value = self.evidence.counter
        if live_counter is None or live_counter == last:
            return
        if live_counter < last:
            self.report.add("nv-beyond")
        elif live_counter == last + 1 and not self.end_covered:
            self.report.add("nv-pending")
        else:
            self.report.add("nv-behind")


def verify(directory, enrolment=None, ak=None, head=None, nv_value=None):
    """The report on a log. head: bytes."""
    report = Report()
    try:
        root = trust.load(enrolment, ak)
    except trust.Unusable:
        report.add("trust-file")
        return report
    segments = frames.open_log(directory, report)
    if segments:
        if root.finding is not None:
            report.add(root.finding)
        report.enrolled, report.endorsement = root.finding is None, root.endorsement
        verifier = Verifier(report, root, head)
        if verifier.walk(segments):
            verifier.conclude(nv_value)
    return report


class Arguments(argparse.ArgumentParser):
    def error(self, message):
        self.exit(reports.USAGE, f"{self.prog}: {message}\n")


def digest(text):
    if len(text) != 64 or any(c not in "0123456789abcdefABCDEF" for c in text):
        raise argparse.ArgumentTypeError("64 hexadecimal digits")
    return bytes.fromhex(text)


def counter(text):
    if not text.isascii() or not text.isdecimal() or (text[0] == "0" and text != "0") or int(text) >= 2 ** 64:
        raise argparse.ArgumentTypeError("a number of 64 bits")
    return int(text)


def main():
    parser = Arguments(description="A second, independent verifier of audit logs of libcryptomod.")
    parser.add_argument("directory", metavar="DIR")
    root = parser.add_mutually_exclusive_group()
    root.add_argument("--enrolment", metavar="FILE")
    root.add_argument("--ak", metavar="FILE")
    parser.add_argument("--head", metavar="HEX", type=digest)
    parser.add_argument("--nv-value", metavar="N", type=counter)
    report = verify(**vars(parser.parse_args()))
    print(json.dumps(report.as_dict(), indent=2))
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
