#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_proof_independent.py PROOF [--checkpoint FILE] [--old FILE] [--enrolment FILE]: a second checker of what
cryptomod-audit prove, diff-head and checkpoint write, from docs/audit-format.md, "Tree of the records", RFC 9162 and the
openssl command alone. Exit codes: 0 holds under the given checkpoints, or those signed by the enrolled key, 1 wrong, 2 not
a proof, 3 holds under one that was not given, 64 wrong usage."""

import argparse
import base64
import binascii
import collections
import hashlib
import json
import re
import sys

import tpm

RECORD_SIZE = 64
MAX_HASHES, MAX_TEXT = 128, 1 << 16
PRINTABLE = re.compile("[ -~]+")
SIGNATURE = re.compile("\udce2\udc80\udc94 ([!-*,-~]+) ([A-Za-z0-9+/=]+)")  # the em dash as read() leaves it
HOLDS, WRONG, UNREADABLE, UNPINNED, USAGE = 0, 1, 2, 3, 64


Checkpoint = collections.namedtuple("Checkpoint", "head text signatures")  # head: origin, size, root
Enrolled = collections.namedtuple("Enrolled", "origin key")


class Unreadable(Exception):
    pass


def leaf(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def included(entry, index, size, path, root):
    """RFC 9162, 2.1.3.2."""
    if index >= size:
        return False
    fn, sn, r = index, size - 1, leaf(entry)
    for p in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node(p, r)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


def consistent(first, first_root, second, second_root, path):
    """RFC 9162, 2.1.4.2; the trees of equal size and the empty tree besides."""
    if first > second:
        return False
    if first == second:
        return not path and first_root == second_root
    if first == 0:
        return not path and first_root == hashlib.sha256(b"").digest()
    if first & (first - 1) == 0:
        path = [first_root] + path
    if not path:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == first_root and sr == second_root


def unbase64(text, size=None):
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unreadable from error
    if size not in (None, len(data)) or base64.b64encode(data).decode() != text:
        raise Unreadable
    return data


def decimal(text):
    if not text.isascii() or not text.isdecimal() or (text[0] == "0" and text != "0") or int(text) >= 2 ** 64:
        raise Unreadable
    return int(text)


def checkpoint(lines):
    """Origin, size, root; extension lines, and an empty line and signatures, may follow."""
    if len(lines) < 4 or lines[-1] != "" or not PRINTABLE.fullmatch(lines[0]):
        raise Unreadable
    rest = lines[3:-1]
    extensions = rest[:rest.index("")] if "" in rest else rest
    signatures = rest[len(extensions) + 1:]
    if not all(map(PRINTABLE.fullmatch, extensions)) or (len(extensions) < len(rest) and not signatures):
        raise Unreadable
    text = "".join(line + "\n" for line in lines[:3] + extensions)
    return Checkpoint((lines[0], decimal(lines[1]), unbase64(lines[2], 32)), text, list(map(signature, signatures)))


def signature(line):
    """(name, key id, signature): C2SP signed-note."""
    match = SIGNATURE.fullmatch(line)
    value = unbase64(match[2]) if match else b""
    if len(value) <= 4:
        raise Unreadable
    return match[1], value[:4], value[4:]


def after(line, word):
    if not line.startswith(word + " "):
        raise Unreadable
    return line[len(word) + 1:]


def hashes(lines, at):
    end = lines.index("", at) if "" in lines[at:] else len(lines)
    if end - at > MAX_HASHES:
        raise Unreadable
    return [unbase64(line, 32) for line in lines[at:end]], checkpoint(lines[end + 1:])


def check(text, enrolled):
    """Whether the proof holds, its checkpoint, and the older head."""
    if len(text) > MAX_TEXT:
        raise Unreadable
    lines = text.split("\n")
    if lines[0] == "c2sp.org/tlog-proof@v1" and len(lines) > 3:
        record, index = unbase64(after(lines[1], "extra"), RECORD_SIZE), decimal(after(lines[2], "index"))
        path, found = hashes(lines, 3)
        return included(record, index, found.head[1], path, found.head[2]), found, None
    if lines[0] == "libcryptomod/consistency-proof@v1" and len(lines) > 2:
        old_size, _, old_root = after(lines[1], "old").partition(" ")
        old_size, old_root = decimal(old_size), unbase64(old_root, 32)
        path, found = hashes(lines, 2)
        origin, size, root = found.head
        return consistent(old_size, old_root, size, root, path), found, (origin, old_size, old_root)
    if enrolled:
        return True, checkpoint(lines), None
    raise Unreadable


def judge_head(found, given):
    """Two heads of one log contradict each other only at the same size."""
    if given is None:
        return UNPINNED
    given = checkpoint(given.split("\n")).head
    if given == found:
        return HOLDS
    return UNPINNED if given[0] == found[0] and given[1] != found[1] else WRONG


def judge_signature(found, enrolled):
    """Signature type 0x02: the key id is the beginning of the digest of the SubjectPublicKeyInfo."""
    if enrolled is None:
        return UNPINNED
    if enrolled.origin != found.head[0]:
        return WRONG
    key_id = hashlib.sha256(tpm.spki(enrolled.key)).digest()[:4]
    ours = [value for name, key, value in found.signatures if (name, key) == (found.head[0], key_id)]
    if not all(tpm.signed_der(enrolled.key, found.text.encode(), value) for value in ours):
        return WRONG
    return HOLDS if ours else UNPINNED


def read_enrolment(text):
    record = json.loads(text)
    return Enrolled("libcryptomod/audit-log/" + record["log_id"], tpm.public(bytes.fromhex(record["ak_public"])))


def judge(text, given=None, given_old=None, enrolment=None):
    enrolled = read_enrolment(enrolment) if enrolment else None
    try:
        holds, found, old = check(text, enrolled)
        if not holds:
            return WRONG
        signed = judge_signature(found, enrolled)
        codes = [judge_head(found.head, given) if given is not None and signed != WRONG else signed]
        if old is not None:
            codes.append(judge_head(old, given_old))
        return WRONG if WRONG in codes else max(codes)
    except Unreadable:
        return UNREADABLE


class Arguments(argparse.ArgumentParser):
    def error(self, message):
        self.exit(USAGE, f"{self.prog}: {message}\n")


def main():
    parser = Arguments(description="An independent checker of proofs about audit logs of libcryptomod.")
    parser.add_argument("proof", metavar="PROOF")
    parser.add_argument("--checkpoint", metavar="FILE")
    parser.add_argument("--old", metavar="FILE")
    parser.add_argument("--enrolment", metavar="FILE")
    options = parser.parse_args()
    texts = []
    for name in (options.proof, options.checkpoint, options.old, options.enrolment):
        if name is None:
            texts.append(None)
            continue
        with open(name, encoding="ascii", errors="surrogateescape", newline="") as file:
            texts.append(file.read())
    code = judge(*texts)
    print({HOLDS: "holds", WRONG: "wrong", UNREADABLE: "unreadable", UNPINNED: "holds under a checkpoint that was not given"}[code])
    return code


if __name__ == "__main__":
    sys.exit(main())
