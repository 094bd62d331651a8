# SPDX-License-Identifier: Apache-2.0
"""trust.py: the trust root: an enrolment record, or an attestation key alone. docs/audit-format.md, "Enrolment record"
and "Attestation key alone"."""

import json
import re

import tpm

MAX_FILE = 1 << 20
NUMBERS = {"reset_count": 4, "restart_count": 4, "clock_ms": 8, "nv_index": 4, "nv_start": 8, "pcr_index": 4}
KINDS = {"software": 1, "device": 2}


class Unusable(Exception):
    pass


class NoRoot:
    finding = "no-trust-root"
    endorsement = None

    def difference(self, log_id, head, genesis):
        return None


class Enrolment:
    """An enrolment record; its fields under the names of the genesis payload, bytes for hexadecimal."""
    finding = None

    def __init__(self, content):
        try:
            record = json.loads(content.decode(), parse_constant=_refuse)
        except (ValueError, RecursionError):
            raise Unusable from None
        if not isinstance(record, dict) or _number(record, "version", 8) != 1:
            raise Unusable
        self.log_id, self.genesis_head = _hex(record, "log_id", 16), _hex(record, "genesis_head", 32)
        self.fields = {name: _number(record, name, size) for name, size in NUMBERS.items()}
        self.fields.update({name: _hex(record, name) for name in ("ak_public", "nv_name")})
        kind = record.get("tpm_kind")
        if not isinstance(kind, str) or kind not in KINDS:
            raise Unusable
        self.fields["kind"] = KINDS[kind]
        _public(self.fields["ak_public"])
        self.endorsement = _endorsement(record["endorsement"]) if "endorsement" in record else None

    def difference(self, log_id, head, genesis):
        same = self.log_id == log_id and self.genesis_head == head
        same = same and all(genesis[name] == value for name, value in self.fields.items())
        return None if same else "enrolment-mismatch"


class AttestationKey:
    """TPMT_PUBLIC, binary or in hexadecimal, or PEM."""
    finding = "ak-only"
    endorsement = None

    def __init__(self, content):
        self.point = self._parse(content)[:2]

    @staticmethod
    def _parse(content):
        if content.startswith(b"-----BEGIN"):
            try:
                return tpm.point_from_pem(content.decode("latin-1"))
            except tpm.Malformed:
                raise Unusable from None
        try:
            return tpm.public(content)
        except tpm.Malformed:
            digits = re.sub(rb"[ \n\r\t]", b"", content)
            return _public(_from_hex(digits.decode("latin-1")))

    def difference(self, log_id, head, genesis):
        return None if tpm.public(genesis["ak_public"])[:2] == self.point else "ak-mismatch"


def _refuse(_):
    raise ValueError


def _from_hex(text):
    if len(text) % 2 or not re.fullmatch(r"[0-9a-fA-F]*", text):
        raise Unusable
    return bytes.fromhex(text)


def _public(data):
    try:
        return tpm.public(data)
    except tpm.Malformed:
        raise Unusable from None


def _number(record, name, size):
    value = record.get(name)
    if type(value) is not int or not 0 <= value < 1 << 8 * size:
        raise Unusable
    return value


def _hex(record, name, size=None):
    value = record.get(name)
    if not isinstance(value, str):
        raise Unusable
    data = _from_hex(value)
    if size is not None and len(data) != size:
        raise Unusable
    return data


def _endorsement(record):
    """What the verdict repeats of it."""
    if not isinstance(record, dict):
        raise Unusable
    out = {name: _hex(record, name, 32).hex() for name in ("certificate_sha256", "ca_sha256")}
    for name in ("subject", "issuer", "checked"):
        if not isinstance(record.get(name), str):
            raise Unusable
        out[name] = record[name]
    return out


def load(enrolment, ak):
    """From the file that is named, if any."""
    path, kind = (enrolment, Enrolment) if enrolment else (ak, AttestationKey)
    if not path:
        return NoRoot()
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_FILE + 1)
    except OSError:
        raise Unusable from None
    if len(content) > MAX_FILE:
        raise Unusable
    return kind(content)
