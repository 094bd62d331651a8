# SPDX-License-Identifier: Apache-2.0
"""clients.py: what clients, rings, sessions and records may say one after the other. docs/audit-format.md, "Rules for
clients and records" and "Order of the checks"."""

from report import Stop

EXIT_BIT = 0x80000000
SERVICE_END = 0x10000
SESSION_OPEN, SESSION_CLOSE = 0x0010, 0x0011
NO_SESSION = bytes(16)
TOLERANCE_NS = 60 * 10 ** 9

MAX_CLIENTS = 65536
MAX_OPEN_CALLS = 4096
MAX_OPEN_SESSIONS = 1 << 20
MAX_CLOSED_SESSIONS = 65536
MAX_RINGS = 1024
MIN_RING_RECORDS, MAX_RING_RECORDS = 256, 65536
LAST_LOST_REASON, LAST_BROKEN_REASON = 3, 6

# First and last id of each range, docs/audit-format.md, "Events".
SERVICES = ((0x0001, 0x0008), (0x0010, 0x0011), (0x0100, 0x0106), (0x0200, 0x0204), (0x0300, 0x0308), (0x0400, 0x0407),
            (0x0500, 0x0500), (0x0600, 0x0608), (0x0700, 0x0702))
EVENTS = ((0x10000, 0x100FF), (0x20000, 0x2000F), (0x30000, 0x30006), (0x40000, 0x40001))


def event_known(event_id):
    ranges = SERVICES if is_service(event_id) else EVENTS
    number = event_id & ~EXIT_BIT if is_service(event_id) else event_id
    return any(first <= number <= last for first, last in ranges)


def is_service(event_id):
    return event_id & ~EXIT_BIT < SERVICE_END


def succeeded(record):
    return record.return_code < 0x80000000  # not negative


class Ring:
    def __init__(self):
        self.next_seq = 0
        self.cut_off = False
        self.open = []  # (event_id, ring_seq, object, session), oldest first


class Client:
    def __init__(self, about, attached_ns, writer):
        self.about, self.attached_ns = about, attached_ns
        self.writer = writer  # number of the start after which it attached or came back
        self.rings = {}
        self.unopened = {}  # session -> Stop, at its first use

    @property
    def id(self):
        return self.about["client_id"]

    @property
    def cut_off(self):
        return any(ring.cut_off for ring in self.rings.values())

    def owns(self, ring_id):
        return 0 <= ring_id - self.about["first_ring_id"] < self.about["ring_count"]

    def same(self, about):
        return all(self.about[name] == about[name] for name in
                   ("uid", "module_digest", "seal_kind", "seal_commitment", "ring_records", "first_ring_id", "ring_count"))


class Sessions:
    """Who opened which session; those closed are remembered for a while."""

    def __init__(self):
        self.owner = {}
        self.closed = {}  # in the order of closing

    def open(self, session, client_id):
        self.owner[session] = client_id

    def close(self, session):
        if session in self.closed:
            return
        self.closed[session] = True
        if len(self.closed) > MAX_CLOSED_SESSIONS:
            self.drop(next(iter(self.closed)))

    def drop(self, session):
        self.closed.pop(session, None)
        del self.owner[session]

    def forget(self, client_id):
        for session in [s for s, owner in self.owner.items() if owner == client_id]:
            self.drop(session)

    def full(self):
        return len(self.owner) >= MAX_OPEN_SESSIONS + MAX_CLOSED_SESSIONS


