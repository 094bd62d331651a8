# SPDX-License-Identifier: Apache-2.0
"""parts.py: frames taken apart, changed and put together soundly: checksums, digests, midstates and the chain of heads
are right. Hashes and layout are those of the independent verifier; that cryptomod-audit believes what is put together
with them and not changed is a test of its own."""

import struct

import frames
import hashes
import payloads


def read_frames(data):
    out = []
    while data:
        h = frames.Header(*frames.HEADER.unpack_from(data))
        size = frames.frame_size(h.var_size, h.record_count)
        out.append(data[:size])
        data = data[size:]
    return out


class Part:
    """What a frame says; header: fields that are to differ from the sound ones."""

    def __init__(self, data):
        frame = frames.Frame(data)
        h = frame.header
        self.type, self.time, self.log_id, self.var = h.type, h.writer_time_ns, h.log_id, frame.var
        self.records = [bytearray(frame.records[i:i + 64]) for i in range(0, len(frame.records), 64)]
        self.carried = h.carried
        self.header = {}

    def fields(self):
        return payloads.decode(self.type, self.var) if self.type in payloads.FIELDS else None

    def build(self, frame_seq, first_record, prev_head):
        records = b"".join(self.records)
        digest = hashes.sha256(self.var + records)
        header = frames.Header(frames.MAGIC, frames.VERSION, self.type, self.carried, self.log_id, frame_seq, first_record,
                               len(self.records), len(self.var), self.time, prev_head, digest)
        header = header._replace(**self.header)
        words = hashes.midstates(self.var, records)
        padding = bytes(frames.trailer_size(len(words)) - 4 * len(words) - frames.TAIL.size)
        body = frames.HEADER.pack(*header) + self.var + records + struct.pack(f"<{len(words)}I", *words) + padding
        size = len(body) + frames.TAIL.size
        return body + frames.TAIL.pack(hashes.crc32c(body), frames.TAIL_MAGIC, size)


def encode(frame_type, fields):
    """The opposite of payloads.decode."""
    out = b"".join(_encoded(f.split(":"), fields) for f in payloads.FIELDS[frame_type].split())
    if frame_type == payloads.ATTACH and fields["seal_kind"] == 1:
        out += fields["seal_commitment"] or bytes(32)
    return out + bytes(-len(out) % 64)


def _encoded(name_kind, fields):
    name, kind = name_kind
    value = fields[name]
    if kind == "list":
        items = [_encoded(f.split(":"), item) for item in value for f in payloads.ITEMS[name].split()]
        return struct.pack("<I", len(value)) + b"".join(items)
    if kind == "blob":
        return struct.pack("<H", len(value)) + value
    return value if isinstance(value, bytes) else value.to_bytes(1 if kind == "flag" else int(kind), "little")


def other_number(rng, value, bits):
    return rng.choice((value + 1, value - 1, value ^ 1 << rng.randrange(bits), 0, rng.getrandbits(bits), value + 2,
                       2 ** bits - 1, rng.randrange(8))) % 2 ** bits


def other_bytes(rng, value):
    if not value:
        return rng.randbytes(rng.randrange(3))
    data = bytearray(value)
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data) if rng.random() < 0.8 else bytes(data)[:rng.randrange(len(data) + 1)]


def change_field(rng, description, fields):
    """One field of a payload or list item."""
    name, kind = rng.choice(description.split()).split(":")
    value = fields[name]
    if kind == "list":
        if value and rng.random() < 0.7:
            change_field(rng, payloads.ITEMS[name], rng.choice(value))
        elif value and rng.random() < 0.5:
            del value[rng.randrange(len(value))]
        else:
            item = {f.split(":")[0]: rng.randrange(4) for f in payloads.ITEMS[name].split()}
            value.insert(rng.randrange(len(value) + 1), dict(rng.choice(value)) if value else item)
    elif kind == "flag":
        fields[name] = rng.choice((1 - value, 2))
    elif kind == "blob":
        fields[name] = other_bytes(rng, value)
    elif kind[0] == "b":
        fields[name] = rng.choice((other_bytes(rng, value).ljust(len(value), b"\0"), bytes(len(value))))
    else:
        fields[name] = other_number(rng, value, 8 * int(kind))


def chain(parts):
    out, records, head = [], 0, bytes(32)
    for number, part in enumerate(parts):
        out.append(part.build(number, records, head))
        head = hashes.sha256(out[-1][:frames.HEADER.size])
        records += len(part.records)
    return out
