# SPDX-License-Identifier: Apache-2.0
"""imb_test.py CMAKE BUILD PART: libcryptomod-imb.so.1 as it is linked: one function is exported, libc is all it needs,
and ipsec-mb has no writable initialised data in it. And installation puts it beside the module, unchanged: there and
nowhere else the module looks for it."""

import os
import subprocess
import sys
import tempfile
import unittest

import elf_view as ev

CMAKE, BUILD, PART = sys.argv[1:4]
NAME = "libcryptomod-imb.so.1"


class Part(unittest.TestCase):
    def setUp(self):
        self.elf = ev.Elf(PART)

    def test_exports_one_function(self):
        out = subprocess.run(["nm", "-D", "--defined-only", PART], capture_output=True, text=True, check=True).stdout
        names = sorted(line.split()[2] for line in out.splitlines())
        self.assertEqual(names, ["CRYPTOMOD_IMB_1", "cm_imb_part@@CRYPTOMOD_IMB_1"])

    def test_needs_libc_alone(self):
        out = subprocess.run(["readelf", "-d", PART], capture_output=True, text=True, check=True).stdout
        needed = [line.split("[")[1].rstrip("]") for line in out.splitlines() if "(NEEDED)" in line]
        self.assertEqual(needed, ["libc.so.6"])
        self.assertNotRegex(out, r"RUNPATH|RPATH|TEXTREL")

    # The last four belong to functions of ipsec-mb that nothing calls: they make managers and print what a CPU has.
    def test_binds_little_of_libc(self):
        out = subprocess.run(["nm", "-D", "-u", PART], capture_output=True, text=True, check=True).stdout
        calls = {line.split()[-1].split("@")[0] for line in out.splitlines()}
        allowed = {"memcpy", "memset", "memmove", "memcmp", "__memcpy_chk", "__memset_chk", "__stack_chk_fail",
                   "__cxa_finalize", "_ITM_deregisterTMCloneTable", "_ITM_registerTMCloneTable", "__gmon_start__",
                   "posix_memalign", "free", "__printf_chk", "strerror"}
        self.assertEqual(calls - allowed, set())

    # Of the compiler's start files there is one pointer.
    def test_hardly_any_writable_initialised_data(self):
        for section in self.elf.section_list:
            if section.name.startswith(".data") and not section.name.startswith(".data.rel.ro"):
                self.assertLessEqual(section.size, 8, section.name)

    def test_is_installed_beside_the_module(self):
        with tempfile.TemporaryDirectory() as prefix:
            subprocess.run([CMAKE, "--install", BUILD, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)
            places = [d for d, _, files in os.walk(prefix) if NAME in files]
            self.assertEqual(len(places), 1)
            self.assertIn("libcryptomod.so.1", os.listdir(places[0]))
            self.assertFalse(os.path.islink(os.path.join(places[0], NAME)))
            with open(os.path.join(places[0], NAME), "rb") as installed, open(PART, "rb") as built:
                self.assertEqual(installed.read(), built.read())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
