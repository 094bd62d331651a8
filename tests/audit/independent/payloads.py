# SPDX-License-Identifier: Apache-2.0
"""payloads.py: the variable section of each frame type. docs/audit-format.md, "Payloads"."""

IDENTITY = ("kind:1 manufacturer:4 firmware:8 reset_count:4 restart_count:4 clock_ms:8 clock_safe:flag")
GENESIS, BOOT, CLOCK, ATTACH, DETACH, LOST, BATCH, ANCHOR, UNEXPLAINED, BROKEN, RECOVERY, SEAL, END = range(1, 14)
START = f"writer_version:blob writer_uid:4 {IDENTITY} pcr_value:b32 nv_value:8 boot_id:b16 torn_bytes:8 torn_digest:b32"

FIELDS = {
    GENESIS: f"writer_version:blob writer_uid:4 creator_uid:4 isolated:flag {IDENTITY} pcr_index:4 pcr_start:b32 "
             "ak_public:blob nv_index:4 nv_name:blob nv_start:8 boot_id:b16",
    BOOT: START,
    RECOVERY: START,
    CLOCK: "tsc:8 utc_ns:8 ns_per_tick_q32:8 generation:4",
    ATTACH: "client_id:b16 pid:4 uid:4 gid:4 start_time:8 reattached:flag executable_known:flag executable_digest:b32 "
            "executable:blob module_digest:b32 module_version:blob lanes:blob seal_kind:4 ring_records:4 "
            "first_ring_id:4 ring_count:4",
    DETACH: "client_id:b16",
    LOST: "client_id:b16 reason:4 open:list",
    BATCH: "marks:list",
    ANCHOR: "anchored_seq:8 anchored_head:b32 pcr_value:b32 nv_value:8 challenge:b32 tsc_before:8 tsc_after:8 "
            "quote_attest:blob quote_signature:blob nv_attest:blob nv_signature:blob",
    UNEXPLAINED: "expected:b32 found:b32",
    BROKEN: "client_id:b16 ring_id:4 reason:4 ring_seq:8",
    SEAL: "segment:4 reason:4 bytes:8",
    END: "reason:4",
}
ITEMS = {"open": "ring_id:4 event_id:4 ring_seq:8 object:8", "marks": "ring_id:4 count:4 first_seq:8"}


class Malformed(Exception):
    pass


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        if size > len(self.data) - self.at:
            raise Malformed
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "little")

    def field(self, name, kind):
        if kind == "flag":
            value = self.number(1)
            if value > 1:
                raise Malformed
            return value
        if kind == "blob":
            return self.take(self.number(2))
        if kind == "list":
            return [self.fields(ITEMS[name]) for _ in range(self.number(4))]
        if kind[0] == "b":
            return self.take(int(kind[1:]))
        return self.number(int(kind))

    def fields(self, description):
        return {name: self.field(name, kind) for name, kind in (f.split(":") for f in description.split())}


def decode(frame_type, var):
    """The fields by name, or None when the bytes are not exactly them and less than 64 bytes of zero padding."""
    reader = _Reader(var)
    try:
        out = reader.fields(FIELDS[frame_type])
        if frame_type == ATTACH:
            out["seal_commitment"] = reader.take(32) if out["seal_kind"] == 1 else None
    except Malformed:
        return None
    padding = var[reader.at:]
    return None if len(var) % 64 or len(padding) >= 64 or any(padding) else out
