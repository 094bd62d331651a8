# SPDX-License-Identifier: Apache-2.0
"""digest_test.py TOOL LIBRARY: the integrity digest is what docs/design/0011-parallel-integrity-digest.md says. It is
computed here from the file with elf_view.py and hashlib, apart from the module's own walker, and must be the injected
one; a changed byte in any page and two pages that change places must be refused."""

import hashlib
import hmac
import os
import random
import struct
import subprocess
import sys
import tempfile
import unittest

import elf_view as ev

TOOL, LIBRARY = sys.argv[1:3]
REFUSED = 1
KEY = b"libcryptomod integrity test key1"
LEAF = 4096
MAGIC = b"cm-digest-slot\x1a\x01"
READ_ONLY, RELRO, DYNAMIC = 1, 2, 3
SEED = 20240601


def slot_offset(elf):
    relro = elf.only(ev.PT_GNU_RELRO)
    assert elf.data.count(MAGIC, relro.offset, relro.offset + relro.filesz) == 1
    return elf.data.index(MAGIC, relro.offset)


def zero(data, offset, size):
    data[offset:offset + size] = bytes(size)


def covered(elf, data):
    """(kind, address, flags, bytes) of every region in order, with what does not count as zero. data: the file's."""
    data = bytearray(data)
    dynamic = elf.only(ev.PT_DYNAMIC)
    entries = bytes(data[dynamic.offset:dynamic.offset + dynamic.memsz])
    zero(data, 0x28, 8)
    zero(data, 0x3C, 4)
    zero(data, slot_offset(elf) + 32, 32)
    zero(data, dynamic.offset, dynamic.memsz)
    for r in elf.relocations:
        if r.type != 0:
            zero(data, elf.file_offset(r.offset), 8)
    for s in elf.loads():
        if not s.flags & ev.PF_W:
            yield READ_ONLY, s.vaddr, s.flags, bytes(data[s.offset:s.offset + s.filesz])
    relro = elf.only(ev.PT_GNU_RELRO)
    yield RELRO, relro.vaddr, 0, bytes(data[relro.offset:relro.offset + min(relro.filesz, relro.memsz)])
    yield DYNAMIC, dynamic.vaddr, 0, entries


def digest(elf, data):
    mac = hmac.new(KEY, digestmod="sha256")
    for kind, address, flags, content in covered(elf, data):
        mac.update(struct.pack("<QQQQ", kind, address, len(content), flags))
        if kind == DYNAMIC:
            mac.update(content)
        else:
            for at in range(0, len(content), LEAF):
                mac.update(hashlib.sha256(content[at:at + LEAF]).digest())
    return mac.digest()


class Digest(unittest.TestCase):
    def setUp(self):
        self.elf = ev.Elf(LIBRARY)
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.random = random.Random(SEED)

    def check(self, data):
        path = os.path.join(self.directory.name, "changed.so")
        with open(path, "wb") as f:
            f.write(data)
        return subprocess.run([TOOL, "--check", path], capture_output=True, text=True, check=False)

    def pages(self):
        """(offset, size) of every leaf of what is not writable or read-only after relocation."""
        segments = [s for s in self.elf.loads() if not s.flags & ev.PF_W] + [self.elf.only(ev.PT_GNU_RELRO)]
        ranges = [(s.offset, s.filesz) for s in segments]
        return [(o + at, min(LEAF, size - at)) for o, size in ranges for at in range(0, size, LEAF)]

    def test_injected_digest_is_the_one_of_the_document(self):
        slot = slot_offset(self.elf)
        self.assertEqual(self.elf.data[slot + 32:slot + 64], digest(self.elf, self.elf.data))
        self.assertEqual(struct.unpack_from("<II", self.elf.data, slot + 16), (2, 0))
        self.assertEqual(self.check(self.elf.data).returncode, 0)

    def test_changed_byte_in_every_page_is_found(self):
        relocated = {self.elf.file_offset(r.offset) + i for r in self.elf.relocations for i in range(8)}
        slot = slot_offset(self.elf)
        without_effect = relocated | set(range(0x28, 0x30)) | set(range(0x3C, 0x40)) | set(range(slot + 32, slot + 64))
        pages = self.pages()
        self.assertGreater(len(pages), 100)
        for offset, size in pages:
            at = self.random.choice([o for o in range(offset, offset + size) if o not in without_effect])
            data = bytearray(self.elf.data)
            data[at] ^= 1 << self.random.randrange(8)
            self.assertEqual(self.check(data).returncode, REFUSED, f"file offset {at:#x}")

    def test_swapped_pages_are_found(self):
        """Neighbours, which are hashed side by side, and pages of any two places."""
        whole = [o for o, size in self.pages() if size == LEAF and o]
        pairs = list(zip(whole, whole[1:]))[:20] + [tuple(self.random.sample(whole, 2)) for _ in range(20)]
        for a, b in pairs:
            data = bytearray(self.elf.data)
            data[a:a + LEAF], data[b:b + LEAF] = data[b:b + LEAF], data[a:a + LEAF]
            expected = 0 if data == self.elf.data else REFUSED
            self.assertEqual(self.check(data).returncode, expected, f"file offsets {a:#x} and {b:#x}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
