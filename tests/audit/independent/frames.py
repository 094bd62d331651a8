# SPDX-License-Identifier: Apache-2.0
"""frames.py: the directory of a log, cutting frames out of its segments, torn writes, and the checks that need nothing
but the frame itself. docs/audit-format.md, "Directory", "Frame", "A torn write" and "Order of the checks"."""

import collections
import os
import re
import stat
import struct

import hashes
import payloads
from report import Stop, place

HEADER = struct.Struct("<8sHHI16sQQIIQ32s32s")
TAIL = struct.Struct("<I4sQ")
MAGIC, TAIL_MAGIC = b"CMAUDIT1", b"CMTL"
VERSION = 1
TYPES = set(range(1, 14))
BEGINS_REPLAY = {1, 2, 9}  # genesis, boot, unexplained-extend
MAX_CARRIED = 65536
RECORD_SIZE = 64
MAX_RECORDS, MAX_VAR = 65536, 4 << 20
SECTOR = 512

Header = collections.namedtuple("Header", "magic version type carried log_id frame_seq first_record record_count "
                                          "var_size writer_time_ns prev_head records_digest")
Record = collections.namedtuple("Record", "event_id return_code time_ns session_id ring_id ring_seq object detail seal")
RECORD = struct.Struct("<IIQ16sIIQQQ")


class Torn(Exception):
    """What is left of the log is what an interrupted write leaves."""


class Problem(Exception):
    """A finding within one frame: its name, the offset in the frame, and the record (see report.place)."""

    def __init__(self, name, offset=0, record=None):
        super().__init__(name)
        self.name, self.offset, self.record = name, offset, record


def trailer_size(record_count):
    return (4 * record_count + TAIL.size + 63) // 64 * 64


def frame_size(var_size, record_count):
    return HEADER.size + var_size + RECORD_SIZE * record_count + trailer_size(record_count)


class Frame:
    """The parts of a frame whose header passed check_header; data is exactly the frame."""

    def __init__(self, data):
        self.data = data
        self.header = h = Header(*HEADER.unpack_from(data))
        self.records_at = HEADER.size + h.var_size
        self.trailer_at = self.records_at + RECORD_SIZE * h.record_count
        self.var = data[HEADER.size:self.records_at]
        self.records = data[self.records_at:self.trailer_at]
        self.crc, self.tail_magic, self.tail_size = TAIL.unpack(data[-TAIL.size:])

    def head(self):
        return hashes.sha256(self.data[:HEADER.size])

    def record(self, index):
        return Record(*RECORD.unpack_from(self.records, RECORD_SIZE * index))

    def crc_difference(self):
        return self.crc ^ hashes.crc32c(self.data[:-TAIL.size])

    def record_place(self, index):
        """Ring and number from the marks where they decode, else from the record."""
        record = self.record(index)
        ring, seq = record.ring_id, record.ring_seq
        before = 0
        for mark in (payloads.decode(payloads.BATCH, self.var) or {"marks": []})["marks"]:
            if index < before + mark["count"]:
                ring, seq = mark["ring_id"], (mark["first_seq"] + index - before) % 2 ** 64
                break
            before += mark["count"]
        return ((self.header.first_record + index) % 2 ** 64, ring, seq, record.event_id)


def open_log(directory, report):
    """[(segment name, bytes)]; what is wrong with the directory goes into the report."""
    try:
        numbers = []
        for name in os.listdir(directory):
            regular = stat.S_ISREG(os.stat(os.path.join(directory, name), follow_symlinks=False).st_mode)
            if regular and re.fullmatch(r"[0-9]{8}\.cmlog", name):
                numbers.append(int(name[:8]))
            else:
                report.add("foreign-file", {"segment": name, "offset": 0})
        if not numbers:
            report.add("no-segments")
        segments = []
        for expected, number in enumerate(sorted(numbers)):
            name = f"{expected:08}.cmlog"
            if number != expected:
                report.add("segment-missing", {"segment": name, "offset": 0})
                break
            with open(os.path.join(directory, name), "rb") as file:
                segments.append((name, file.read()))
        return segments
    except OSError:
        report.add("io-error")
        return []


def check_header(h):
    if h.magic != MAGIC:
        raise Problem("not-a-frame")
    for wrong, offset in ((h.version != VERSION, 8), (h.type not in TYPES, 10), 
                          (h.carried > (0 if h.type in BEGINS_REPLAY else MAX_CARRIED), 12),
                          (h.record_count > MAX_RECORDS, 48), (h.var_size > MAX_VAR or h.var_size % 64 != 0, 52)):
        if wrong:
            raise Problem("header-field", offset)


