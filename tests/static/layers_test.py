# SPDX-License-Identifier: Apache-2.0
"""layers_test.py SOURCE_ROOT: the #include lines of the tree follow layers.txt."""

import fnmatch
import os
import re
import sys
import unittest

ROOT = os.path.abspath(sys.argv[1])
RULES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "layers.txt")
FOLDERS = ("include", "crypto", "selftest", "audit", "tools", "bench", "fuzz", "provider", "tests")
SUFFIXES = (".h", ".hpp", ".c", ".cpp")
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.M)
INTRINSIC = re.compile(r"<(?:imm|x86|[a-z]mm|arm_)\w*intrin\.h>|<arm_\w+\.h>|<cpuid\.h>|\b_mm\d*_\w+"
                       r"|\b__m(?:128|256|512)\w*\b|\b__rdtscp?\b|\b_rdtsc\b|\b__builtin_ia32_(?!pause\b)\w+")


class Rules:
    def __init__(self, text):
        self.layers, self.sees, self.boundary, self.headers, self.intrinsics = [], {}, set(), set(), []
        for line in text.splitlines():
            words = line.split("#")[0].split()
            if not words:
                continue
            kind, rest = words[0], words[1:]
            if kind == "layer":
                self.layers.append((rest[0], rest[1:]))
            elif kind == "sees":
                self.sees.setdefault(rest[0], set()).update(rest[1:])
            elif kind == "boundary":
                self.boundary.update(rest)
            elif kind == "headers":
                self.headers.update(rest)
            elif kind == "intrinsics":
                self.intrinsics += rest
            else:
                raise ValueError(f"layers.txt: {line}")

    def layer_of(self, path):
        for name, patterns in self.layers:
            if any(fnmatch.fnmatchcase(path, p) for p in patterns):
                return name
        return None

    def may_see(self, layer, other):
        return layer == other or other in self.sees.get(layer, ())


def without_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)


def resolve(name, path):
    """Path in the tree of a file that `path` includes, None where it is not ours. Tests may name their neighbours."""
    beside = os.path.dirname(path) + "/" if path.startswith("tests/") else ""
    for folder in ("", "include/", beside):
        if os.path.isfile(os.path.join(ROOT, folder + name)):
            return folder + name
    return None


def problems(rules, path, text):
    text = without_comments(text)
    layer = rules.layer_of(path)
    if layer is None:
        return [f"{path}: belongs to no layer"]
    found = []
    for ours, system in INCLUDE.findall(text):
        target = resolve(ours or system, path)
        if target is None and ours and os.path.isfile(os.path.join(ROOT, os.path.dirname(path), ours)):
            found.append(f'{path}: "{ours}" is not written from the root of the tree')
        elif target is None and ours:
            found.append(f'{path}: "{ours}" does not exist')
        elif target is None:
            if layer in rules.boundary and system not in rules.headers:
                found.append(f"{path}: <{system}> is not allowed inside the boundary")
        elif not rules.may_see(layer, rules.layer_of(target)):
            found.append(f"{path}: {layer} must not see {rules.layer_of(target)} ({target})")
    if not any(fnmatch.fnmatchcase(path, p) for p in rules.intrinsics):
        found += [f"{path}: intrinsic {m.group(0)}" for m in INTRINSIC.finditer(text)]
    return found


def sources():
    for folder in FOLDERS:
        for directory, _, files in os.walk(os.path.join(ROOT, folder)):
            for name in files:
                if name.endswith(SUFFIXES):
                    yield os.path.relpath(os.path.join(directory, name), ROOT)


class Layers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(RULES) as f:
            cls.rules = Rules(f.read())

    def test_tree_follows_the_rules(self):
        found, count = [], 0
        for path in sorted(sources()):
            with open(os.path.join(ROOT, path)) as f:
                found += problems(self.rules, path, f.read())
            count += 1
        self.assertGreater(count, 50)
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_rules_name_known_layers(self):
        names = {name for name, _ in self.rules.layers}
        for layer, seen in self.rules.sees.items():
            self.assertLessEqual({layer} | seen, names)
        self.assertLessEqual(self.rules.boundary, names)

    def test_rules_have_no_cycle(self):
        def reach(layer, seen):
            for other in self.rules.sees.get(layer, ()):
                if other not in seen:
                    seen.add(other)
                    reach(other, seen)
            return seen
        for name, _ in self.rules.layers:
            self.assertNotIn(name, reach(name, set()))

    def test_boundary_and_audit_keep_apart(self):
        for layer in ("writer", "verify"):
            self.assertFalse(self.rules.may_see(layer, "module"))
        self.assertFalse(self.rules.may_see("selftest", "module"))
        for layer in self.rules.boundary:
            self.assertFalse(self.rules.sees.get(layer, set()) & {"writer", "verify", "audit-log", "tests", "tools"})
        for layer, seen in self.rules.sees.items():
            self.assertFalse("tests" in seen, layer)

    def test_each_kind_of_breach_is_found(self):
        """One line of code per rule that must be reported."""
        breaches = {
            "crypto/sha2/x.cpp": '#include "crypto/aes/aes.h"\n',
            "crypto/aes/x.h": '#include "crypto/gcm/gcm.h"\n',
            "selftest/x.cpp": '#include "crypto/module/fsm.h"\n',
            "audit/writer/x.cpp": '#include "crypto/module/gate.h"\n',
            "audit/verify/x.cpp": '#include "audit/producer/producer.h"\n',
            "crypto/module/x.cpp": "#include <vector>\n",
            "crypto/hmac/x.cpp": "#include <immintrin.h>\n",
            "audit/writer/y.cpp": "auto t = __rdtsc();\n",
            "tools/x.cpp": '#include "tests/support/lanes.h"\n',
            "somewhere/x.cpp": "",
            "crypto/base/x.h": '#include "status.h"\n',
        }
        for path, text in breaches.items():
            self.assertTrue(problems(self.rules, path, text), path)
        harmless = {
            "crypto/sha2/x_x86_y.cpp": "#include <immintrin.h>\n",
            "crypto/module/x.cpp": "// #include <vector>\n#include <atomic>\nauto p = __builtin_ia32_pause;\n",
            "tests/x.cpp": '#include <vector>\n#include "crypto/module/fsm.h"\n',
        }
        for path, text in harmless.items():
            self.assertEqual(problems(self.rules, path, text), [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
