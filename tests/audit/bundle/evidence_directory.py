# SPDX-License-Identifier: Apache-2.0
"""evidence_directory.py: bundles for bundle_test.py: made, unpacked, changed by somebody who knows what he does, and
judged by their own script under dash with nothing in the environment but PATH."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile

NAME = "cryptomod-evidence"


def content(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


def write(data, *path):
    with open(os.path.join(*path), "wb") as file:
        file.write(data)


def write_log(directory, segments):
    os.makedirs(directory)
    for number, data in enumerate(segments):
        write(data, directory, f"{number:08}.cmlog")
    return directory


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=300, **options)


class Said:
    """What the script said."""

    def __init__(self, process):
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr
        self.lines = self.out.split("\n")
        match = re.match(r"verdict: (\w+) \(exit (\d)\)$", self.lines[0])
        self.word = match and match[1]
        self.sentence = self.lines[1] if match else ""
        self.findings = [line[2:] for line in self.lines if line.startswith("  3 ")]


class Evidence:
    """An unpacked bundle."""

    def __init__(self, archive, directory, script=None):
        self.directory = directory
        self.path = os.path.join(directory, NAME)
        with tarfile.open(archive) as tar:
            # Debian 12's first Python 3.11 knows no extraction filter.
            for member in tar:
                if not (member.isfile() or member.isdir()) or os.path.normpath(member.name).split("/")[0] != NAME:
                    raise ValueError(f"the bundle has a member outside its directory: {member.name}")
            tar.extractall(directory)
        if script:
            shutil.copyfile(script, os.path.join(self.path, "verify.sh"))
            self.seal()

    def files(self):
        out = []
        for directory, _, names in os.walk(self.path):
            out += [os.path.relpath(os.path.join(directory, name), self.path) for name in names]
        return sorted(out)

    def read(self, name):
        return content(self.path, name)

    def write(self, name, data):
        write(data, self.path, name)

    def remove(self, name):
        os.remove(os.path.join(self.path, name))

    def seal(self):
        """SHA256SUMS as it must be: no secret stands behind it."""
        lines = [f"{hashlib.sha256(self.read(name)).hexdigest()}  {name}\n"
                 for name in self.files() if name != "SHA256SUMS"]
        self.write("SHA256SUMS", "".join(lines).encode())

    def report(self, **values):
        """Changes the report."""
        report = json.loads(self.read("report.json"))
        report.update(values)
        self.write("report.json", (json.dumps(report, indent=2, sort_keys=True) + "\n").encode())

    def judge(self, *arguments, path="/usr/bin:/bin", environment=()):
        empty = os.path.join(self.directory, "empty")
        os.makedirs(empty, exist_ok=True)
        command = ["env", "-i", f"PATH={path}", *environment, "/bin/dash", os.path.join(self.path, "verify.sh"), *arguments]
        said = Said(run(command, cwd=empty))
        assert os.listdir(empty) == []
        return said
