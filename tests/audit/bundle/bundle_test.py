# SPDX-License-Identifier: Apache-2.0
"""bundle_test.py PROGRAM SOURCE [--script FILE] [--mutants N] [--first K] [unittest options]: `cryptomod-audit bundle`
(PROGRAM) and the script in what it packs: on the golden logs (SOURCE/vectors/audit) both say what `verify` says; every
change is found, also by those checks that an attacker who corrects everything around it leaves; N mutants of each kind
of each golden log from number K on. --script takes the place of the packed one, to see that a broken one is noticed."""

import argparse
import collections
import json
import os
import resource
import shutil
import signal
import sys
import tarfile
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "independent"))

import evidence_directory as evidence
import forger
import frames
import hashes
import mutants
import parts
import payloads
from evidence_directory import content, run

VERIFIED, TAMPERED, UNDECIDED, INCOMPLETE, USAGE = 0, 1, 2, 3, 64


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("source")
    parser.add_argument("--script")
    parser.add_argument("--mutants", type=int, default=12)
    parser.add_argument("--first", type=int, default=0)
    return parser.parse_known_args()


OPTIONS, UNITTEST_OPTIONS = arguments()
VECTORS = os.path.join(os.path.abspath(OPTIONS.source), "vectors", "audit")
REPORT_CAPS = "what is checked here agrees, but the report says"


def golden_path(name):
    return os.path.join(VECTORS, name)


def record_path(name):
    return os.path.join(VECTORS, f"{name}.enrolment.json")


GOLDEN = mutants.Golden({name: [content(golden_path(name), s) for s in sorted(os.listdir(golden_path(name)))]
                         for name in mutants.GOLDEN})
LIVE = [b"".join(GOLDEN.flat("clean")[:5])]  # no end, but an anchor


