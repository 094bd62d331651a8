# SPDX-License-Identifier: Apache-2.0
"""report.py: what the independent verifier found and where. The table is that of docs/audit-format.md, "Verdict";
independent_test.py compares the two."""

VERIFIED, TAMPERED, UNDECIDED, INCOMPLETE, USAGE = 0, 1, 2, 3, 64

BY_EXIT = {
    UNDECIDED: "io-error no-segments not-a-log unsupported-version trust-file limit",
    TAMPERED:
        "foreign-file segment-missing not-a-frame frame-size header-field record-damaged frame-damaged "
        "trailer-damaged log-id frame-sequence record-sequence previous-head writer-time payload frame-order "
        "client-state ring-allocation batch-marks ring-sequence event-unknown event-place entry-exit open-entries "
        "session-unopened session-shared seal-not-zero ak-invalid ak-mismatch enrolment-mismatch "
        "head-not-found attest-malformed attest-signature attest-signer attest-binding anchor-position quote-selection "
        "quote-pcr start-pcr tpm-counts tpm-clock tpm-identity tsc-order nv-name nv-value nv-behind "
        "nv-beyond segment-seal",
    INCOMPLETE:
        "no-trust-root ak-only no-end end-unanchored torn-last-frame unclean-reset unexplained-extend reset-gap "
        "restart-unrecorded nv-jump resettable-pcr seal-broken record-time open-at-detach session-unproved "
        "nv-pending",
    VERIFIED: "software-anchor no-isolation client-lost recovered anchor-lost firmware-changed",
}
EXIT_OF = {name: code for code, names in BY_EXIT.items() for name in names.split()}
WORDS = {VERIFIED: "verified", TAMPERED: "tampered", UNDECIDED: "undecided", INCOMPLETE: "incomplete"}


class Stop(Exception):
    """A finding after which nothing can be judged. place: see place()."""

    def __init__(self, name, where):
        super().__init__(name)
        assert EXIT_OF[name] in (TAMPERED, UNDECIDED)
        self.name, self.place = name, where


def place(segment, offset, frame, record=None):
    """record: (number, ring_id, ring_seq, event_id) or None."""
    out = {"segment": segment, "offset": offset, "frame": frame}
    if record is not None:
        out.update(zip(("record", "ring", "ring_seq", "event_id"), record))
    return out


class Report:
    def __init__(self):
        self.findings = []  # in the order of their first occurrence
        self.log_id = self.head = None
        self.nv_value = None  # of the last anchor, when the log was read to its end
        self.covered = None  # number of records that an anchor covers
        self.enrolled = False
        self.endorsement = None  # of the enrolment record
        self.device = False  # the genesis frame says that the TPM is one

    def add(self, name, where=None):
        """The first occurrence gives the place."""
        for finding in self.findings:
            if finding["id"] == name:
                finding["count"] += 1
                return
        self.findings.append({"id": name, "exit": EXIT_OF[name], "count": 1, "place": where or {}})

    def exit_code(self):
        """1 comes before 2 before 3."""
        found = {f["exit"] for f in self.findings}
        return next((code for code in (TAMPERED, UNDECIDED, INCOMPLETE) if code in found), VERIFIED)

    def as_dict(self):
        code = self.exit_code()
        covered = self.covered - 1 if self.covered else None
        whole = code in (VERIFIED, INCOMPLETE)
        hardware = whole and self.enrolled and self.device and None not in (self.endorsement, self.covered)
        return {"hardware": hardware, "endorsement": self.endorsement, "verdict": WORDS[code], "exit_code": code, "log_id": self.log_id, "head": self.head,
                "nv_value": self.nv_value, "covered_through_record": covered,
                "proved_through_record": covered if self.enrolled else None, "findings": self.findings}
