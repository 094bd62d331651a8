# SPDX-License-Identifier: Apache-2.0
"""layout_test.py LIBRARY: how the module is linked. The central tables are in .rodata, where the integrity digest
covers them; no relocation reaches a read-only segment; hardening flags are set; libc is the only library needed."""

import re
import sys
import unittest

import elf_view as ev

LIBRARY = sys.argv[1]

# At least one object must keep a copy of these; the others may be folded into code by the compiler.
TABLES_EXPECTED = ("kServices", "kTransitions", "kStatusTable", "kCasts")
TABLES = TABLES_EXPECTED + ("kSha256Kernels", "kAesKernels", "kGcmKernels", "kChaChaKernels", "kLaneTable", "kEventTable", "kStateNames")
# Pointers in constant data need relocations and drop out of .rodata; the digest slot is in .data.rel.ro on purpose.
DATA_REL_RO_BYTES_MAX = 256
DATA_BYTES_MAX = 64


class Layout(unittest.TestCase):
    def setUp(self):
        self.elf = ev.Elf(LIBRARY)

    def data_symbols(self):
        symbols = [s for s in self.elf.symbols() if s.kind == 1]
        names = ev.demangle([s.name for s in symbols])
        return [(n.split("::")[-1], s) for n, s in zip(names, symbols)]

    def test_tables_are_in_rodata(self):
        seen = set()
        for name, symbol in self.data_symbols():
            if name in TABLES:
                seen.add(name)
                self.assertEqual(self.elf.section_of(symbol.value).name, ".rodata", name)
        self.assertEqual(set(TABLES_EXPECTED) - seen, set(), "tables without a symbol")

    def test_constants_are_not_writable(self):
        for name, symbol in self.data_symbols():
            section = self.elf.section_of(symbol.value)
            if re.match(r"k[A-Z]", name) and section:
                self.assertFalse(section.flags & ev.SHF_WRITE, f"{name} is in {section.name}")

    def test_hardly_any_writable_initialised_data(self):
        for section in self.elf.section_list:
            if section.name.startswith(".data.rel.ro"):
                self.assertLessEqual(section.size, DATA_REL_RO_BYTES_MAX)
            elif section.name.startswith(".data"):
                self.assertLessEqual(section.size, DATA_BYTES_MAX)
            elif section.name.startswith(".tdata"):
                self.assertEqual(section.size, 0)

    def test_no_text_relocations(self):
        self.assertFalse([t for t, _ in self.elf.dynamic if t == ev.DT_TEXTREL])
        self.assertFalse(self.elf.dynamic_value(ev.DT_FLAGS) & ev.DF_TEXTREL)

    def test_no_relocation_in_read_only_segments(self):
        self.assertTrue(self.elf.relocations)
        writable = [s for s in self.elf.loads() if s.flags & ev.PF_W]
        for r in self.elf.relocations:
            self.assertNotEqual(r.type, ev.R_X86_64_IRELATIVE)
            self.assertTrue(any(s.vaddr <= r.offset and r.offset + 8 <= s.vaddr + s.filesz for s in writable), r)

    def test_bound_at_load_and_then_read_only(self):
        self.assertTrue(self.elf.dynamic_value(ev.DT_FLAGS) & ev.DF_BIND_NOW)
        relro = self.elf.only(ev.PT_GNU_RELRO)
        self.assertEqual((relro.vaddr + relro.memsz) % 4096, 0)

    def test_segments_are_never_writable_and_executable(self):
        for s in self.elf.loads():
            self.assertNotEqual(s.flags & (ev.PF_W | ev.PF_X), ev.PF_W | ev.PF_X)
        self.assertFalse(self.elf.only(ev.PT_GNU_STACK).flags & ev.PF_X)

    def test_needs_libc_alone(self):
        self.assertLessEqual(set(self.elf.needed()), {"libc.so.6", "ld-linux-x86-64.so.2"})

    def test_no_path_is_searched(self):
        tags = {t for t, _ in self.elf.dynamic}
        self.assertFalse(tags & {15, 29}, "DT_RPATH or DT_RUNPATH")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