class Clients:
    def __init__(self, report):
        self.report = report
        self.clients = {}
        self.sessions = Sessions()
        self.next_ring_id = 0
        self.starts = 0  # of writers
        self.new_writer = 0  # the last start that cannot be of the writer before it
        self.sealed_at = None  # where the first client announced seals

    def writer_started(self, maybe_the_same):
        self.starts += 1
        if not maybe_the_same:
            self.new_writer = self.starts

    def conclude(self):
        if self.sealed_at is not None:
            self.report.add("unsupported-version", self.sealed_at)

    def _attached(self, client):
        return client is not None and client.writer >= self.new_writer

    def _find(self, where, client_id, must_be_attached):
        client = self.clients.get(client_id)
        if client is None or must_be_attached and not self._attached(client):
            raise where.stop("client-state")
        return client

    def attach(self, where, header, p, writer_uid):
        if p["seal_kind"] > 1 and self.sealed_at is None:
            self.sealed_at = where.at()
        if p["uid"] == writer_uid:
            self.report.add("no-isolation", where.at())
        known = self.clients.get(p["client_id"])
        if p["reattached"]:
            if known is None or known.writer >= self.starts or known.cut_off or not known.same(p):
                raise where.stop("client-state")
            known.writer = self.starts
            return
        if known is not None:
            raise where.stop("client-state")
        self._allocate_rings(where, p)
        if len(self.clients) >= MAX_CLIENTS:
            raise where.stop("limit")
        self.clients[p["client_id"]] = Client(p, header.writer_time_ns, self.starts)

    def _allocate_rings(self, where, p):
        count, size, first = p["ring_count"], p["ring_records"], p["first_ring_id"]
        power_of_two = size & (size - 1) == 0
        if not (1 <= count <= MAX_RINGS and MIN_RING_RECORDS <= size <= MAX_RING_RECORDS and power_of_two):
            raise where.stop("ring-allocation")
        if first < self.next_ring_id or first + count > 1 << 32:
            raise where.stop("ring-allocation")
        self.next_ring_id = first + count

    def _forget(self, client):
        self.sessions.forget(client.id)
        del self.clients[client.id]

    def detach(self, where, p):
        client = self._find(where, p["client_id"], True)
        if client.unopened:
            raise Stop("session-unopened", client.unopened[min(client.unopened)])
        if any(ring.open for ring in client.rings.values()):
            self.report.add("open-at-detach", where.at())
        self._forget(client)

    def lost(self, where, p):
        client = self._find(where, p["client_id"], False)
        if not 1 <= p["reason"] <= LAST_LOST_REASON:
            raise where.stop("payload")
        if not self._open_named(client, p["open"]):
            raise where.stop("open-entries")
        if client.unopened:
            self.report.add("session-unproved", client.unopened[min(client.unopened)])
        self.report.add("client-lost", where.at())
        self._forget(client)

    @staticmethod
    def _open_named(client, named):
        """The list is what is open, by ring and age; entries of the first ring may be left out."""
        named = [(n["ring_id"], n["event_id"], n["ring_seq"], n["object"]) for n in named]
        for ring_id in sorted(client.rings):
            for event_id, ring_seq, handle, _ in client.rings[ring_id].open:
                if named[:1] == [(ring_id, event_id, ring_seq, handle)]:
                    named.pop(0)
                elif ring_id != client.about["first_ring_id"]:
                    return False
        return not named

    def seal_broken(self, where, p):
        client = self._find(where, p["client_id"], True)
        if not 1 <= p["reason"] <= LAST_BROKEN_REASON or not client.owns(p["ring_id"]):
            raise where.stop("payload")
        ring = client.rings.setdefault(p["ring_id"], Ring())
        if ring.cut_off or ring.next_seq != p["ring_seq"]:
            raise where.stop("ring-sequence")
        ring.cut_off = True
        self.report.add("seal-broken", where.at())

    def batch(self, where, frame, p):
        marks = p["marks"]
        rings = [m["ring_id"] for m in marks]
        total = sum(m["count"] for m in marks)
        if rings != sorted(set(rings)) or any(m["count"] == 0 for m in marks):
            raise where.stop("batch-marks")
        if total != frame.header.record_count or total == 0:
            raise where.stop("batch-marks")
        index = 0
        for mark in marks:
            self._ring(where, frame, mark, index)
            index += mark["count"]

    def _ring(self, where, frame, mark, first_index):
        client = next((c for c in self.clients.values() if c.owns(mark["ring_id"])), None)
        if not self._attached(client):
            raise where.stop("batch-marks")
        ring = client.rings.setdefault(mark["ring_id"], Ring())
        if ring.cut_off:
            raise where.stop("batch-marks")
        if ring.next_seq != mark["first_seq"]:
            raise where.stop("ring-sequence")
        for i in range(mark["count"]):
            record = frame.record(first_index + i)
            ring_seq = mark["first_seq"] + i
            number = frame.header.first_record + first_index + i
            at = where.at(frame.records_at + 64 * (first_index + i),
                          (number, mark["ring_id"], ring_seq, record.event_id))
            if record.ring_id != mark["ring_id"]:
                raise Stop("batch-marks", at)
            if record.ring_seq != ring_seq % 2 ** 32:
                raise Stop("ring-sequence", at)
            self._record(client, ring, ring_seq, record, frame, at)
        ring.next_seq += mark["count"]

    def _record(self, client, ring, ring_seq, record, frame, at):
        if not event_known(record.event_id):
            raise Stop("event-unknown", at)
        if client.about["seal_kind"] == 0 and record.seal != 0:
            raise Stop("seal-not-zero", at)
        first_ring = record.ring_id == client.about["first_ring_id"]
        late = record.time_ns > frame.header.writer_time_ns + TOLERANCE_NS
        early = not first_ring and record.time_ns + TOLERANCE_NS < client.attached_ns
        if late or early:
            self.report.add("record-time", at)
        if is_service(record.event_id):
            self._pair(ring, ring_seq, record, first_ring, at)
            self._session(client, record, at)
        elif not first_ring:
            raise Stop("event-place", at)

    @staticmethod
    def _pair(ring, ring_seq, record, first_ring, at):
        if not record.event_id & EXIT_BIT:
            if record.return_code != 0 or ring.open and not first_ring:
                raise Stop("entry-exit", at)
            if len(ring.open) >= MAX_OPEN_CALLS:
                raise Stop("limit", at)
            ring.open.append((record.event_id, ring_seq, record.object, record.session_id))
            return
        entry = next((e for e in ring.open if e[0] == record.event_id & ~EXIT_BIT), None)
        if entry is None:
            raise Stop("entry-exit", at)
        if entry[0] != SESSION_OPEN and entry[3] != record.session_id:
            raise Stop("entry-exit", at)
        ring.open.remove(entry)

    def _session(self, client, record, at):
        session = record.session_id
        if session == NO_SESSION:
            return
        if record.event_id == SESSION_OPEN | EXIT_BIT and succeeded(record):
            if self.sessions.full():
                raise Stop("limit", at)
            if session in self.sessions.owner:
                raise Stop("session-shared", at)
            self.sessions.open(session, client.id)
            client.unopened.pop(session, None)
        elif session not in self.sessions.owner:
            if len(client.unopened) >= MAX_CLOSED_SESSIONS:
                raise Stop("limit", at)
            client.unopened.setdefault(session, at)
        elif self.sessions.owner[session] != client.id:
            raise Stop("session-shared", at)
        elif record.event_id == SESSION_CLOSE | EXIT_BIT and succeeded(record):
            self.sessions.close(session)
