# SPDX-License-Identifier: Apache-2.0
"""byte_flip_test.py PROBE LIBRARY [COUNT [SEED]]: a module with one changed byte never becomes operational. Bytes are
drawn from everything that a PT_LOAD segment takes from the file, plus the first and last byte of every section. Two
kinds of bytes have no effect in memory, and that is asserted apart: slots that the dynamic linker overwrites, and the
fields of the ELF header that say where the section headers are."""

import collections
import os
import random
import re
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

import elf_view as ev
from probing import STATE_ERROR, STATE_READY, probe

PROBE, LIBRARY = sys.argv[1:3]
COUNT = int(sys.argv[3]) if len(sys.argv) > 3 else 400
SEED = int(sys.argv[4]) if len(sys.argv) > 4 else 20240601
EFFECTLESS_SAMPLE = 40
THREADS = os.cpu_count() or 2
# The code that acts on the outcome of the integrity test: here a changed branch could hide the finding.
DECIDING = re.compile(r"::(apply|full_retest|run_self_tests|run_all|power_on|current_state"
                      r"|integrity_(check|confirmed|guard))$")

E_SHOFF, E_SHNUM_AND_SHSTRNDX = range(0x28, 0x30), range(0x3C, 0x40)


def effectless(elf):
    """File offsets of bytes that never reach memory as they are in the file."""
    found = set(E_SHOFF) | set(E_SHNUM_AND_SHSTRNDX)
    for r in elf.relocations:
        start = elf.file_offset(r.offset)
        found |= set(range(start, start + 8))
    return found


def positions(elf):
    """The sample: every section's borders, and COUNT bytes spread over all segments."""
    loaded = [o for s in elf.loads() for o in range(s.offset, s.offset + s.filesz)]
    borders = set()
    for s in elf.section_list:
        if s.flags & ev.SHF_ALLOC and s.type != ev.SHT_NOBITS and s.size:
            borders |= {s.offset, s.offset + s.size - 1}
    drawn = random.Random(SEED).sample(loaded, min(COUNT, len(loaded)))
    return sorted((borders | set(drawn)) - effectless(elf))


class ByteFlip(unittest.TestCase):
    def setUp(self):
        self.elf = ev.Elf(LIBRARY)
        self.random = random.Random(SEED)
        self.directory = tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(PROBE)))
        self.addCleanup(self.directory.cleanup)

    def outcome(self, offset, bits):
        data = bytearray(self.elf.data)
        data[offset] ^= bits
        with tempfile.NamedTemporaryFile(dir=self.directory.name, suffix=".so") as f:
            f.write(data)
            f.flush()
            return probe(PROBE, f.name)

    def test_unchanged_module_is_ready(self):
        result = self.outcome(0, 0)
        self.assertEqual((result.kind, result.state, result.failed_test), ("status", STATE_READY, ""))

    def check_found(self, offsets):
        """Flips one bit of each byte; counts how it was found, under "" where the status names no test."""
        seen = collections.Counter()
        flips = [(offset, 1 << self.random.randrange(8)) for offset in offsets]
        with ThreadPoolExecutor(THREADS) as threads:
            results = list(threads.map(lambda flip: self.outcome(*flip), flips))
        for (offset, bits), result in zip(flips, results):
            if result.kind == "status":
                self.assertEqual(result.state, STATE_ERROR, f"file offset {offset:#x} xor {bits:#04x}: {result}")
            seen[result.failed_test if result.kind == "status" else result.kind] += 1
        print(f"{sum(seen.values())} changed bytes:", dict(seen))
        return seen

    def test_changed_byte_is_found(self):
        seen = self.check_found(positions(self.elf))
        self.assertGreater(seen["integrity"], sum(seen.values()) // 2)
        # The byte may be in the code that answers.
        self.assertLessEqual(seen[""] + seen["no status"], sum(seen.values()) // 100)

    def test_changed_decision_is_found(self):
        functions = [s for s in self.elf.symbols() if s.kind == 2 and s.size]
        names = ev.demangle([s.name for s in functions])
        deciding = [s for s, n in zip(functions, names) if DECIDING.search(re.sub(r"\(anonymous namespace\)", "", n))]
        self.assertGreaterEqual(len(deciding), 4)
        self.check_found(sorted({self.elf.file_offset(s.value + i) for s in deciding for i in range(s.size)}))

    def test_byte_without_effect_has_none(self):
        whole = self.outcome(0, 0).digest
        sample = self.random.sample(sorted(effectless(self.elf)), EFFECTLESS_SAMPLE)
        for offset in sample:
            result = self.outcome(offset, 0xFF)
            self.assertEqual((result.state, result.digest), (STATE_READY, whole), f"file offset {offset:#x}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