class Bundles(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.number = 0

    def place(self):
        """A path where nothing is yet."""
        self.number += 1
        return os.path.join(self.temporary.name, str(self.number))

    def pack(self, log, *options):
        """The archive, or None, and what the program did."""
        archive = self.place() + ".tar"
        process = run([OPTIONS.program, "bundle", log, "-o", archive, *options])
        return archive if os.path.exists(archive) else None, process

    def unpacked(self, log, *options):
        archive, process = self.pack(log, *options)
        self.assertIsNotNone(archive, process.stderr)
        directory = self.place()
        os.mkdir(directory)
        return evidence.Evidence(archive, directory, OPTIONS.script)

    def golden(self, name):
        return self.unpacked(golden_path(name), "--enrolment", record_path(name))

    def forged(self, name, segments):
        """A bundle of changed segments with everything around them corrected: quotes beside the log, the report, sums."""
        bundle, frame = self.golden(name), b""
        for file in bundle.files():
            if file.startswith(("log/", "anchors/")):
                bundle.remove(file)
        number = 0
        for index, data in enumerate(segments):
            bundle.write(f"log/{index:08}.cmlog", data)
            for frame in parts.read_frames(data):
                part, number = parts.Part(frame), number + 1
                p = part.fields() if part.type == payloads.ANCHOR else None
                if p is not None:
                    for suffix, field in (("quote", "quote_attest"), ("signature", "quote_signature"), ("pcr", "pcr_value")):
                        bundle.write(f"anchors/{number - 1:012}.{suffix}", p[field])
        bundle.report(exit_code=0, head=hashes.sha256(frame[:frames.HEADER.size]).hex())
        bundle.seal()
        return bundle

    def expect(self, bundle, code, sentence=""):
        said = bundle.judge()
        self.assertEqual(said.code, code, said.out + said.err)
        self.assertEqual(said.word, {0: "verified", 1: "tampered", 2: "undecided", 3: "incomplete"}[code])
        self.assertIn(sentence, said.sentence)
        return said


class Agreement(Bundles):
    def test_golden_logs_with_every_trust_root(self):
        for name in mutants.GOLDEN:
            key = self.place()
            evidence.write(json.loads(content(record_path(name)))["ak_public"].encode(), key)
            for root in ([], ["--enrolment", record_path(name)], ["--ak", key]):
                with self.subTest(log=name, root=root[:1]):
                    verdict = run([OPTIONS.program, "verify", golden_path(name), *root])
                    archive, process = self.pack(golden_path(name), *root)
                    self.assertEqual(process.returncode, verdict.returncode)
                    self.assertTrue(process.stdout.startswith(verdict.stdout), process.stdout)
                    bundle = evidence.Evidence(archive, self.place(), OPTIONS.script)
                    said = bundle.judge()
                    self.assertEqual(said.code, verdict.returncode, said.out + said.err)
                    self.assertEqual(said.err, "")
                    if root[:1] == ["--enrolment"]:
                        self.assertEqual(said.sentence, json.loads(bundle.read("report.json"))["statement"])
                    else:
                        self.assertTrue(said.sentence.startswith("Nothing is proved"))

    def test_an_enrolment_record_of_ones_own(self):
        bundle = self.unpacked(golden_path("clean"))
        record = self.place()
        shutil.copyfile(record_path("clean"), record)
        said = bundle.judge("--enrolment", record)
        self.assertEqual(said.code, INCOMPLETE)  # that of the report, which had none
        self.assertTrue(said.sentence.startswith("Proved through record 8"), said.sentence)
        self.assertEqual(self.golden("clean").judge("--enrolment", record).code, VERIFIED)
        self.assertEqual(self.golden("clean").judge("--enrolment", record_path("rotated")).code, TAMPERED)
        said = bundle.judge("--enrolment", self.place())
        self.assertEqual(said.code, UNDECIDED)
        self.assertIn("cannot read", said.sentence)

    def test_live_and_torn_logs(self):
        for name, segments in (("clean", LIVE), ("clean", [b"".join(GOLDEN.flat("clean")[:-1])]),
                               ("clean", [GOLDEN.logs["clean"][0], GOLDEN.logs["clean"][1][:-700]]),
                               ("rotated", GOLDEN.logs["rotated"] + [b""])):
            log = evidence.write_log(self.place(), segments)
            verdict = json.loads(run([OPTIONS.program, "verify", log, "--enrolment", record_path(name), "--json"]).stdout)
            self.assertEqual(verdict["exit_code"], INCOMPLETE)
            said = self.expect(self.unpacked(log, "--enrolment", record_path(name)), INCOMPLETE)
            self.assertEqual(said.sentence, verdict["statement"])
            torn = [f for f in verdict["findings"] if f["id"] == "torn-last-frame"]
            self.assertEqual(len(torn), sum("the last frame is incomplete" in f for f in said.findings))

    def test_mutants(self):
        """The script's verdict is that of verify: its own checks or the report in the bundle say so."""
        seen = collections.Counter()
        for name in mutants.GOLDEN:
            for kind in mutants.KINDS:
                for number in range(OPTIONS.first, OPTIONS.first + OPTIONS.mutants):
                    with self.subTest(f"{name}:{kind}:{number}"):
                        seen[self.mutant(name, f"{name}:{kind}:{number}")] += 1
        print("mutants: " + ", ".join(f"{what} {count}" for what, count in sorted(seen.items())))
        self.assertGreater(seen["tampered, found by the script"], seen["tampered, said by the report"])
        self.assertGreater(seen["incomplete"], 0)

    def mutant(self, name, what):
        log = evidence.write_log(self.place(), mutants.make(GOLDEN, what).segments)
        root = ["--enrolment", record_path(name)]
        verdict = json.loads(run([OPTIONS.program, "verify", log, "--json", *root]).stdout)
        archive, process = self.pack(log, *root)
        self.assertEqual(process.returncode, verdict["exit_code"])
        if verdict["exit_code"] == UNDECIDED:
            self.assertIsNone(archive)
            return "undecided"
        said = self.expect(evidence.Evidence(archive, self.place(), OPTIONS.script), verdict["exit_code"])
        if said.code == TAMPERED:
            return "tampered, " + ("said by the report" if REPORT_CAPS in said.sentence else "found by the script")
        self.assertEqual(said.sentence, verdict["statement"])
        return verdict["verdict"]


class Archive(Bundles):
    def test_the_same_log_gives_the_same_bytes(self):
        first, _ = self.pack(golden_path("clean"), "--enrolment", record_path("clean"))
        copy = self.place()
        shutil.copytree(golden_path("clean"), copy)
        for name in os.listdir(copy):
            os.utime(os.path.join(copy, name), (1, 1))
        second, _ = self.pack(copy, "--enrolment", record_path("clean"))
        self.assertEqual(content(first), content(second))

    def test_what_is_in_it(self):
        archive, _ = self.pack(golden_path("clean"), "--enrolment", record_path("clean"))
        with tarfile.open(archive) as tar:
            members = tar.getmembers()
        for m in members:
            self.assertTrue(m.isfile() and m.name.startswith(evidence.NAME + "/"), m.name)
            self.assertEqual((m.uid, m.gid, m.mtime), (0, 0, 0))
            self.assertEqual(m.mode, 0o755 if m.name.endswith("/verify.sh") else 0o644)
        bundle = self.golden("clean")
        names = [f"anchors/{n:012}.{s}" for n in (4, 10, 16) for s in ("pcr", "quote", "signature")]
        self.assertEqual(bundle.files(), sorted(names + [
            "README.txt", "SHA256SUMS", "ak.pem", "enrolment.json", "log/00000000.cmlog", "log/00000001.cmlog",
            "report.html", "report.json", "verify.sh"]))
        self.assertEqual(bundle.read("log/00000001.cmlog"), GOLDEN.logs["clean"][1])
        self.assertEqual(bundle.read("enrolment.json"), content(record_path("clean")))
        root = ["--enrolment", record_path("clean")]
        self.assertEqual(bundle.read("report.json").decode(),
                         run([OPTIONS.program, "verify", golden_path("clean"), "--json", *root]).stdout)
        self.assertEqual(bundle.read("report.html").decode(),
                         run([OPTIONS.program, "report", golden_path("clean"), "--html", "-", *root]).stdout)
        self.assertEqual(run(["tar", "-tf", archive]).stderr, "")

    def test_every_file_by_itself(self):
        """An attacker who changes one file and corrects nothing."""
        bundle = self.golden("clean")
        for name in bundle.files():
            data = bundle.read(name)
            with self.subTest(name):
                bundle.write(name, data + b"\n")
                self.assertEqual(bundle.judge().code, TAMPERED)
                bundle.remove(name)
                if name != "verify.sh":
                    self.assertEqual(bundle.judge().code, UNDECIDED if name in ("SHA256SUMS", "report.json") else TAMPERED)
                bundle.write(name, data)
        self.expect(bundle, VERIFIED)
        for name in ("more", ".more", "log/.more", "anchors/more"):
            bundle.write(name, b"")
            self.expect(bundle, TAMPERED, "files that SHA256SUMS does not name")
            bundle.remove(name)


class Files(Bundles):
    """Everything but the log, with sums that agree."""

    def changed(self, name, data, code, sentence, log="clean"):
        bundle = self.golden(log)
        if data is None:
            bundle.remove(name)
        else:
            bundle.write(name, data)
        bundle.seal()
        return self.expect(bundle, code, sentence)

    def test_quotes_beside_the_log(self):
        for suffix in ("quote", "signature", "pcr"):
            name = f"anchors/000000000010.{suffix}"
            data = bytearray(self.golden("clean").read(name))
            data[-1] ^= 1
            for changed in (bytes(data), None):
                self.changed(name, changed, TAMPERED, "are not what the log has")

    def test_attestation_key(self):
        self.changed("ak.pem", self.golden("rotated").read("ak.pem"), TAMPERED, "ak.pem is not the attestation key")

    def test_enrolment_record(self):
        self.changed("enrolment.json", content(record_path("rotated")), TAMPERED, "not the one that was enrolled")
        record = json.loads(content(record_path("clean")))
        for name, value in record.items():
            other = value + 1 if isinstance(value, int) else "device" if name == "tpm_kind" else value[:-1] + "e"
            for indent in (None, 2):
                text = json.dumps(dict(record, **{name: other}), indent=indent).encode()
                self.changed("enrolment.json", text, UNDECIDED if name == "version" else TAMPERED, f"[{name}]" * (name != "version"))
            text = json.dumps({k: v for k, v in record.items() if k != name}).encode()
            self.changed("enrolment.json", text, UNDECIDED, "the enrolment record")
        twice = content(record_path("clean")).replace(b"{", b'{"nv_start": 40,', 1)
        self.changed("enrolment.json", twice, UNDECIDED, "there twice")

    def test_values_of_the_enrolment_record_that_are_none(self):
        for value in ("", "40+1", "$(exit)", -1, [1]):
            text = json.dumps(dict(json.loads(content(record_path("clean"))), nv_start=value)).encode()
            self.changed("enrolment.json", text, UNDECIDED, 'field "nv_start" of the enrolment record is wrong')

    def test_links(self):
        bundle = self.golden("clean")
        os.rename(os.path.join(bundle.path, "ak.pem"), os.path.join(bundle.directory, "ak.pem"))
        os.symlink("../ak.pem", os.path.join(bundle.path, "ak.pem"))
        self.expect(bundle, TAMPERED, "ak.pem is a link")

    def test_enrolment_record_in_capitals(self):
        record = {k: v.upper() if k != "tpm_kind" and isinstance(v, str) else v
                  for k, v in json.loads(content(record_path("clean"))).items()}
        self.changed("enrolment.json", json.dumps(record).encode(), VERIFIED, "Proved through record 8")

    def test_segments(self):
        self.changed("log/00000001.cmlog", None, TAMPERED, "not the report of this log")
        self.changed("log/00000000.cmlog", None, TAMPERED, "not numbered consecutively")
        self.changed("log/00000001.cmlog", None, TAMPERED, "segments are not numbered", "rotated")
        self.changed("log/notes", b"x", TAMPERED, "something else among them")

    def test_report(self):
        for values, code, sentence in (({"exit_code": 1}, TAMPERED, REPORT_CAPS), ({"exit_code": 2}, UNDECIDED, "no verdict"),
                                       ({"exit_code": 3}, INCOMPLETE, "Proved through record 8"),
                                       ({"covered_through_record": 9}, TAMPERED, "not the report of this log"),
                                       ({"head": "00" * 32}, TAMPERED, "not the report of this log")):
            bundle = self.golden("clean")
            bundle.report(**values)
            bundle.seal()
            self.expect(bundle, code, sentence)
        bundle = self.golden("clean")
        bundle.report(exit_code=3)
        bundle.seal()
        self.assertIn("a reason that is not checked here", self.expect(bundle, INCOMPLETE).findings[0])
        for name in ("exit_code", "head", "covered_through_record"):
            bundle = self.golden("clean")
            report = json.loads(bundle.read("report.json"))
            del report[name]
            bundle.write("report.json", json.dumps(report, indent=2).encode())
            bundle.seal()
            self.expect(bundle, UNDECIDED, "not a report of cryptomod-audit")
        bundle = self.golden("eventful")
        bundle.report(exit_code=0)
        bundle.seal()
        said = self.expect(bundle, INCOMPLETE)
        self.assertEqual(len(said.findings), 3, said.out)

    def test_what_the_report_cannot_hide(self):
        """Findings of code 3 that the script has by itself."""
        bundle = self.unpacked(evidence.write_log(self.place(), LIVE), "--enrolment", record_path("clean"))
        bundle.report(exit_code=0)
        bundle.seal()
        self.assertTrue(any("does not end with an end frame" in f for f in self.expect(bundle, INCOMPLETE).findings))
        ended = evidence.write_log(self.place(), [b"".join(GOLDEN.flat("clean")[:-1])])
        bundle = self.unpacked(ended, "--enrolment", record_path("clean"))
        bundle.report(exit_code=0)
        bundle.seal()
        self.assertEqual(self.expect(bundle, INCOMPLETE).findings, ["3 no anchor covers the end frame"])
        bundle = self.unpacked(golden_path("clean"))
        bundle.report(exit_code=0)
        bundle.seal()
        self.assertTrue(any("no enrolment record" in f for f in self.expect(bundle, INCOMPLETE).findings))


class Forgeries(Bundles):
    """Changed logs with everything around them corrected: the script's own checks are all there is."""

    def parts(self, name="clean"):
        return [parts.Part(f) for f in GOLDEN.flat(name)]

    def chained(self, change, name="clean"):
        changed = self.parts(name)
        change(changed)
        return mutants.split_at_seals(parts.chain(changed)) if name == "rotated" else [b"".join(parts.chain(changed))]

    def anchor(self, change, name="clean", which=0, signed=False):
        """The chain with one anchor changed; signed: by somebody who has the key."""
        changed = self.parts(name)
        part = [p for p in changed if p.type == payloads.ANCHOR][which]
        if signed:
            forger.Forger(name).run(changed)
        p = part.fields()
        change(p)
        if signed:
            for attest, signature in (("quote_attest", "quote_signature"), ("nv_attest", "nv_signature")):
                p[signature] = forger.sign(forger.PRIVATE[name], p[attest])
        part.var = parts.encode(payloads.ANCHOR, p)
        return [b"".join(parts.chain(changed))]

    def finds(self, segments, sentence, name="clean"):
        self.expect(self.forged(name, segments), TAMPERED, sentence)

    def finds_without_record(self, log, code, sentence, name="clean", covered=None):
        """Where the enrolment record would be what disagrees."""
        bundle = self.forged(name, [log])
        bundle.remove("enrolment.json")
        bundle.report(covered_through_record=covered)
        bundle.seal()
        said = self.expect(bundle, code)
        self.assertIn(sentence, "\n".join([said.sentence, *said.findings]))

    def finds_incomplete(self, segments, sentence):
        said = self.expect(self.forged("clean", segments), INCOMPLETE)
        self.assertIn(sentence, "\n".join(said.findings))

    def test_corrected_and_not_changed(self):
        """Else the others would test nothing but the corrections."""
        bundle = self.forged("clean", [b"".join(GOLDEN.flat("clean"))])
        self.assertIn("Proved through record 8", self.expect(bundle, VERIFIED).sentence)

    def test_bytes(self):
        for at, sentence in ((0x500, "the bytes of this frame"), (0x4c4, "the bytes of this frame"),
                             (0x4a0, "the bytes of this frame"), (0x440, "bytes that do not begin a frame"),
                             (0x448, "a header field"), (0x44b, "a header field"), (0x44f, "a header field"),
                             (0x472, "a header field"), (0x475, "longer than what is left"),
                             (0x450, "id of another log"), (0x460, "missing, doubled"), (0x468, "first record"),
                             (0x480, "does not chain to"), (0x478, "does not chain to")):
            data = bytearray(b"".join(GOLDEN.flat("clean")))
            data[at] ^= 0x80
            with self.subTest(hex(at)):
                bundle = self.golden("clean")
                bundle.write("log/00000000.cmlog", bytes(data))
                bundle.remove("log/00000001.cmlog")
                bundle.seal()
                self.expect(bundle, TAMPERED, sentence)

    def test_what_is_left_of_a_frame(self):
        first, second = GOLDEN.logs["clean"]
        for segments, sentence in (([first, second + b"CMAUDIT1"], "shorter than its header"),
                                   ([first, b"", second], "the segment is empty"),
                                   ([first, second[:-1]], "longer than what is left")):
            bundle = self.golden("clean")
            for index, data in enumerate(segments):
                bundle.write(f"log/{index:08}.cmlog", data)
            bundle.seal()
            self.expect(bundle, TAMPERED, sentence)

    def test_a_report_that_calls_damage_torn(self):
        """Only the last frame can be."""
        first, second = GOLDEN.logs["clean"]
        sizes = [len(f) for f in parts.read_frames(second)]
        for at, code in ((sum(sizes[:-2]) + 130, TAMPERED), (sum(sizes[:-1]) + 130, INCOMPLETE)):
            bundle = self.golden("clean")
            data = bytearray(second)
            data[at] ^= 1
            bundle.write("log/00000001.cmlog", bytes(data))
            bundle.seal()
            self.expect(bundle, TAMPERED, "the bytes of this frame")
            head = hashes.sha256(GOLDEN.flat("clean")[-2][:frames.HEADER.size]).hex()
            bundle.report(findings=[{"id": "torn-last-frame", "text": ""}], head=head, covered_through_record=6)
            bundle.seal()
            self.expect(bundle, code, "the bytes of this frame" if code == TAMPERED else "Proved through record 6")
        for name in ("log/00000001.cmlog", "anchors/000000000004.pcr"):
            bundle.remove(name)
        bundle.write("log/00000000.cmlog", b"")
        bundle.seal()
        self.expect(bundle, UNDECIDED, "the log has no frame")

    def test_frames(self):
        def swap(p):
            p[2], p[3] = p[3], p[2]

        def drop(p):
            del p[3]

        def record(p):
            next(x for x in p if x.type == payloads.BATCH).records[1][4] ^= 1

        for change in (swap, drop, record):
            self.finds(self.chained(change), "The anchor" if change is None else "the anchor names")
        self.finds([b"".join(GOLDEN.flat("clean")[1:])], "missing, doubled")
        self.finds(self.chained(lambda p: p.insert(1, p[0])), "may not stand here")

    def test_start_value_of_the_pcr(self):
        def change(p):
            fields = p[0].fields()
            fields["pcr_start"] = bytes(31) + b"\1"
            p[0].var = parts.encode(payloads.GENESIS, fields)
        self.finds(self.chained(change), "enrolled [genesis_head]")

    def test_seal_of_a_segment(self):
        def change(p):
            seal = next(x for x in p if x.type == payloads.SEAL)
            seal.var = parts.encode(payloads.SEAL, dict(seal.fields(), bytes=1))
        self.finds(self.chained(change, "rotated"), "the seal belongs to another place", "rotated")
        self.finds([b"".join(GOLDEN.flat("rotated"))], "goes on behind its seal", "rotated")

    def test_quote_and_certification(self):
        def flip(name, at):
            def change(p):
                data = bytearray(p[name])
                data[at] ^= 1
                p[name] = bytes(data)
            return change

        def cut(name, size):
            def change(p):
                p[name] = p[name][:size]
            return change

        def number(name, more):
            def change(p):
                p[name] += more
            return change

        for change, sentence in (
                (flip("quote_signature", 20), "tpm2_checkquote refuses"), (flip("quote_attest", 80), "tpm2_checkquote refuses"),
                (flip("nv_signature", 20), "not signed by the attestation key"),
                (flip("nv_signature", 1), "the signature of the certification is not one"),
                (flip("nv_attest", 80), "not signed by the attestation key"),
                (flip("challenge", 0), "tpm2_checkquote refuses"), (number("nv_value", 1), "tpm2_checkquote refuses"),
                (flip("pcr_value", 0), "the PCR of the anchor"), (flip("anchored_head", 0), "names another head"),
                (number("anchored_seq", -1), "names another head"), (number("anchored_seq", 9), "a frame that it cannot name")):
            with self.subTest(sentence):
                self.finds(self.anchor(change), sentence)
        # By somebody who has the key: what the signature cannot show.
        for change, sentence in (
                (flip("quote_attest", 0), "quote"), (flip("quote_attest", 5), "quote"),
                (flip("quote_attest", 10), "is not one of the log's attestation key"),
                (flip("quote_attest", 87), "another start of the TPM"), (flip("quote_attest", 100), "firmware"),
                (flip("quote_attest", 109), "other registers"), (flip("quote_attest", 110), "other registers"),
                (flip("nv_attest", 0), "is not one of"), (flip("nv_attest", 5), "is not one of"),
                (flip("nv_attest", 10), "is not one of the log's attestation key"),
                (flip("nv_attest", 50), "for another log, place"), (flip("nv_attest", 87), "another start of the TPM"),
                (flip("quote_attest", 81), "clock goes back in the quote"),
                (flip("nv_attest", 81), "clock goes back in the certification"), (cut("nv_attest", 95), "is cut off"), (flip("nv_attest", 100), "firmware"),
                (flip("nv_attest", 110), "not the enrolled one"), (flip("nv_attest", 148), "not the recorded one")):
            with self.subTest(sentence):
                self.finds(self.anchor(change, signed=True), sentence)

    def test_counter(self):
        changed = self.parts()
        anchors = [p for p in changed if p.type == payloads.ANCHOR]
        anchors[1].var = parts.encode(payloads.ANCHOR, dict(anchors[1].fields(), nv_value=43))
        log = [b"".join(forger.Forger("clean", keep_counter=True).run(changed))]
        self.finds(log, "anchors are missing or were made elsewhere")

    def test_starts(self):
        for field, change, sentence in (
                ("reset_count", lambda p: p["reset_count"] - 2, "counts of resets"), ("kind", lambda p: 2, "another one"),
                ("clock_ms", lambda p: 5, "clock goes back"), ("nv_value", lambda p: 77, "counter does not continue"),
                ("manufacturer", lambda p: 1, "another one")):
            changed = self.parts()
            start = next(p for p in changed if p.type == payloads.BOOT)
            fields = start.fields()
            fields[field] = change(fields)
            start.var = parts.encode(payloads.BOOT, fields)
            with self.subTest(field):
                self.finds([b"".join(forger.Forger("clean", keep_counter=True).run(changed))], sentence)

    def test_value_of_the_pcr_that_is_not_explained(self):
        changed = self.parts("eventful")
        at = next(i for i, p in enumerate(changed) if p.type == payloads.UNEXPLAINED)
        changed[at].var = parts.encode(payloads.UNEXPLAINED, dict(changed[at].fields(), expected=bytes(32)))
        self.finds([b"".join(parts.chain(changed))], "expected value of the PCR", "eventful")

    def test_payloads_that_do_not_decode(self):
        for kind, sentence in ((payloads.BOOT, "the frame of a start does not decode"),
                               (payloads.ANCHOR, "the anchor does not decode")):
            changed = self.parts()
            next(p for p in changed if p.type == kind).var = bytes(64)
            self.finds([b"".join(parts.chain(changed))], sentence)
        changed = self.parts()
        changed[0].var = bytes(64)
        self.finds_without_record(b"".join(parts.chain(changed)), TAMPERED, "the genesis frame does not decode")
        changed = self.parts("eventful")
        next(p for p in changed if p.type == payloads.UNEXPLAINED).var = b""
        self.finds([b"".join(parts.chain(changed))], "the frame does not decode", "eventful")

    def test_fields_of_genesis(self):
        for values, frames_left, code, sentence in (({"pcr_index": 24}, 17, TAMPERED, "there is no such PCR"),
                                                    ({"kind": 3}, 17, TAMPERED, "no such kind of TPM"),
                                                    ({"pcr_index": 16}, 3, INCOMPLETE, "can be reset by software")):
            changed = self.parts()[:frames_left]
            changed[0].var = parts.encode(payloads.GENESIS, dict(changed[0].fields(), **values))
            self.finds_without_record(b"".join(parts.chain(changed)), code, sentence)

    def test_start_that_is_not_explained(self):
        changed = self.parts()[:5]
        start = parts.Part(next(f for f in GOLDEN.flat("clean") if parts.Part(f).type == payloads.BOOT))
        start.type = payloads.RECOVERY
        start.var = parts.encode(payloads.RECOVERY, dict(start.fields(), reset_count=3, pcr_value=bytes(32), nv_value=41))
        changed += [start, self.parts()[1]]
        self.finds([b"".join(parts.chain(changed))], "frame 5 names a value of the PCR")

    def test_counter_of_a_chip_that_jumps(self):
        changed = self.parts("eventful")
        boot = next(i for i, p in enumerate(changed) if p.type == payloads.BOOT)
        for part, values in ((changed[0], {"kind": 2}), (changed[boot], {"kind": 2, "nv_value": 90})):
            part.var = parts.encode(part.type, dict(part.fields(), **values))
        log = forger.Forger("eventful", keep_counter=True).run(changed[:boot + 1])
        self.finds_without_record(b"".join(log), INCOMPLETE, "counter jumped ahead", "eventful", 5)

    def test_starts_of_the_tpm(self):
        changed = self.parts()
        boot = next(i for i, p in enumerate(changed) if p.type == payloads.BOOT)
        changed.insert(boot + 1, changed[boot])
        self.finds([b"".join(parts.chain(changed))], "boot without an end frame or a reset")
        changed = self.parts()
        changed[boot].var = parts.encode(payloads.BOOT, dict(changed[boot].fields(), reset_count=9))
        self.finds_incomplete([b"".join(forger.Forger("clean").run(changed))], "started more often than this log recorded")

        def restarted(p):
            for name in ("quote_attest", "nv_attest"):
                p[name] = p[name][:91] + b"\1" + p[name][92:]
        self.finds_incomplete(self.anchor(restarted, which=2, signed=True), "restarted while the writer ran")

    def test_quote_that_an_easier_tool_accepts(self):
        """What the script looks at itself."""
        tools = self.place()
        os.mkdir(tools)
        evidence.write(b"#!/bin/sh\n", tools, "tpm2_checkquote")
        os.chmod(os.path.join(tools, "tpm2_checkquote"), 0o755)
        for at, sentence in ((0, "is not one of the log's"), (50, "for another log"), (109, "other registers"),
                             (140, "the quoted PCR is not the one")):
            def change(p, at=at):
                p["quote_attest"] = p["quote_attest"][:at] + bytes([p["quote_attest"][at] ^ 1]) + p["quote_attest"][at + 1:]
            said = self.forged("clean", self.anchor(change)).judge(path=f"{tools}:/usr/bin:/bin")
            self.assertEqual(said.code, TAMPERED)
            self.assertIn(sentence, said.sentence)

    def test_key_that_is_no_signing_key(self):
        changed = self.parts()
        genesis = changed[0].fields()
        for area, sentence in ((genesis["ak_public"][:4] + bytes(4) + genesis["ak_public"][8:], "restricted signing key"),
                               (genesis["ak_public"][:-1] + b"\0", "point of the curve"),
                               (b"\0\1" + genesis["ak_public"][2:], "not an ECDSA P-256 key")):
            changed[0].var = parts.encode(payloads.GENESIS, dict(genesis, ak_public=area))
            bundle = self.forged("clean", [b"".join(parts.chain(changed))])
            bundle.remove("enrolment.json")
            bundle.seal()
            self.expect(bundle, TAMPERED, sentence)


class Errors(Bundles):
    def failed(self, code, what, *options, log=golden_path("clean"), archive=None, **more):
        archive = archive or self.place() + ".tar"
        process = run([OPTIONS.program, "bundle", log, "-o", archive, *options], **more)
        self.assertEqual(process.returncode, code, process.stderr)
        self.assertIn(what, process.stderr + process.stdout)
        beside = os.path.dirname(archive) or "."
        if os.path.isdir(beside) and os.path.realpath(beside) != os.path.realpath(VECTORS):
            self.assertEqual([f for f in os.listdir(beside) if f.endswith(".part")], [])
        return archive

    def test_output(self):
        exists = self.place()
        evidence.write(b"mine", exists)
        self.failed(UNDECIDED, "it exists", archive=exists)
        self.assertEqual(content(exists), b"mine")
        self.failed(UNDECIDED, "No such file", archive=os.path.join(self.place(), "x.tar"))
        log = self.place()
        shutil.copytree(golden_path("clean"), log)
        self.failed(USAGE, "in the log directory", log=log, archive=os.path.join(log, "x.tar"))
        self.assertEqual(len(os.listdir(log)), 2)
        self.assertEqual(run([OPTIONS.program, "bundle", log]).returncode, USAGE)

    def test_full_disk(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (30000, 30000))
        archive = self.failed(UNDECIDED, "File too large", preexec_fn=limit)
        self.assertFalse(os.path.exists(archive))

    def test_what_cannot_be_judged_is_not_packed(self):
        empty = self.place()
        os.mkdir(empty)
        wrong = self.place()
        evidence.write(b"{}", wrong)
        junk = evidence.write_log(self.place(), [bytes(1000)])
        for archive in (self.failed(UNDECIDED, "no bundle was written", log=empty),
                        self.failed(UNDECIDED, "no bundle was written", "--enrolment", wrong),
                        self.failed(UNDECIDED, "no bundle was written", log=junk)):
            self.assertFalse(os.path.exists(archive))

    def test_script_usage_and_missing_programs(self):
        bundle = self.golden("clean")
        for wrong in (["x"], ["--enrolment"], ["--ak", "x"], ["--enrolment", "a", "b"]):
            self.assertEqual(bundle.judge(*wrong).code, USAGE)
        said = bundle.judge(environment=[f"TMPDIR={self.place()}"])
        self.assertEqual((said.code, said.sentence), (UNDECIDED, "there is no room for temporary files"))
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        said = evidence.Said(run(["dash", os.path.join(bundle.path, "verify.sh")], preexec_fn=limit))
        self.assertEqual((said.code, said.sentence), (UNDECIDED, "there is no room for temporary files"))
        tools = self.place()
        os.mkdir(tools)
        for name in ("sha256sum", "od", "dd", "cmp", "tr", "date", "stat", "mktemp", "rm", "cp", "openssl", "dirname", "cat"):
            os.symlink(shutil.which(name), os.path.join(tools, name))
        said = bundle.judge(path=tools)
        self.assertEqual(said.code, UNDECIDED)
        self.assertIn("there is no tpm2_checkquote here", said.sentence)
        os.symlink(shutil.which("tpm2_checkquote"), os.path.join(tools, "tpm2_checkquote"))
        self.assertEqual(bundle.judge(path=tools).code, VERIFIED)  # it needs nothing but these


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *UNITTEST_OPTIONS])
