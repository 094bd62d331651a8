# SPDX-License-Identifier: Apache-2.0
"""code_test.py OBJECT_LIST: instruction sets and linkage of the module's object files, one path a line. Wide vector
code is in kernel files alone and cannot leak into common functions through the linker: kernels define their entry
points and nothing that another object could pick up."""

import os
import re
import subprocess
import sys
import unittest

with open(sys.argv[1]) as f:
    OBJECTS = [line.strip() for line in f if line.strip()]

KERNEL = re.compile(r"_x86_[a-z0-9]+\.cpp\.o$")
# What a kernel may call: the compiler's own helpers and libc's block functions.
KERNEL_CALLS = re.compile(r"^(__stack_chk_fail|memcpy|memset|memmove|__memcpy_chk|__memset_chk|_GLOBAL_OFFSET_TABLE_)$")
WIDE_REGISTER = re.compile(r"%[yz]mm\d+")
VECTOR_SPILL = re.compile(r"\bv?mov(?:dq[au]\w*|[au]p[sd]|[lh]p[sd]|[dq])\s+%[xyz]mm\d+,[^,(]*\(%r(?:sp|bp)\)")


def base(path):
    return os.path.basename(path)


def disassemble(path):
    """(function, mnemonic, operands) of every instruction."""
    command = ["objdump", "-d", "--no-show-raw-insn", path]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    function = ""
    for line in out.splitlines():
        head = re.match(r"^[0-9a-f]+ <(.*)>:$", line)
        if head:
            function = head.group(1)
        body = re.match(r"^\s*[0-9a-f]+:\t(?:(?:notrack|bnd|lock|rep\w*|data16|cs|ds) )*(\S+)\s*(.*)$", line)
        if body:
            yield function, body.group(1), body.group(2)


def symbols(path):
    out = subprocess.run(["nm", "-P", "-g", path], capture_output=True, text=True, check=True).stdout
    return [tuple(line.split()[:2]) for line in out.splitlines()]


class Code(unittest.TestCase):
    def test_there_are_kernels_and_others(self):
        kernels = [o for o in OBJECTS if KERNEL.search(o)]
        self.assertGreaterEqual(len(kernels), 3)
        self.assertGreater(len(OBJECTS), len(kernels) + 5)

    def test_no_vector_extensions_outside_kernels(self):
        for path in OBJECTS:
            if KERNEL.search(path):
                continue
            for function, mnemonic, operands in disassemble(path):
                where = f"{base(path)}: {function}: {mnemonic} {operands}"
                self.assertFalse(WIDE_REGISTER.search(operands), where)
                self.assertFalse(mnemonic.startswith("v") and mnemonic not in ("verr", "verw", "vzeroupper"), where)
                self.assertFalse(re.match(r"(aes|sha1|sha256|pclmul|rdseed|[pb](ext|dep)$|mulx|ad[co]x|rorx|s[ah][lr]x|andn$)", mnemonic), where)

    def test_legacy_kernels_have_no_vex_instruction(self):
        for path in OBJECTS:
            if not re.search(r"_x86_(shani|aesni)\.cpp\.o$", path):
                continue
            for function, mnemonic, operands in disassemble(path):
                if mnemonic.startswith("v") and mnemonic != "vzeroupper":
                    self.fail(f"{base(path)}: {function}: {mnemonic} {operands}")

    def test_kernels_do_not_spill_vectors(self):
        for path in OBJECTS:
            if not KERNEL.search(path):
                continue
            for function, mnemonic, operands in disassemble(path):
                if VECTOR_SPILL.search(f"{mnemonic} {operands}"):
                    self.fail(f"{base(path)}: {function}: {mnemonic} {operands}")

    def test_kernels_define_entry_points_only(self):
        for path in OBJECTS:
            if not KERNEL.search(path):
                continue
            lane = re.search(r"_x86_([a-z0-9]+)\.cpp\.o$", path).group(1)
            for name, kind in symbols(path):
                if kind == "U":
                    continue
                self.assertIn(kind, "T", f"{base(path)}: {name} is {kind}: the linker could choose it for other code")
                self.assertIn(lane, name, f"{base(path)}: {name} is visible but no entry point of the lane")

    def test_kernels_call_nothing_of_other_objects(self):
        for path in OBJECTS:
            if not KERNEL.search(path):
                continue
            for name, kind in symbols(path):
                if kind == "U":
                    self.assertRegex(name, KERNEL_CALLS, base(path))

    def test_no_resolver_functions(self):
        for path in OBJECTS:
            for name, kind in symbols(path):
                self.assertNotEqual(kind, "i", f"{base(path)}: {name}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
