# SPDX-License-Identifier: Apache-2.0
"""inject_digest_test.py TOOL DIRECTORY: cm-inject-digest accepts a well linked module, gives the same digest again,
names the reason for each refusal, leaves refused files alone, and survives damaged files."""

import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

TOOL, VARIANTS = sys.argv[1:3]
REFUSED, USAGE = 1, 64
MUTATIONS = 300


LOAD_AND_TEST = "import ctypes, sys; sys.exit(ctypes.CDLL(sys.argv[1]).cm_variant() != 0)"


def passes(path):
    """Whether the module passes its own integrity test, in a process of its own."""
    return subprocess.run([sys.executable, "-c", LOAD_AND_TEST, path], check=False).returncode == 0


def read(path):
    with open(path, "rb") as f:
        return f.read()


class InjectDigest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def copy(self, name):
        path = os.path.join(self.directory.name, f"{name}.so")
        shutil.copyfile(os.path.join(VARIANTS, f"{name}.so"), path)
        return path

    def run_tool(self, *arguments):
        return subprocess.run([TOOL, *arguments], capture_output=True, text=True, check=False)

    def check_refused(self, name, reason, *options):
        path = self.copy(name)
        before = read(path)
        done = self.run_tool(*options, path)
        self.assertEqual(done.returncode, REFUSED, f"{name}: {done.stdout}{done.stderr}")
        self.assertIn(reason, done.stderr)
        self.assertEqual(read(path), before)
        self.assertEqual(os.listdir(self.directory.name), [f"{name}.so"])

    def test_injects_once_and_again_the_same(self):
        path = self.copy("good")
        os.chmod(path, 0o751)
        self.assertFalse(passes(path), "there is no digest yet")
        fresh = os.path.join(self.directory.name, "fresh.so")
        shutil.copy(path, fresh)
        first = self.run_tool(fresh)
        self.assertEqual((first.returncode, first.stderr), (0, ""))
        self.assertTrue(passes(fresh))
        once, identity = read(fresh), os.stat(fresh).st_ino
        self.assertEqual(self.run_tool(fresh).stdout, first.stdout)
        self.assertEqual((read(fresh), os.stat(fresh).st_ino), (once, identity), "the second run rewrote the file")
        self.assertEqual(os.stat(fresh).st_mode & 0o777, 0o751)
        self.assertEqual(len(once), len(read(path)))

    def test_link_stays_a_link(self):
        path = self.copy("good")
        link = os.path.join(self.directory.name, "link.so")
        os.symlink("good.so", link)
        self.assertEqual(self.run_tool(link).returncode, 0)
        self.assertTrue(os.path.islink(link))
        self.assertEqual(self.run_tool("--check", path).returncode, 0)

    def test_check_writes_nothing(self):
        path = self.copy("good")
        before = read(path)
        self.assertEqual(self.run_tool("--check", path).returncode, REFUSED)
        self.assertEqual(read(path), before)

    def test_instrumented_build_is_marked_in_the_digest(self):
        path = self.copy("writable_data")
        self.assertEqual(self.run_tool("--allow-data", path).returncode, 0)
        self.assertTrue(passes(path))
        data = bytearray(read(path))
        flags = data.index(b"cm-digest-slot\x1a\x01") + 20
        self.assertEqual(struct.unpack_from("<I", data, flags), (1,))
        data[flags] = 0
        with open(path, "wb") as f:
            f.write(data)
        self.assertEqual(self.run_tool("--check", path).returncode, REFUSED)

    def test_refuses_writable_data(self):
        self.check_refused("writable_data", "initialised writable data")

    def test_refuses_pointer_in_data(self):
        self.check_refused("pointer_in_data", "a relocated pointer in writable data")

    def test_refuses_symbol_of_its_own(self):
        self.check_refused("own_symbol", "binds a symbol of its own")

    def test_refuses_ifunc(self):
        self.check_refused("ifunc", "a type that is not allowed")
        self.check_refused("ifunc", "a type that is not allowed", "--allow-data")

    def test_refuses_text_relocation(self):
        self.check_refused("text_relocation", "a relocation reaches a read-only segment")

    def test_refuses_lazy_binding(self):
        self.check_refused("lazy", "bound lazily")

    def test_refuses_missing_relro(self):
        self.check_refused("no_relro", "PT_GNU_RELRO")

    def test_refuses_executable_stack(self):
        self.check_refused("executable_stack", "the stack would be executable")

    def test_refuses_bytes_behind_the_code(self):
        path = self.copy("good")
        data = bytearray(read(path))
        phdrs = [struct.unpack_from("<IIQQQQ", data, 64 + 56 * i) for i in range(struct.unpack_from("<H", data, 56)[0])]
        offset, size = next((p[2], p[5]) for p in phdrs if p[0] == 1 and p[1] & 1)
        data[offset + size + 1] = 0xCC
        with open(path, "wb") as f:
            f.write(data)
        done = self.run_tool(path)
        self.assertEqual(done.returncode, REFUSED)
        self.assertIn("the rest of the last page of code is not zero", done.stderr)

    def test_refuses_missing_slot(self):
        self.check_refused("no_slot", "no digest slot")

    def test_refuses_what_is_no_elf_file(self):
        path = os.path.join(self.directory.name, "text.so")
        for content in (b"", b"hello\n", b"\x7fELF" + bytes(200)):
            with open(path, "wb") as f:
                f.write(content)
            self.assertEqual(self.run_tool(path).returncode, REFUSED)
        self.assertEqual(self.run_tool(path + ".missing").returncode, REFUSED)
        self.assertEqual(self.run_tool(self.directory.name).returncode, REFUSED)

    def test_usage(self):
        for arguments in ((), ("--wrong", "x"), ("a", "b")):
            self.assertEqual(self.run_tool(*arguments).returncode, USAGE)

    def test_damaged_files_are_refused_without_harm(self):
        """Truncation anywhere, and random changes in the headers and dynamic tables that the tool reads."""
        whole = read(self.copy("good"))
        path = os.path.join(self.directory.name, "damaged.so")
        draw = random.Random(1)
        cases = [whole[:n] for n in range(0, len(whole), max(1, len(whole) // 60))]
        for _ in range(MUTATIONS):
            data = bytearray(whole)
            for _ in range(draw.randrange(1, 4)):
                data[draw.randrange(0x2000 if draw.random() < 0.7 else len(data))] = draw.randrange(256)
            cases.append(bytes(data))
        for data in cases:
            with open(path, "wb") as f:
                f.write(data)
            self.assertIn(self.run_tool(path).returncode, (0, REFUSED))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
