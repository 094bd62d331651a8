# SPDX-License-Identifier: Apache-2.0
"""services_test.py SOURCE_ROOT [LIBRARY]: one gate. Every function of cryptomod.h is a row of crypto/module/services.h
or one of the three lookups; every row's function is defined once, in a c_abi_*.cpp file, and goes through the gate with
its own event; the built module exports those functions and no others."""

import glob
import os
import re
import subprocess
import sys
import unittest

ROOT = os.path.abspath(sys.argv[1])
LIBRARY = sys.argv[2] if len(sys.argv) > 2 else None
LOOKUPS = {"cm_rc_text", "cm_rc_name", "cm_errno"}


def read(path):
    with open(os.path.join(ROOT, path)) as f:
        return re.sub(r"//[^\n]*|/\*.*?\*/", "", f.read(), flags=re.S)


def rows():
    """function -> event of every service."""
    table = re.search(r"kServices\[\]\s*=\s*\{(.*?)\n\};", read("crypto/module/services.h"), re.S).group(1)
    return {function: event for event, function in
            re.findall(r'\{EventId::(k\w+),.*?"(cm_\w+)",\s*"[^"]*"\}', table, re.S)}


def declared():
    return set(re.findall(r"CM_EXPORT\b[^;]*?\b(cm_[a-z0-9_]+)\s*\(", read("include/cryptomod/cryptomod.h")))


def bodies():
    """function -> (file, body) of every C function defined in c_abi_*.cpp."""
    found = {}
    for path in sorted(glob.glob(os.path.join(ROOT, "crypto/module/c_abi_*.cpp"))):
        text = read(os.path.relpath(path, ROOT))
        for match in re.finditer(r"^(?:extern \"C\" )?[\w ]+[\s*&]+(cm_[a-z0-9_]+)\(([^;{}]*)\)\s*\{", text, re.M):
            depth, at = 1, match.end()
            while depth:
                depth += {"{": 1, "}": -1}.get(text[at], 0)
                at += 1
            if match.group(1) in found:
                raise AssertionError(f"{match.group(1)} is defined twice")
            found[match.group(1)] = (os.path.basename(path), text[match.end():at])
    return found


class Services(unittest.TestCase):
    def test_every_declared_function_is_a_service_or_a_lookup(self):
        self.assertEqual(declared(), set(rows()) | LOOKUPS)

    def test_every_function_is_defined_in_the_c_face(self):
        self.assertEqual(set(bodies()), declared())

    def test_every_service_enters_the_gate_with_its_own_event(self):
        defined = bodies()
        for function, event in rows().items():
            file, body = defined[function]
            events = set(re.findall(r"EventId::(k\w+)", body))
            self.assertEqual(events, {event}, f"{file}: {function}")

    def test_lookups_touch_nothing(self):
        for function in LOOKUPS:
            self.assertFalse(re.search(r"gate|EventId|store::", bodies()[function][1], re.I), function)

    def test_symbol_map(self):
        if LIBRARY is None:
            self.fail("the library is not given")
        out = subprocess.run(["nm", "-D", "--defined-only", LIBRARY], capture_output=True, text=True, check=True).stdout
        names = {line.split()[2].split("@")[0] for line in out.splitlines() if "@@CRYPTOMOD_1" in line}
        self.assertEqual(names, set(rows()) | LOOKUPS)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
