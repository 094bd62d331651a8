# SPDX-License-Identifier: Apache-2.0
"""install_test.py CMAKE BUILD CC CXX: what `cmake --install` puts into a prefix is enough for a user: a C99 and a C++20
program find it through CMake and through pkg-config, compile with warnings as errors, and run with the installed
writer; the installed tool runs. The prefix is moved first: nothing installed may remember where it was built or put."""

import os
import subprocess
import sys
import tempfile
import unittest

CMAKE, BUILD, CC, CXX = sys.argv[1:5]
SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "consumer")


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.directory.cleanup)
        first = os.path.join(cls.directory.name, "first")
        run(CMAKE, "--install", BUILD, "--prefix", first)
        cls.prefix = os.path.join(cls.directory.name, "moved")
        os.rename(first, cls.prefix)
        cls.libdir = cls.find("libcryptomod.so")

    @classmethod
    def find(cls, name):
        for directory, _, files in os.walk(cls.prefix):
            if name in files:
                return directory
        raise AssertionError(f"{name} is not installed")

    def run_program(self, program, *arguments):
        run(program, *arguments, env={**os.environ, "LD_LIBRARY_PATH": self.libdir})

    def run_consumers(self, c_program, cpp_program):
        self.run_program(c_program)
        self.run_program(cpp_program)
        with tempfile.TemporaryDirectory() as place:
            self.run_program(cpp_program, os.path.join(place, "log"))
            run(os.path.join(self.find("cryptomod-audit"), "cryptomod-audit"), "verify", os.path.join(place, "log"),
                "--enrolment", os.path.join(place, "log.trust", "enrolment.json"))

    def test_headers_and_links(self):
        for name in ("cryptomod.h", "cryptomod.hpp", "audit_record.h"):
            self.assertEqual(os.path.basename(self.find(name)), "cryptomod")
        self.assertTrue(os.path.islink(os.path.join(self.libdir, "libcryptomod.so")))
        self.assertIn("libcryptomod.so.1", os.listdir(self.libdir))

    def test_programs(self):
        programs = {name: self.find(name) for name in ("cryptomod", "cryptomod-audit", "cryptomod-auditd")}
        self.assertEqual(os.path.basename(programs["cryptomod-auditd"]), "cryptomod")
        for name, place in programs.items():
            self.run_program(os.path.join(place, name), "--version")
        with tempfile.TemporaryDirectory() as place:
            self.run_program(os.path.join(programs["cryptomod"], "cryptomod"), "demo", place)

    def test_find_package(self):
        place = os.path.join(self.directory.name, "by-cmake")
        run(CMAKE, "-G", "Ninja", "-S", SOURCES, "-B", place, f"-DCMAKE_PREFIX_PATH={self.prefix}",
            f"-DCMAKE_C_COMPILER={CC}", f"-DCMAKE_CXX_COMPILER={CXX}")
        run(CMAKE, "--build", place)
        self.run_consumers(os.path.join(place, "consumer_c"), os.path.join(place, "consumer_cpp"))

    def test_pkg_config(self):
        env = {**os.environ, "PKG_CONFIG_PATH": self.find("cryptomod.pc")}
        flags = run("pkg-config", "--cflags", "--libs", "cryptomod", env=env).split()
        common = ["-pedantic", "-Wall", "-Wextra", "-Werror"]
        place = self.directory.name
        c_program, cpp_program = os.path.join(place, "pc_c"), os.path.join(place, "pc_cpp")
        run(CC, "-std=c99", *common, "-o", c_program, os.path.join(SOURCES, "consumer.c"), *flags)
        run(CXX, "-std=c++20", *common, "-o", cpp_program, os.path.join(SOURCES, "consumer.cpp"), *flags)
        self.run_consumers(c_program, cpp_program)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