def cut(data, offset, last):
    """The frame at offset of a segment. last: no segment follows."""
    rest = data[offset:]
    if len(rest) < HEADER.size:
        raise _incomplete(rest, offset, last, "frame-size")
    header = Header(*HEADER.unpack_from(rest))
    if header.magic != MAGIC:
        raise _incomplete(rest, offset, last, "not-a-frame")
    check_header(header)
    size = frame_size(header.var_size, header.record_count)
    if size > len(rest):
        raise _incomplete(rest, offset, last, "frame-size")
    frame = Frame(rest[:size])
    if last and size == len(rest) and any(map(_zero, _sectors(rest, offset))) and frame.crc_difference() != 0:
        raise Torn
    return frame


def _zero(data):
    return not any(data)


def _sectors(data, offset):
    """The parts of data that lie in one sector of the file each."""
    ends = list(range(SECTOR - offset % SECTOR, len(data), SECTOR)) + [len(data)]
    return [data[a:b] for a, b in zip([0] + ends, ends)]


def _incomplete(rest, offset, last, name):
    if last and len(rest) <= frame_size(MAX_VAR, MAX_RECORDS) and _looks_torn(rest, offset):
        return Torn()
    return Problem(name)


def _looks_torn(rest, offset):
    if not rest:
        return True
    size = TAIL.unpack(rest[-TAIL.size:])[2] if len(rest) >= TAIL.size else 0
    has_tail = len(rest) >= TAIL.size and rest[-12:-8] == TAIL_MAGIC and size % 64 == 0 and size <= len(rest)
    sectors = _sectors(rest, offset)
    if _zero(sectors[0]):
        return not has_tail or size == len(rest)
    if not rest.startswith(MAGIC[:len(rest)]):
        return False
    # The magic is there: what is asked about is shorter than its header says, or than a header.
    return not has_tail


def check_frame(frame):
    """Every byte of the frame but the meaning of its header and variable section."""
    size = len(frame.data)
    if frame.tail_magic != TAIL_MAGIC or frame.tail_size != size:
        raise Problem("frame-size", size - TAIL.size)
    midstates = hashes.midstates(frame.var, frame.records)
    difference = frame.crc_difference()
    digest_agrees = hashes.sha256(frame.var + frame.records) == frame.header.records_digest
    trailer = _trailer_problem(frame, midstates)
    if digest_agrees and difference == 0 and trailer is None:
        return
    if difference != 0:
        _explain_by_one_bit(frame, difference)
    if not digest_agrees:
        _explain_by_midstates(frame, midstates)
    if trailer is not None:
        raise trailer
    if difference.bit_count() == 1:
        raise Problem("trailer-damaged", size - TAIL.size)
    raise Problem("frame-damaged")


def _first_difference(frame, midstates):
    stored = struct.unpack_from(f"<{len(midstates)}I", frame.data, frame.trailer_at)
    return next((i for i, (a, b) in enumerate(zip(stored, midstates)) if a != b), None)


def _trailer_problem(frame, midstates):
    index = _first_difference(frame, midstates)
    if index is not None:
        return Problem("trailer-damaged", frame.trailer_at + 4 * index, frame.record_place(index))
    padding_at = frame.trailer_at + 4 * len(midstates)
    return None if _zero(frame.data[padding_at:-TAIL.size]) else Problem("trailer-damaged", padding_at)


def _explain_by_one_bit(frame, difference):
    """Raises when putting back one bit in front of the tail makes the whole frame sound."""
    found = hashes.flipped_bit(difference, len(frame.data) - TAIL.size)
    if found is None:
        return
    offset, bit = found
    restored = bytearray(frame.data)
    restored[offset] ^= 1 << bit
    try:
        header = Header(*HEADER.unpack_from(restored))
        check_header(header)
        if frame_size(header.var_size, header.record_count) != len(restored):
            return
        whole = Frame(bytes(restored))
        check_frame(whole)
    except Problem:
        return
    if offset < whole.records_at:
        raise Problem("frame-damaged", offset)
    if offset < whole.trailer_at:
        raise Problem("record-damaged", offset, whole.record_place((offset - whole.records_at) // RECORD_SIZE))
    raise Problem("trailer-damaged", offset)


def _explain_by_midstates(frame, midstates):
    index = _first_difference(frame, midstates)
    if index is None:
        raise Problem("frame-damaged", HEADER.size - 32)
    if index == 0:  # the variable section is hashed before it
        raise Problem("frame-damaged", HEADER.size, frame.record_place(0))
    raise Problem("record-damaged", frame.records_at + RECORD_SIZE * index, frame.record_place(index))


class Where:
    """Where the current frame stands; makes places."""

    def __init__(self, segment, offset, frame_seq):
        self.segment, self.offset, self.frame_seq = segment, offset, frame_seq

    def at(self, within=0, record=None):
        return place(self.segment, self.offset + within, self.frame_seq, record)

    def stop(self, name, within=0, record=None):
        return Stop(name, self.at(within, record))
