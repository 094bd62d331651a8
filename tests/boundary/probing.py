# SPDX-License-Identifier: Apache-2.0
"""probing.py: loads a module file in a process of its own (probe.c) and names what came of it."""

import json
import subprocess
from collections import namedtuple

STATE_READY, STATE_ERROR = 2, 4
TIMEOUT_S = 5

# kind: "status" (then state, failed_test, digest count), "no status" when the module refuses to tell it, "refused" by
# the dynamic linker, "died", "hung".
Outcome = namedtuple("Outcome", "kind state failed_test digest")


def probe(program, library):
    try:
        done = subprocess.run([program, library], capture_output=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return Outcome("hung", None, "", "")
    if done.returncode < 0 or done.returncode > 127:
        return Outcome("died", None, "", "")
    if done.returncode != 0:
        return Outcome("refused", None, "", "")
    if not done.stdout:
        return Outcome("died", None, "", "")  # ended without an answer
    answer = json.loads(done.stdout)
    if answer["rc"] < 0 and answer["state"] == 0:
        return Outcome("no status", None, "", "")
    return Outcome("status", answer["state"], answer["failed_test"], answer["digest"])
