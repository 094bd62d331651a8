# SPDX-License-Identifier: Apache-2.0
"""probes_test.py SOURCE LIBRARY WRITER: the USDT probes of library and writer are those of the table in
docs/audit-service.md, with as many arguments as it says."""

import os
import re
import subprocess
import sys
import unittest

SOURCE, LIBRARY, WRITER = sys.argv.pop(1), sys.argv.pop(1), sys.argv.pop(1)
NOTE = re.compile(r"Provider: (\S+)\s+Name: (\S+)\s+Location: .*\s+Arguments: ?(.*)")


def probes_in(file):
    """{(provider:name, number of arguments)}"""
    notes = subprocess.run(["readelf", "-nW", file], check=True, capture_output=True, text=True).stdout
    return {(f"{provider}:{name}", len(arguments.split())) for provider, name, arguments in NOTE.findall(notes)}


def probes_of(where):
    with open(os.path.join(SOURCE, "docs/audit-service.md"), encoding="utf-8") as file:
        rows = re.findall(r"^\| `(cryptomod:\w+)` \| (.*?) \| (.*?) \|$", file.read(), re.MULTILINE)
    return {(name, arguments.count(",") + 1) for name, place, arguments in rows if place == where}


class Probes(unittest.TestCase):
    def test_of_the_library(self):
        self.assertEqual(probes_in(LIBRARY), probes_of("the library"))

    def test_of_the_writer(self):
        self.assertEqual(probes_in(WRITER), probes_of("the writer"))


if __name__ == "__main__":
    unittest.main()
