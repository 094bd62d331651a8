# SPDX-License-Identifier: Apache-2.0
"""mutants.py: changed copies of the golden logs, each made again from its name alone. Three kinds of attacker:

  raw      changes bytes: bits, sectors, frames, segments;
  chained  makes checksums, digests, midstates and the chain of heads right again (docs/audit-format.md, "Frame");
  signed   has the attestation key too and corrects what anchors and start frames say, before or after his change: what
           he meets are the rules about the TPM. The golden logs' keys are no secret."""

import collections
import copy
import random
import struct

import frames
import hashes
import payloads
from forger import Forger
from parts import Part, chain, change_field, encode, other_bytes, other_number, read_frames

GOLDEN = ("clean", "eventful", "rotated", "carried")
KINDS = ("raw", "chained", "signed")
Mutant = collections.namedtuple("Mutant", "segments root head nv_value")  # root: none, enrolment, endorsed, wrong, ak


class Golden:
    """name -> [segment bytes]"""

    def __init__(self, logs):
        self.logs = logs
        self.frames = {name: [read_frames(s) for s in segments] for name, segments in logs.items()}

    def flat(self, name):
        return [f for segment in self.frames[name] for f in segment]


# Raw: bytes.

def flip_bits(rng, segments):
    data = bytearray(rng.choice(segments))
    index = segments.index(bytes(data))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    segments[index] = bytes(data)


