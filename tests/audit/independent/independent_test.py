# SPDX-License-Identifier: Apache-2.0
"""independent_test.py PROGRAM SOURCE [--mutants N] [--first K] [--name LOG:KIND:NUMBER] [unittest options]: the
verdicts of cryptomod-audit (PROGRAM) and of verify_independent.py are the same: on the golden logs
(SOURCE/vectors/audit), with every trust root, and on N mutants of each kind of each golden log from number K on
(mutants.py). --name writes one mutant into a directory and prints both verdicts."""

import argparse
import base64
import collections
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

import check_proof_independent as proofs
import clients
import forger
import frames
import hashes
import mutants
import parts
import report as reports
import verify_independent

PLACE = ("segment", "offset", "frame", "record", "ring", "ring_seq", "event_id")
VALUES = ("exit_code", "verdict", "proved_through_record", "covered_through_record", "hardware", "endorsement")
ENDORSEMENT = {"certificate_sha256": "c1" * 32, "subject": "CN=an EK", "issuer": "CN=a maker \u00e9", "ca_sha256": "CA" * 32,
               "checked": "2026-11-23T10:00:00Z"}


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("source")
    parser.add_argument("--mutants", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--name")
    return parser.parse_known_args()


OPTIONS, UNITTEST_OPTIONS = arguments()
VECTORS = os.path.join(OPTIONS.source, "vectors", "audit")


def content(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


def golden_log(name):
    directory = os.path.join(VECTORS, name)
    return [content(directory, segment) for segment in sorted(os.listdir(directory))]


GOLDEN = mutants.Golden({name: golden_log(name) for name in mutants.GOLDEN})


def write_log(directory, segments):
    for number, data in enumerate(segments):
        with open(os.path.join(directory, f"{number:08}.cmlog"), "wb") as file:
            file.write(data)


class Files:
    """Trust roots in a directory: each golden log's enrolment record, a wrong one of it, and its key."""

    def __init__(self, directory):
        self.directory = directory
        for name in mutants.GOLDEN:
            record = json.loads(content(VECTORS, f"{name}.enrolment.json"))
            self._write(f"{name}.enrolment", record)
            self._write(f"{name}.endorsed", dict(record, endorsement=ENDORSEMENT))
            self._write(f"{name}.wrong", dict(record, nv_start=record["nv_start"] + 1))
            with open(os.path.join(directory, f"{name}.ak"), "w", encoding="ascii") as file:
                file.write(record["ak_public"] + "\n")

    def _write(self, name, record):
        with open(os.path.join(self.directory, name), "w", encoding="ascii") as file:
            json.dump(record, file)

    def options(self, log, root):
        if root == "none":
            return {}
        return {"ak" if root == "ak" else "enrolment": os.path.join(self.directory, f"{log}.{root}")}


def said_by_ours(directory, enrolment=None, ak=None, head=None, nv_value=None):
    command = [OPTIONS.program, "verify", directory, "--json"]
    for option, value in (("--enrolment", enrolment), ("--ak", ak), ("--head", head and head.hex()),
                          ("--nv-value", nv_value)):
        if value is not None:
            command += [option, str(value)]
    run = subprocess.run(command, capture_output=True, check=False, timeout=60)
    verdict = json.loads(run.stdout)
    assert run.returncode == verdict["exit_code"], (run.returncode, run.stderr)
    return verdict


def said_by_theirs(directory, **options):
    return verify_independent.verify(directory, **options).as_dict()


def comparable(verdict):
    """What must be the same: the verdict, and every finding with its place up to the one that ended the work. (The
    genesis frame may have two such findings; one is enough.)"""
    findings = []
    for f in verdict["findings"]:
        findings.append((f["id"], f["exit"], {k: f["place"][k] for k in PLACE if k in f["place"]}))
        if f["exit"] in (reports.TAMPERED, reports.UNDECIDED) and "frame" in f["place"]:
            break
    return {**{name: verdict[name] for name in VALUES}, "findings": findings}


class Comparison(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.directory.cleanup)
        cls.files = Files(cls.directory.name)

    def agree(self, directory, **options):
        ours, theirs = said_by_ours(directory, **options), said_by_theirs(directory, **options)
        self.assertEqual(comparable(ours), comparable(theirs))
        return ours


class GoldenLogs(Comparison):
    def test_golden_logs_with_every_trust_root(self):
        expected = {("clean", "enrolment"): 0, ("eventful", "enrolment"): 3, ("rotated", "enrolment"): 0,
                    ("carried", "enrolment"): 0, ("clean", "endorsed"): 0, ("eventful", "endorsed"): 3,
                    ("rotated", "endorsed"): 0, ("carried", "endorsed"): 0}
        for log in mutants.GOLDEN:
            for root in ("none", "enrolment", "endorsed", "wrong", "ak"):
                with self.subTest(log=log, root=root):
                    ours = self.agree(os.path.join(VECTORS, log), **self.files.options(log, root))
                    self.assertEqual(ours["exit_code"], expected.get((log, root), 1 if root == "wrong" else 3))

    def test_head_and_counter(self):
        log = os.path.join(VECTORS, "clean")
        enrolment = self.files.options("clean", "enrolment")
        heads = [hashes.sha256(f[:frames.HEADER.size]) for f in GOLDEN.flat("clean")]
        for options, code in (({"head": heads[3]}, 0), ({"head": bytes(32)}, 1), ({"nv_value": 43}, 0),
                              ({"nv_value": 42}, 1), ({"nv_value": 44}, 1)):
            with self.subTest(**options):
                self.assertEqual(self.agree(log, **options, **enrolment)["exit_code"], code)

    def test_trust_files_that_are_none(self):
        record = json.loads(content(VECTORS, "clean.enrolment.json"))
        wrong = [b"", b"{}", b"[]", content(VECTORS, "clean", "00000000.cmlog")]
        wrong += [json.dumps({k: v for k, v in record.items() if k != name}).encode() for name in record]
        wrong += [json.dumps(dict(record, **{name: value})).encode()
                  for name in record for value in (-1, 1.5, "x", None, True)]
        endorsements = [None, [], "x", {}]
        endorsements += [{k: v for k, v in ENDORSEMENT.items() if k != name} for name in ENDORSEMENT]
        endorsements += [dict(ENDORSEMENT, **{name: value}) for name in ENDORSEMENT for value in (7, None, [])]
        endorsements += [dict(ENDORSEMENT, ca_sha256="ca" * 31), dict(ENDORSEMENT, certificate_sha256="x" * 64)]
        wrong += [json.dumps(dict(record, endorsement=value)).encode() for value in endorsements]
        path = os.path.join(self.directory.name, "trust")
        for number, text in enumerate(wrong):
            for option in ("enrolment", "ak"):
                with self.subTest(number=number, option=option):
                    with open(path, "wb") as file:
                        file.write(text)
                    ours = self.agree(os.path.join(VECTORS, "clean"), **{option: path})
                    self.assertEqual([f["id"] for f in ours["findings"]], ["trust-file"])

    def test_attestation_key_in_each_form(self):
        area = bytes.fromhex(json.loads(content(VECTORS, "clean.enrolment.json"))["ak_public"])
        point = verify_independent.trust.tpm.public(area)
        pem = subprocess.run(["openssl", "pkey", "-pubin", "-inform", "DER", "-outform", "PEM"], check=True,
                             capture_output=True, input=verify_independent.trust.tpm.spki(point)).stdout
        path = os.path.join(self.directory.name, "key")
        for form in (area, area.hex().encode(), area.hex().upper().encode() + b" \n", pem):
            with self.subTest(form=form):
                with open(path, "wb") as file:
                    file.write(form)
                self.assertEqual(self.agree(os.path.join(VECTORS, "clean"), ak=path)["exit_code"], 3)

    def test_hardware(self):
        """A log made anew as that of a device, under its own enrolment record with and without an endorsement."""
        pieces = [parts.Part(frame) for frame in GOLDEN.flat("clean")]
        for piece in (p for p in pieces if "kind" in (p.fields() or {})):
            piece.var = parts.encode(piece.type, dict(piece.fields(), kind=2))
        built = forger.Forger("clean").run(pieces)
        record = json.loads(content(VECTORS, "clean.enrolment.json"))
        record.update(genesis_head=hashes.sha256(built[0][:frames.HEADER.size]).hex(), tpm_kind="device")
        path = os.path.join(self.directory.name, "device")
        with tempfile.TemporaryDirectory() as directory:
            write_log(directory, mutants.split_at_seals(built))
            for hardware, written in ((False, record), (True, dict(record, endorsement=ENDORSEMENT))):
                with open(path, "w", encoding="ascii") as file:
                    json.dump(written, file)
                ours = self.agree(directory, enrolment=path)
                self.assertEqual((ours["exit_code"], ours["hardware"]), (0, hardware))
            ours = self.agree(directory, enrolment=path, head=bytes(32))
            self.assertEqual((ours["exit_code"], ours["hardware"]), (1, False))

    def test_directories(self):
        first, second, third = (f"0000000{n}.cmlog" for n in range(3))
        for change, code in ((lambda d: None, 0),
                             (lambda d: open(os.path.join(d, "notes"), "wb").close(), 1),
                             (lambda d: os.mkdir(os.path.join(d, third)), 1),
                             (lambda d: os.symlink(first, os.path.join(d, third)), 1),
                             (lambda d: os.rename(os.path.join(d, second), os.path.join(d, third)), 1),
                             (lambda d: os.remove(os.path.join(d, first)), 1),
                             (lambda d: [os.remove(os.path.join(d, name)) for name in (first, second)], 2)):
            with tempfile.TemporaryDirectory() as directory:
                write_log(directory, GOLDEN.logs["clean"])
                change(directory)
                with self.subTest(files=sorted(os.listdir(directory))):
                    ours = self.agree(directory, **self.files.options("clean", "enrolment"))
                    self.assertEqual(ours["exit_code"], code)
        self.assertEqual(self.agree(os.path.join(self.directory.name, "missing"))["exit_code"], 2)

    def test_wrong_usage(self):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "verify_independent.py")
        for options in ([], ["x", "--head", "00"], ["x", "--nv-value", "4.3"], ["x", "--ak", "a", "--enrolment", "b"]):
            with self.subTest(options=options):
                for command in ([sys.executable, "-B", script], [OPTIONS.program, "verify"]):
                    run = subprocess.run(command + options, capture_output=True, check=False)
                    self.assertEqual(run.returncode, reports.USAGE)


class Mutants(Comparison):
    def compare(self, log, kind, codes):
        for number in range(OPTIONS.first, OPTIONS.first + OPTIONS.mutants):
            name = f"{log}:{kind}:{number}"
            mutant = mutants.make(GOLDEN, name)
            with self.subTest(name), tempfile.TemporaryDirectory() as directory:
                write_log(directory, mutant.segments)
                options = dict(self.files.options(log, mutant.root), head=mutant.head, nv_value=mutant.nv_value)
                ours = self.agree(directory, **options)
                codes[ours["exit_code"]] += 1
                for finding in ours["findings"]:
                    codes[finding["id"]] += 1

    def test_mutants(self):
        for kind in mutants.KINDS:
            seen = collections.Counter()
            for log in mutants.GOLDEN:
                self.compare(log, kind, seen)
            print(f"{kind}: " + ", ".join(f"{name} {count}" for name, count in sorted(seen.items(), key=str)))
            self.assertIn(reports.TAMPERED, seen)

    def test_forger_without_a_change_is_believed(self):
        """Else the mutants of kind signed would test nothing but signatures."""
        for log in mutants.GOLDEN:
            same = [parts.Part(f) for f in GOLDEN.flat(log)]
            with tempfile.TemporaryDirectory() as directory:
                write_log(directory, mutants.split_at_seals(forger.Forger(log).run(same)))
                ours = self.agree(directory, **self.files.options(log, "enrolment"))
                golden = said_by_ours(os.path.join(VECTORS, log), **self.files.options(log, "enrolment"))
                self.assertEqual(ours["exit_code"], golden["exit_code"])


class Proofs(Comparison):
    """Proofs of ours are accepted by the independent checker, and what it refuses is refused by ours."""

    def run_ours(self, *arguments):
        return subprocess.run([OPTIONS.program, *arguments], capture_output=True, text=True, check=False)

    def in_file(self, text, name="text"):
        name = os.path.join(self.directory.name, name)
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
        return name

    def test_inclusion(self):
        for log in mutants.GOLDEN:
            directory = os.path.join(VECTORS, log)
            checkpoint = self.run_ours("checkpoint", directory).stdout
            stored = b"".join(frames.Frame(f).records for f in GOLDEN.flat(log))
            for record in range(int(checkpoint.split("\n")[1])):
                proof = self.run_ours("prove", str(record), directory).stdout
                self.assertEqual(proofs.judge(proof, checkpoint), proofs.HOLDS)
                entry = proofs.unbase64(proof.split("\n")[1][len("extra "):], proofs.RECORD_SIZE)
                self.assertEqual(entry, stored[64 * record:64 * (record + 1)])

    def test_consistency(self):
        directory = os.path.join(VECTORS, "clean")
        checkpoint = self.run_ours("checkpoint", directory).stdout
        for size in range(1, int(checkpoint.split("\n")[1]) + 1):
            old_text = self.run_ours("checkpoint", directory, "--size", str(size)).stdout
            old = self.in_file(old_text)
            name = os.path.join(self.directory.name, "grown")
            self.assertEqual(self.run_ours("diff-head", old, directory, "--proof", name).returncode, 0)
            with open(name, encoding="ascii") as file:
                proof = file.read()
            self.assertEqual(proofs.judge(proof, checkpoint, old_text), proofs.HOLDS)
            self.assertEqual(proofs.judge(proof, checkpoint), proofs.UNPINNED)

    def test_changed_proofs(self):
        directory = os.path.join(VECTORS, "clean")
        checkpoint = self.run_ours("checkpoint", directory).stdout
        proof = self.run_ours("prove", "4", directory).stdout
        given = os.path.join(self.directory.name, "given")
        with open(given, "w", encoding="ascii") as file:
            file.write(checkpoint)
        changes = [proof[:at] + ("B" if proof[at] != "B" else "C") + proof[at + 1:] for at in range(0, len(proof), 7)]
        body = proof[:-len(checkpoint)]
        changes += [proof + "\n", proof + "x", proof + "\nx\n", proof[:-1], body + body, proof.replace("\n\n", "\n"),
                    proof.replace("\n9\n", f"\n{2 ** 64}\n"), proof.replace("libcryptomod", "lib\x1bcryptomod"),
                    proof.replace("index 4\n", "index 4\n" + 130 * (proof.split("\n")[3] + "\n")),
                    proof + 2000 * "an extension line of some length, many times\n"]
        for changed in changes:
            ours = self.run_ours("check-proof", self.in_file(changed), "--checkpoint", given).returncode
            self.assertNotEqual(ours, 0)
            self.assertEqual(ours, proofs.judge(changed, checkpoint), changed)


    def test_signatures(self):
        """Checkpoints signed by the key of a golden log, or not quite."""
        enrolment = os.path.join(VECTORS, "clean.enrolment.json")
        record = content(enrolment).decode()
        directory = os.path.join(VECTORS, "clean")
        plain = self.run_ours("checkpoint", directory).stdout
        log_key = proofs.read_enrolment(record)
        key_id = hashes.sha256(verify_independent.trust.tpm.spki(log_key.key))[:4]

        def line(text, name=log_key.origin, key=key_id, tail=b""):
            area = forger.sign(forger.PRIVATE["clean"], text.encode())
            value = verify_independent.trust.tpm.der_signature([int.from_bytes(area[at:at + 32], "big") for at in (6, 40)])
            return f"\u2014 {name} {base64.b64encode(key + value + tail).decode()}\n"

        own, other = line(plain), line(plain + "x\n")
        extended = plain + "an extension\n"
        notes = {own: proofs.HOLDS, other: proofs.WRONG, own + other: proofs.WRONG, other + own: proofs.WRONG,
                 line(plain, name="x") + own: proofs.HOLDS, line(plain, name="x"): proofs.UNPINNED,
                 line(plain, key=b"none"): proofs.UNPINNED, line(plain, tail=b"x"): proofs.WRONG,
                 line(plain, name="x+y"): proofs.UNREADABLE, own[:-1]: proofs.UNREADABLE, own + "\n": proofs.UNREADABLE}
        texts = {plain + "\n" + signatures: code for signatures, code in notes.items()}
        texts[extended + "\n" + line(extended)] = proofs.HOLDS
        texts[extended + "\n" + own] = proofs.WRONG
        texts[plain] = proofs.UNPINNED
        signed = self.in_file(plain + "\n" + own, "signed")
        proof = self.run_ours("prove", "4", directory, "--checkpoint", signed)
        self.assertEqual(proof.returncode, 0)
        for text, code in texts.items():
            for whole in (text, proof.stdout.replace(plain + "\n" + own, text)):
                with self.subTest(text=whole):
                    ours = self.run_ours("check-proof", self.in_file(whole), "--enrolment", enrolment).returncode
                    left_alone = whole.encode().decode("ascii", "surrogateescape")
                    self.assertEqual((ours, proofs.judge(left_alone, enrolment=record)), (code, code))
        of_another_log = json.dumps(dict(json.loads(record), log_id="5a" * 16))
        with_another_key = content(VECTORS, "eventful.enrolment.json").decode()
        note = content(signed).decode("ascii", "surrogateescape")
        for text, code in ((of_another_log, proofs.WRONG), (with_another_key, proofs.UNPINNED)):
            ours = self.run_ours("check-proof", signed, "--enrolment", self.in_file(text)).returncode
            self.assertEqual((ours, proofs.judge(note, enrolment=text)), (code, code))


class Document(unittest.TestCase):
    """The tables of the independent verifier are those of the document, and the document's are those of the sources."""

    def setUp(self):
        self.page = content(OPTIONS.source, "docs", "audit-format.md").decode()

    def test_findings(self):
        rows = re.findall(r"^\| `([a-z-]+)` \| ([0-3]) \|", self.page, re.M)
        self.assertEqual({name: int(code) for name, code in rows}, reports.EXIT_OF)

    def test_events(self):
        header = content(OPTIONS.source, "audit", "events.h").decode()
        table = header[header.index("kEventTable[] = {"):]
        ids = {int(n, 16) for n in re.findall(r"^    \{0x([0-9a-f]+), \"", table[:table.index("};")], re.M)}
        ids |= set(range(0x10000, 0x10100)) | set(range(0x20000, 0x20010))
        self.assertEqual({n for n in range(0x50000) if clients.event_known(n)}, ids)
        rows = re.findall(r"^\| (`0x[^|]*) \|", self.page[self.page.index("## Events"):], re.M)
        written = re.findall(r"`0x([0-9a-f]+)`(?:-`0x([0-9a-f]+)`)?", " ".join(rows))
        ranges = tuple((int(first, 16), int(last or first, 16)) for first, last in written)
        self.assertEqual(ranges, clients.SERVICES + clients.EVENTS)


def show_one(name):
    mutant = mutants.make(GOLDEN, name)
    directory = tempfile.mkdtemp(prefix="mutant-")
    write_log(directory, mutant.segments)
    files = Files(tempfile.mkdtemp(prefix="mutant-trust-"))
    options = dict(files.options(name.split(":")[0], mutant.root), head=mutant.head, nv_value=mutant.nv_value)
    print(directory, options)
    for verdict in (said_by_ours(directory, **options), said_by_theirs(directory, **options)):
        print(json.dumps(comparable(verdict), indent=2))


if __name__ == "__main__":
    if OPTIONS.name:
        show_one(OPTIONS.name)
    else:
        unittest.main(argv=sys.argv[:1] + UNITTEST_OPTIONS)
