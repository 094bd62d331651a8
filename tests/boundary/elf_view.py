# SPDX-License-Identifier: Apache-2.0
"""elf_view.py: a reader of x86-64 ELF files for the boundary tests. Written apart from the module's own walker
(crypto/module/integrity_image.cpp), so that the tests do not repeat its mistakes. Reads well-formed files only."""

import struct
import subprocess
from collections import namedtuple

Segment = namedtuple("Segment", "type flags offset vaddr paddr filesz memsz align")
Section = namedtuple("Section", "name type flags addr offset size link info align entsize")
Relocation = namedtuple("Relocation", "offset type symbol addend")
Symbol = namedtuple("Symbol", "name value size kind bind visibility shndx")

PT_LOAD, PT_DYNAMIC, PT_GNU_STACK, PT_GNU_RELRO = 1, 2, 0x6474E551, 0x6474E552
PF_X, PF_W, PF_R = 1, 2, 4
SHT_NOBITS, SHT_SYMTAB, SHT_DYNSYM, SHT_RELA = 8, 2, 11, 4
SHF_WRITE, SHF_ALLOC = 1, 2
DT_NEEDED, DT_PLTRELSZ, DT_STRTAB, DT_RELA, DT_RELASZ, DT_TEXTREL, DT_JMPREL, DT_FLAGS = 1, 2, 5, 7, 8, 22, 23, 30
DF_TEXTREL, DF_BIND_NOW = 4, 8
R_X86_64_RELATIVE, R_X86_64_IRELATIVE = 8, 37
SHN_UNDEF = 0


class Elf:
    """One file: .data, .segments, .sections (by name), .dynamic (list of pairs), .relocations."""

    def __init__(self, path):
        with open(path, "rb") as f:
            self.data = f.read()
        header = struct.unpack_from("<16sHHIQQQIHHHHHH", self.data, 0)
        assert header[0][:5] == b"\x7fELF\x02", path
        phoff, shoff, phnum, shnum, shstrndx = header[5], header[6], header[10], header[12], header[13]
        self.segments = []
        for i in range(phnum):
            t, flags, *rest = struct.unpack_from("<IIQQQQQQ", self.data, phoff + 56 * i)
            self.segments.append(Segment(t, flags, *rest))
        raw = [struct.unpack_from("<IIQQQQIIQQ", self.data, shoff + 64 * i) for i in range(shnum)]
        names = raw[shstrndx] if raw else None
        self.section_list = [Section(self._text(names[4] + s[0]), *s[1:]) for s in raw]
        self.sections = {s.name: s for s in self.section_list}
        self.dynamic = self._read_dynamic()
        self.relocations = self._read_relocations()

    def _text(self, offset):
        return self.data[offset:self.data.index(b"\0", offset)].decode()

    def _read_dynamic(self):
        pairs = []
        for s in self.segments:
            if s.type != PT_DYNAMIC:
                continue
            for at in range(s.offset, s.offset + s.filesz, 16):
                tag, value = struct.unpack_from("<qQ", self.data, at)
                if tag == 0:
                    break
                pairs.append((tag, value))
        return pairs

    def dynamic_value(self, tag, default=0):
        return next((v for t, v in self.dynamic if t == tag), default)

    def _read_relocations(self):
        found = []
        for table, size in ((DT_RELA, DT_RELASZ), (DT_JMPREL, DT_PLTRELSZ)):
            length = self.dynamic_value(size)
            start = self.file_offset(self.dynamic_value(table)) if length else 0
            for at in range(start, start + length, 24):
                offset, info, addend = struct.unpack_from("<QQq", self.data, at)
                found.append(Relocation(offset, info & 0xFFFFFFFF, info >> 32, addend))
        return found

    def loads(self):
        return [s for s in self.segments if s.type == PT_LOAD]

    def only(self, segment_type):
        found = [s for s in self.segments if s.type == segment_type]
        assert len(found) == 1, f"{len(found)} program headers of type {segment_type:#x}"
        return found[0]

    def file_offset(self, address):
        for s in self.loads():
            if s.vaddr <= address < s.vaddr + s.filesz:
                return s.offset + address - s.vaddr
        raise ValueError(f"address {address:#x} is not in the file")

    def section_of(self, address):
        for s in self.section_list:
            if s.flags & SHF_ALLOC and s.addr <= address < s.addr + s.size:
                return s
        return None

    def needed(self):
        strings = self.file_offset(self.dynamic_value(DT_STRTAB))
        return [self._text(strings + v) for t, v in self.dynamic if t == DT_NEEDED]

    def symbols(self, section_type=SHT_SYMTAB):
        found = []
        for s in self.section_list:
            if s.type != section_type:
                continue
            strings = self.section_list[s.link].offset
            for at in range(s.offset, s.offset + s.size, 24):
                name, info, other, shndx, value, size = struct.unpack_from("<IBBHQQ", self.data, at)
                found.append(Symbol(self._text(strings + name), value, size, info & 15, info >> 4, other & 3, shndx))
        return found


def demangle(names):
    """Demangled names, without the arguments of functions, in the order given."""
    if not names:
        return []
    out = subprocess.run(["c++filt", "-p"], input="\n".join(names), capture_output=True, text=True, check=True).stdout
    return out.splitlines()
