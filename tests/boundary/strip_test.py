# SPDX-License-Identifier: Apache-2.0
"""strip_test.py PROBE LIBRARY COMPILER_ID: what distributions do to a library after the build leaves the module ready,
with the same digest: strip, dwz, both in either order, and detached debug information. Debian 12's dwz (0.15) declines
clang's debug information; then it must have left the file alone."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from probing import STATE_READY, probe

PROBE, LIBRARY, COMPILER_ID = sys.argv[1:4]

STRIP = ["strip", "--strip-unneeded"]


class Strip(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(PROBE)))
        self.addCleanup(self.directory.cleanup)
        self.copy = os.path.join(self.directory.name, "libcryptomod.so.1")
        shutil.copyfile(LIBRARY, self.copy)

    def run_tool(self, *command):
        subprocess.run([*command, self.copy], check=True)

    def run_dwz(self, has_debug_information):
        with open(self.copy, "rb") as f:
            before = f.read()
        done = subprocess.run(["dwz", self.copy], capture_output=True, text=True, check=False)
        if has_debug_information and COMPILER_ID == "GNU":
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertLess(os.path.getsize(self.copy), len(before))
        else:
            self.assertRegex(done.stderr, "Unknown debugging section|not present")
            with open(self.copy, "rb") as f:
                self.assertEqual(f.read(), before)

    def check(self):
        before, after = probe(PROBE, LIBRARY), probe(PROBE, self.copy)
        self.assertEqual(after.state, STATE_READY)
        self.assertEqual(after.digest, before.digest)

    def test_strip(self):
        self.run_tool(*STRIP)
        self.check()

    def test_strip_all(self):
        self.run_tool("strip", "--strip-all")
        self.check()

    def test_dwz(self):
        self.run_dwz(True)
        self.check()

    def test_dwz_then_strip(self):
        self.run_dwz(True)
        self.run_tool(*STRIP)
        self.check()

    def test_strip_then_dwz(self):
        self.run_tool(*STRIP)
        self.run_dwz(False)
        self.check()

    def test_detached_debug_information(self):
        debug = self.copy + ".debug"
        subprocess.run(["objcopy", "--only-keep-debug", self.copy, debug], check=True)
        self.run_tool(*STRIP)
        self.run_tool("objcopy", f"--add-gnu-debuglink={debug}")
        self.check()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
