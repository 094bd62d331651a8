# SPDX-License-Identifier: Apache-2.0
"""progress_test.py PROGRAM SLOW SOURCE [unittest options]: the commands of cryptomod-audit (PROGRAM) that read a whole
log say on a terminal how far they are when that takes long (SLOW is preloaded and makes it so), erase it before they
say anything else, and write nothing of it anywhere else. What is interrupted meanwhile leaves no file."""

import os
import pty
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM, SLOW, SOURCE = sys.argv[1:4]
LOG = os.path.join(SOURCE, "vectors", "audit", "rotated")  # four segments, each read once
RECORD = LOG + ".enrolment.json"


def screen(written):
    """The lines that stand on a terminal after this."""
    lines, line, at = [], "", 0
    for c in written:
        if c == "\r":
            at = 0
        elif c == "\n":
            lines, line, at = lines + [line.rstrip()], "", 0
        else:
            line, at = line[:at].ljust(at) + c + line[at + 1:], at + 1
    return lines + [line.rstrip()]


def on_terminal(arguments, slow=True, out=None):
    """Exit code and what was written to the terminal; out: where standard output goes, None: there too."""
    reader, terminal = pty.openpty()
    environment = dict(os.environ, LD_PRELOAD=SLOW) if slow else os.environ
    with subprocess.Popen([PROGRAM, *arguments], stdout=terminal if out is None else out, stderr=terminal,
                          env=environment) as process:
        os.close(terminal)
        written = b""
        while True:
            try:
                part = os.read(reader, 65536)
            except OSError:  # the other end was closed
                break
            written += part
        os.close(reader)
    return process.returncode, written.decode()


class Progress(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def file(self, name):
        return os.path.join(self.directory.name, name)

    def plain(self, arguments, merged=True):
        run = subprocess.run([PROGRAM, *arguments], stdout=subprocess.PIPE, check=False, text=True,
                             stderr=subprocess.STDOUT if merged else subprocess.PIPE)
        return run.returncode, run.stdout

    def shown_and_erased(self, arguments, again=None):
        code, written = on_terminal(arguments)
        self.assertIn("MiB (", written)
        said = self.plain(again or arguments)
        self.assertEqual(code, said[0])
        self.assertEqual([line for line in screen(written) if line], [line for line in said[1].split("\n") if line])

    def test_verdicts(self):
        self.shown_and_erased(["verify", LOG, "--enrolment", RECORD])
        self.shown_and_erased(["checkpoint", LOG])
        self.shown_and_erased(["report", LOG, "--html", self.file("page")])

    def test_bundle(self):
        code, written = on_terminal(["bundle", LOG, "--enrolment", RECORD, "-o", self.file("a.tar")])
        self.assertEqual(code, 0)
        self.assertIn("MiB (", written)
        self.assertEqual([line for line in screen(written) if "MiB" in line], [])

    def test_what_prints_as_it_reads_shows_nothing_unless_it_prints_into_a_file(self):
        for command in (["show", LOG], ["search", LOG, "--ring", "0"], ["export", LOG, "--csv"]):
            with self.subTest(command=command[0]):
                self.assertNotIn("MiB", on_terminal(command)[1])
                self.assertNotIn("MiB", on_terminal(command, out=subprocess.DEVNULL)[1])
                with open(self.file("out"), "wb") as out:
                    code, written = on_terminal(command, out=out)
                self.assertEqual(code, 0)
                self.assertIn("MiB (", written)
                line, *more = [line for line in screen(written) if line]
                self.assertRegex(line, "^cryptomod-audit: (shown|searched|exported), not verified; ")
                self.assertEqual(more, [])
                with open(self.file("out"), encoding="utf-8", newline="") as out:
                    self.assertEqual(out.read().replace("\r\n", "\n"), self.plain(command, merged=False)[1].replace("\r\n", "\n"))

    def test_what_is_done_at_once_shows_nothing(self):
        code, written = on_terminal(["verify", LOG, "--enrolment", RECORD], slow=False)
        self.assertEqual((code, written.replace("\r\n", "\n")), self.plain(["verify", LOG, "--enrolment", RECORD]))

    def test_interrupted(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with subprocess.Popen([PROGRAM, "bundle", LOG, "-o", self.file("a.tar")], stdout=subprocess.DEVNULL,
                                  env=dict(os.environ, LD_PRELOAD=SLOW)) as process:
                while not any(entry.stat().st_size for entry in os.scandir(self.directory.name)):
                    time.sleep(0.01)
                process.send_signal(number)
            self.assertEqual(process.returncode, -number)
            self.assertEqual(os.listdir(self.directory.name), [])

    def test_no_terminal(self):
        run = subprocess.run([PROGRAM, "verify", LOG, "--enrolment", RECORD], capture_output=True, check=False,
                             env=dict(os.environ, LD_PRELOAD=SLOW))
        self.assertEqual((run.returncode, run.stderr), (0, b""))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