def zero_sectors(rng, segments):
    index = rng.choice((rng.randrange(len(segments)), len(segments) - 1))
    data = bytearray(segments[index])
    start, end = sorted(rng.randrange(len(data) // 64 + 1) * 64 for _ in range(2))
    if rng.random() < 0.7:
        start, end = start // 512 * 512, min(len(data), (start // 512 + rng.choice((1, 1, 2, 4))) * 512)
    data[start:end] = bytes(end - start)
    segments[index] = bytes(data)


def truncate(rng, segments):
    index = rng.choice((rng.randrange(len(segments)), len(segments) - 1))
    at = rng.randrange(len(segments[index]) + 1)
    segments[index] = segments[index][:rng.choice((at, at // 64 * 64, at // 512 * 512))]
    if rng.random() < 0.5:
        del segments[index + 1:]
    if rng.random() < 0.3:
        segments[index] += bytes(rng.choice((1, 15, 16, 64, 128, 512)))


def append(rng, segments):
    tail = rng.choice((bytes(rng.randrange(1, 700)), rng.randbytes(rng.randrange(1, 200)), b"CMAUDIT1",
                       segments[0][:rng.randrange(1, 448)]))
    segments[rng.choice((0, -1))] += tail


def change_segments(rng, segments):
    what = rng.randrange(4)
    if what == 0:
        segments.insert(rng.randrange(len(segments) + 1), b"")
    elif what == 1:
        segments.reverse()
    elif what == 2:
        del segments[rng.randrange(len(segments))]
    else:
        segments.append(rng.choice(segments))


def overwrite(rng, segments):
    index = rng.randrange(len(segments))
    data = bytearray(segments[index])
    at = rng.randrange(len(data))
    new = rng.randbytes(rng.choice((1, 2, 4, 8, 16, 64)))
    data[at:at + len(new)] = new
    segments[index] = bytes(data[:len(segments[index])])


def damage_batch(rng, segments):
    """Some bytes in one section of a frame with records."""
    index, at, frame = rng.choice([(i, sum(map(len, before)), before.pop()) for i, s in enumerate(segments)
                                   for before in prefixes(read_frames(s)) if frames.Frame(before[-1]).records])
    whole = frames.Frame(frame)
    start, end = rng.choice(((frames.HEADER.size, whole.records_at), (whole.records_at, whole.records_at + 64),
                             (whole.records_at, whole.trailer_at), (whole.trailer_at, len(frame))))
    at += start - len(frame) + rng.randrange(end - start)
    new = rng.randbytes(rng.choice((1, 2, 8)))
    segments[index] = segments[index][:at] + new + segments[index][at + len(new):]


def tear(rng, segments):
    """The last frame is not all there: sectors are zero, its end is missing or not."""
    index = rng.randrange(len(segments))
    before = rng.choice(prefixes(read_frames(segments[index])))
    last = bytearray(before.pop())
    at = sum(map(len, before))
    sectors = range(at // 512, (at + len(last) + 511) // 512)
    for sector in rng.sample(sectors, rng.randrange(1, len(sectors) + 1)):
        start, end = max(0, sector * 512 - at), min(len(last), sector * 512 + 512 - at)
        last[start:end] = bytes(end - start)
    cut = rng.choice((len(last), len(last), len(last) - 16, rng.randrange(len(last))))
    segments[index:] = [b"".join(before) + bytes(last[:cut])]


def prefixes(items):
    return [items[:n + 1] for n in range(len(items))]


def move_frames(rng, golden, name):
    """Deletion, duplication, order, splice of frames of the other log: bytes as they are."""
    segments = [list(s) for s in golden.frames[name]]
    rearrange(rng, rng.choice(segments), golden.flat(rng.choice(GOLDEN)))
    return [b"".join(s) for s in segments]


def rearrange(rng, items, others):
    what, at = rng.randrange(4), rng.randrange(len(items))
    if what == 0:
        del items[at:at + rng.choice((1, 1, 1, 2, 5))]
    elif what == 1:
        items.insert(rng.randrange(len(items) + 1), copy.deepcopy(items[at]))
    elif what == 2:
        other = rng.choice((min(at + 1, len(items) - 1), rng.randrange(len(items))))
        items[at], items[other] = items[other], items[at]
    else:
        start = rng.randrange(len(others))
        items[at:at + rng.choice((0, 0, 1, 100))] = copy.deepcopy(others[start:start + rng.choice((1, 1, 2, 100))])


RAW = (flip_bits, flip_bits, flip_bits, zero_sectors, zero_sectors, truncate, append, change_segments, overwrite,
       damage_batch, tear, tear)


def raw(rng, golden, name):
    if rng.random() < 0.25:
        return move_frames(rng, golden, name)
    segments = list(golden.logs[name])
    rng.choice(RAW)(rng, segments)
    return segments


def one_of(rng, parts):
    """Seldom the first: nothing behind a change of genesis is looked at where an enrolment record is given."""
    return rng.choice(parts[1:] if len(parts) > 1 and rng.random() < 0.9 else parts)


def change_payload(rng, parts, _):
    part = one_of(rng, parts)
    fields = part.fields()
    change_field(rng, payloads.FIELDS[part.type], fields)
    part.var = encode(part.type, fields)


def change_var(rng, parts, _):
    part = one_of(rng, parts)
    part.var = rng.choice((other_bytes(rng, part.var)[:len(part.var) // 64 * 64].ljust(64, b"\0"), part.var + bytes(64),
                           part.var[:-64]))
    part.var += bytes(-len(part.var) % 64)


def change_header(rng, parts, _):
    part = one_of(rng, parts)
    what = rng.randrange(8)
    if what == 0:
        part.type = rng.randrange(16)
    elif what in (1, 2):
        part.time = rng.choice((other_number(rng, part.time, 64), part.time + rng.choice((-1, 1)) * 10 ** rng.randrange(12)))
    else:
        name = rng.choice("magic version carried log_id frame_seq first_record record_count var_size prev_head "
                          "records_digest".split())
        sizes = {"version": 16, "carried": 32, "frame_seq": 64, "first_record": 64, "record_count": 32, "var_size": 32}
        bytes_of = {"magic": frames.MAGIC, "log_id": part.log_id, "prev_head": rng.randbytes(32),
                    "records_digest": rng.randbytes(32)}
        if name in sizes:
            part.header[name] = other_number(rng, rng.randrange(20), sizes[name])
        else:
            data = bytearray(bytes_of[name])
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            part.header[name] = bytes(data)


def change_record(rng, parts, _):
    """One field of a record; those of several records may change places."""
    records = [r for part in parts for r in part.records]
    record = rng.choice(records)
    if rng.random() < 0.15:
        record[:] = rng.choice(records)
        return
    fields = frames.Record(*frames.RECORD.unpack(record))
    name = rng.choice(fields._fields)
    if name == "session_id":
        value = rng.choice((bytes(16), rng.randbytes(16), frames.Record(*frames.RECORD.unpack(rng.choice(records)))[3]))
    elif name == "event_id":
        ids = (1, 8, 9, 0x10, 0x11, 0x106, 0x107, 0x200, 0x300, 0x702, 0x10000, 0x100FF, 0x10100, 0x2000F, 0x20010,
               0x30006, 0x30007, 0x40001, 0x40002, 0x80000000)
        value = rng.choice(ids + (fields.event_id ^ 0x80000000, other_number(rng, fields.event_id, 32)))
        value |= rng.choice((0, 0, 0x80000000))
    elif name == "time_ns":
        value = other_number(rng, fields.time_ns, 64)
    else:
        value = other_number(rng, getattr(fields, name), 32 if name in ("return_code", "ring_id", "ring_seq") else 64)
    record[:] = frames.RECORD.pack(*fields._replace(**{name: value}))


def change_records(rng, parts, _):
    """Records come and go, with the marks of their batch or without."""
    part = rng.choice([p for p in parts if p.records])
    rearrange(rng, part.records, [r for p in parts for r in p.records])
    fields = part.fields()
    if fields and fields["marks"] and rng.random() < 0.7:
        counts = collections.Counter(struct.unpack_from("<I", r, 32)[0] for r in part.records)
        fields["marks"] = [dict(m, count=counts[m["ring_id"]]) for m in fields["marks"] if counts[m["ring_id"]]]
        part.records.sort(key=lambda r: struct.unpack_from("<I", r, 32)[0])
        for mark in fields["marks"] if rng.random() < 0.8 else []:
            own = [r for r in part.records if struct.unpack_from("<I", r, 32)[0] == mark["ring_id"]]
            for i, r in enumerate(own):
                struct.pack_into("<I", r, 36, (mark["first_seq"] + i) % 2 ** 32)
        part.var = encode(part.type, fields)


def change_order(rng, parts, others):
    rearrange(rng, parts, others)


def cut_back(rng, parts, _):
    del parts[rng.randrange(len(parts)) + 1:]


def replay_anchor(rng, parts, _):
    """An older anchor's quote in place of a newer one, or more often than once."""
    anchors = [p for p in parts if p.type == payloads.ANCHOR]
    if not anchors:
        return
    old, new = rng.choice(anchors), rng.choice(anchors)
    fields, source = new.fields(), old.fields()
    names = rng.choice((("quote_attest", "quote_signature"), ("nv_attest", "nv_signature"), tuple(fields)))
    new.var = encode(payloads.ANCHOR, dict(fields, **{n: source[n] for n in names}))
    new.time = rng.choice((new.time, old.time))


def other_leave(rng, parts, _):
    """A client that was lost says goodbye, or the other way round."""
    leaving = [p for p in parts if p.type in (payloads.LOST, payloads.DETACH)]
    if leaving:
        part = rng.choice(leaving)
        fields = dict(part.fields(), reason=1, open=[])
        part.type = payloads.LOST + payloads.DETACH - part.type
        part.var = encode(part.type, fields)


def no_opening(rng, parts, _):
    """Records of session-open go, or get a session of their own; their numbers are made up for."""
    for part in parts:
        opening = [r for r in part.records if r[:2] == b"\x10\x00"]
        session = rng.choice((bytes(16), rng.randbytes(16)))
        for record in opening:
            record[16:32] = session if record[3] else bytes(16)


def other_client_uses(rng, parts, _):
    """Every record has the one session there is, and a later client comes while the one that opened it is there."""
    types = [p.type for p in parts]
    leave = next((n for n, t in enumerate(types) if t in (payloads.LOST, payloads.DETACH)), len(types))
    come = next((n for n in range(leave, len(types) - 1) if types[n:n + 2] == [payloads.ATTACH, payloads.BATCH]), None)
    if come is not None and rng.random() < 0.7:
        parts[leave:leave], parts[come + 2:come + 4] = parts[come:come + 2], []
    sessions = [bytes(r[16:32]) for p in parts for r in p.records if any(r[16:32])]
    for record in (r for p in parts for r in p.records if sessions and r[2] == 0):  # of a service
        record[16:32] = sessions[0]


def stay_away(_, parts, __):
    """Clients do not come back to the next writer, and go on as if they had."""
    parts[:] = [p for p in parts if not (p.type == payloads.ATTACH and p.fields()["reattached"])]


def break_ring(rng, parts, _):
    """One more seal-broken frame: of a client that is there or not, in a ring of its own or not, at the number that comes next or
    another; sometimes twice."""
    attached = [p.fields() for p in parts if p.type == payloads.ATTACH]
    if not attached:
        return
    client, at = rng.choice(attached), rng.randrange(1, len(parts) + 1)
    ring = max(0, client["first_ring_id"] + rng.choice((-1, 0, 1, 1, client["ring_count"])))
    come = sum(struct.unpack_from("<I", r, 32)[0] == ring for p in parts[:at] for r in p.records)
    broken = copy.deepcopy(parts[at - 1])
    broken.type, broken.records, broken.header = payloads.BROKEN, [], {}
    broken.var = encode(broken.type, {
        "client_id": rng.choice((client["client_id"],) * 4 + (rng.randbytes(16),)), "ring_id": ring,
        "reason": rng.choice((1, 2, 3, 4, 5, 6, 0, 7)), "ring_seq": come + rng.choice((0, 0, 0, 1, 2 ** 32))})
    parts[at:at] = [copy.deepcopy(broken) for _ in range(rng.choice((1, 1, 2)))]


def be_a_device(rng, parts, _):
    """The counter of a device may jump."""
    for part in parts:
        fields = part.fields()
        if "kind" in fields:
            fields["kind"] = 2
            if part.type != payloads.GENESIS and rng.random() < 0.5:
                fields["nv_value"] += rng.choice((1, 2, 5))
            part.var = encode(part.type, fields)


def reset_again(rng, parts, _):
    """One more boot frame, anywhere; the TPM counts it or does not."""
    boots = [p for p in parts if p.type == payloads.BOOT]
    if not boots:
        return
    at, more = rng.randrange(1, len(parts) + 1), rng.choice((0, 1, 1, 1, 2))
    boot = copy.deepcopy(rng.choice(boots))
    last = next((p.fields() for p in reversed(parts[:at]) if p.type in STARTS), parts[0].fields())
    fields = dict(boot.fields(), clock_ms=parts[0].fields().get("clock_ms", 0), clock_safe=rng.choice((0, 0, 1)),
                  reset_count=last.get("reset_count", 0) + more)
    boot.var = encode(boot.type, fields)
    for part in parts[at:]:
        if part.type in STARTS:
            fields = part.fields()
            part.var = encode(part.type, dict(fields, reset_count=(fields["reset_count"] + more) % 2 ** 32))
    parts.insert(at, boot)


STARTS = (payloads.GENESIS, payloads.BOOT, payloads.RECOVERY)
CHAINED = (change_payload, change_payload, change_payload, change_var, change_header, change_header, change_record,
           change_record, change_records, change_order, change_order, cut_back, replay_anchor, other_leave,
           no_opening, other_client_uses, stay_away, break_ring, break_ring)


def changed(rng, golden, name, edits):
    """Some edits, one after the other; one that finds nothing to change leaves the parts as they are."""
    parts = [Part(f) for f in golden.flat(name)]
    others = [Part(f) for f in golden.flat(rng.choice(GOLDEN))]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        needs = rng.choice(edits)
        if needs in (change_record, change_records) and not any(p.records for p in parts):
            continue
        if parts and all(p.fields() is not None for p in parts):
            needs(rng, parts, others)
    return parts


def split_at_seals(built):
    """Segments of frames: behind each segment-seal the next one begins."""
    pieces = [[]]
    for frame in built:
        pieces[-1].append(frame)
        if frames.HEADER.unpack_from(frame)[2] == payloads.SEAL:
            pieces.append([])
    return [b"".join(p) for p in pieces if p] or [b""]


def in_segments(rng, built):
    if rng.random() < 0.7:
        return split_at_seals(built)
    at = rng.randrange(len(built) + 1)
    pieces = [b"".join(built[:at]), b"".join(built[at:])]
    return [p for p in pieces if p] or [b""]


def chained(rng, golden, name):
    return in_segments(rng, chain(changed(rng, golden, name, CHAINED)))


SIGNED = (change_payload, change_payload, change_payload, change_order, change_order, cut_back, change_record,
          be_a_device, reset_again, reset_again, other_leave, no_opening, other_client_uses, stay_away, break_ring)


def signed(rng, golden, name):
    late = rng.random() < 0.5
    parts = changed(rng, golden, name, (cut_back,) if late and rng.random() < 0.8 else SIGNED)
    anchors = [n for n, part in enumerate(parts) if part.type == payloads.ANCHOR]
    changed_late = rng.choice((rng.randrange(len(parts)), rng.choice(anchors or [0]))) if late and parts else None
    forger = Forger(name, rng, changed_late, rng.random() < 0.5)
    return in_segments(rng, forger.run(parts))


def make(golden, mutant_name):
    """mutant_name: LOG:KIND:NUMBER."""
    log, kind, _ = mutant_name.split(":")
    rng = random.Random(mutant_name)
    segments = {"raw": raw, "chained": chained, "signed": signed}[kind](rng, golden, log)
    root = rng.choice(("none",) * 3 + ("enrolment",) * 4 + ("endorsed",) * 2 + ("ak",) * 2 + ("wrong",))
    head = hashes.sha256(rng.choice(golden.flat(log))[:frames.HEADER.size]) if rng.random() < 0.2 else None
    nv_value = rng.choice((40, 41, 42, 43, 44)) if rng.random() < 0.2 else None
    return Mutant(segments, root, head, nv_value)
