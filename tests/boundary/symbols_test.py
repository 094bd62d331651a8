# SPDX-License-Identifier: Apache-2.0
"""symbols_test.py LIBRARY HEADER: what the module exports is what the public header declares, both ways, under one
version, and nothing else."""

import re
import subprocess
import sys
import unittest

LIBRARY, HEADER = sys.argv[1:3]


def exported():
    """name -> version, of what other objects can bind to; the version node itself is an absolute symbol."""
    out = subprocess.run(["nm", "-D", "--defined-only", LIBRARY], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in out.splitlines():
        _, kind, name = line.split()
        if kind == "A" and name == "CRYPTOMOD_1":
            continue
        found[name] = kind
    return found


def declared():
    with open(HEADER) as f:
        text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    return set(re.findall(r"CM_EXPORT\b[^;]*?\b(cm_[a-z0-9_]+)\s*\(", text))


class Symbols(unittest.TestCase):
    def test_header_declares_functions(self):
        self.assertIn("cm_init", declared())
        self.assertGreater(len(declared()), 20)

    def test_every_export_is_versioned_function_of_ours(self):
        for name, kind in exported().items():
            self.assertRegex(name, r"^cm_[a-z0-9_]+@@CRYPTOMOD_1$")
            self.assertEqual(kind, "T", name)

    def test_exports_are_the_header(self):
        names = {n.split("@")[0] for n in exported()}
        self.assertEqual(names - declared(), set(), "exported but not in cryptomod.h")
        self.assertEqual(declared() - names, set(), "in cryptomod.h but not exported")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
