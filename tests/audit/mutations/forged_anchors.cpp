// SPDX-License-Identifier: Apache-2.0
// forged_anchors.cpp: mutants by whoever has the attestation key, or a TPM that says something else: one thing in an
// anchor is wrong and all of it is signed. And anchors whose signatures are none.
#include "tests/audit/mutations/mutant.h"

namespace cm::audit::test {
namespace {

constexpr uint16_t kSha1Bank = 0x0004, kSha256Bank = 0x000b;

struct Forge {
  Dice& dice;
  LogBuilder& log;
  AnchorEdits edits = {};
};

struct Forgery {
  const char* name;
  FindingId id;
  void (*make)(Forge&);
};

// of_both: an edit of quote or certification.
void of_either(Forge& f, const std::function<void(AttestFields&)>& edit) {
  if (f.dice.one_in(2))
    f.edits.quote = edit;
  else
    f.edits.certification = edit;
}

// flip: a bit of r or s of a TPMT_SIGNATURE.
void flip(Bytes& signature, Dice& dice) { signature[(dice.one_in(2) ? 6 : 40) + dice.below(32)] ^= 0x10; }

constexpr Forgery kForgeries[] = {
    {"binding: log id", FindingId::kAttestBinding,
     [](Forge& f) { f.edits.binding = [](AnchorBinding& b) { b.log_id[1] ^= 1; }; }},
    {"binding: frame", FindingId::kAttestBinding,
     [](Forge& f) { f.edits.binding = [](AnchorBinding& b) { b.anchored_seq += 1; }; }},
    {"binding: head", FindingId::kAttestBinding,
     [](Forge& f) { f.edits.binding = [](AnchorBinding& b) { b.anchored_head[1] ^= 1; }; }},
    {"binding: anchor before", FindingId::kAttestBinding,
     [](Forge& f) { f.edits.binding = [](AnchorBinding& b) { b.previous_attest.fill(0); }; }},
    {"binding: challenge", FindingId::kAttestBinding,
     [](Forge& f) { f.edits.binding = [](AnchorBinding& b) { b.challenge[0] ^= 1; }; }},
    {"binding: counter", FindingId::kAttestBinding,
     [](Forge& f) { f.edits.binding = [](AnchorBinding& b) { b.nv_value += 1; }; }},
    {"binding: time", FindingId::kAttestBinding,
     [](Forge& f) { f.edits.binding = [](AnchorBinding& b) { b.writer_time_ns += 1; }; }},
    {"extra data", FindingId::kAttestBinding, [](Forge& f) { of_either(f, [](AttestFields& a) { a.extra[3] ^= 1; }); }},
    {"magic", FindingId::kAttestMalformed, [](Forge& f) { of_either(f, [](AttestFields& a) { a.magic ^= 1; }); }},
    {"type", FindingId::kAttestMalformed, [](Forge& f) { of_either(f, [](AttestFields& a) { a.type ^= 0x000c; }); }},
    {"bytes behind", FindingId::kAttestMalformed,
     [](Forge& f) { of_either(f, [](AttestFields& a) { a.trailing = {0}; }); }},
    {"signer", FindingId::kAttestSigner, [](Forge& f) { of_either(f, [](AttestFields& a) { a.signer[9] ^= 1; }); }},
    {"clock", FindingId::kTpmClock, [](Forge& f) { of_either(f, [](AttestFields& a) { a.clock_ms = 1; }); }},
    {"resets", FindingId::kTpmCounts, [](Forge& f) { of_either(f, [](AttestFields& a) { a.reset_count += 1; }); }},
    {"fewer resets", FindingId::kTpmCounts,
     [](Forge& f) { of_either(f, [](AttestFields& a) { a.reset_count -= 1; }); }},
    {"fewer restarts", FindingId::kTpmCounts,
     [](Forge& f) {
       ++f.log.tpm.identity.restart_count;
       f.log.anchor();
       of_either(f, [](AttestFields& a) { a.restart_count -= 1; });
     }},
    {"firmware", FindingId::kTpmIdentity, [](Forge& f) { of_either(f, [](AttestFields& a) { a.firmware ^= 1; }); }},
    {"another PCR", FindingId::kQuoteSelection,
     [](Forge& f) { f.edits.quote = [](AttestFields& a) { a.selection[0].second = 1u << 22; }; }},
    {"another bank", FindingId::kQuoteSelection,
     [](Forge& f) { f.edits.quote = [](AttestFields& a) { a.selection[0].first = kSha1Bank; }; }},
    {"two registers", FindingId::kQuoteSelection,
     [](Forge& f) { f.edits.quote = [](AttestFields& a) { a.selection[0].second |= 1u << 22; }; }},
    {"a register of another bank too", FindingId::kQuoteSelection,
     [](Forge& f) { f.edits.quote = [](AttestFields& a) { a.selection.emplace_back(kSha1Bank, 1u); }; }},
    {"no register", FindingId::kQuoteSelection,
     [](Forge& f) { f.edits.quote = [](AttestFields& a) { a.selection = {{kSha256Bank, 0u}}; }; }},
    {"digest of the PCR", FindingId::kQuotePcr,
     [](Forge& f) { f.edits.quote = [](AttestFields& a) { a.digest_or_name[5] ^= 1; }; }},
    {"named value of the PCR", FindingId::kQuotePcr,
     [](Forge& f) { f.edits.after_signing = [](Anchor& a) { a.pcr_value[5] ^= 1; }; }},
    {"counter of another name", FindingId::kNvName,
     [](Forge& f) { f.edits.certification = [](AttestFields& a) { a.digest_or_name[9] ^= 1; }; }},
    {"offset in the counter", FindingId::kAttestMalformed,
     [](Forge& f) { f.edits.certification = [](AttestFields& a) { a.offset = 1; }; }},
    {"size of the counter", FindingId::kAttestMalformed,
     [](Forge& f) { f.edits.certification = [](AttestFields& a) { a.contents.pop_back(); }; }},
    {"another value of the counter", FindingId::kNvValue,
     [](Forge& f) { f.edits.certification = [](AttestFields& a) { a.contents[7] ^= 2; }; }},
    {"counter went ahead", FindingId::kNvValue, [](Forge& f) { f.log.tpm.nv_value += f.dice.from_to(1, 9); }},
    {"counter stood still", FindingId::kNvValue, [](Forge& f) { --f.log.tpm.nv_value; }},
    {"time stamp counters", FindingId::kTscOrder,
     [](Forge& f) { f.edits.after_signing = [](Anchor& a) { a.tsc_before = a.tsc_after + 1; }; }},
    {"head after signing", FindingId::kAttestBinding,
     [](Forge& f) { f.edits.after_signing = [](Anchor& a) { a.anchored_head[0] ^= 1; }; }},
    {"frame after signing", FindingId::kAttestBinding,
     [](Forge& f) { f.edits.after_signing = [](Anchor& a) { a.anchored_seq -= 1; }; }},
    {"challenge after signing", FindingId::kAttestBinding,
     [](Forge& f) { f.edits.after_signing = [](Anchor& a) { a.challenge[0] = 1; }; }},
    {"frame before the one anchored last", FindingId::kAnchorPosition,
     [](Forge& f) {
       Anchor last;
       static_cast<void>(decode(f.log.frames[f.log.frames.size() - 2].var, last));
       f.edits.frame_seq = last.anchored_seq - 1;
     }},
    {"signature of the quote", FindingId::kAttestSignature,
     [](Forge& f) { f.edits.after_signing = [&dice = f.dice](Anchor& a) { flip(a.quote_signature, dice); }; }},
    {"signature of the certification", FindingId::kAttestSignature,
     [](Forge& f) { f.edits.after_signing = [&dice = f.dice](Anchor& a) { flip(a.nv_signature, dice); }; }},
    {"each signature under the other", FindingId::kAttestSignature,
     [](Forge& f) { f.edits.after_signing = [](Anchor& a) { std::swap(a.quote_signature, a.nv_signature); }; }},
    {"quote and certification exchanged", FindingId::kAttestMalformed,
     [](Forge& f) { f.edits.after_signing = [](Anchor& a) { std::swap(a.quote_attest, a.nv_attest); }; }},
    {"no signature", FindingId::kAttestMalformed,
     [](Forge& f) { f.edits.after_signing = [](Anchor& a) { a.quote_signature.clear(); }; }},
    {"algorithm of the signature", FindingId::kAttestMalformed,
     [](Forge& f) { f.edits.after_signing = [](Anchor& a) { a.nv_signature[1] ^= 1; }; }},
};

}  // namespace

Mutant forged_anchor(uint64_t seed) {
  Dice dice(seed);
  CleanLog clean = draw_clean_log(seed, Shape::kRunning);
  LogBuilder& log = clean.log;
  const bool barrier = findings_of(clean).contains(FindingId::kUncleanReset) ||
                       findings_of(clean).contains(FindingId::kUnexplainedExtend) ||
                       findings_of(clean).contains(FindingId::kResettablePcr);
  log.anchor();
  log.clock();
  const Forgery& forgery = kForgeries[seed % std::size(kForgeries)];
  Forge forge{dice, log};
  forgery.make(forge);
  const uint64_t number = log.anchor(forge.edits);
  const FrameAt at = place_of(log, number);
  Mutant m;
  m.what = forgery.name;
  m.segments = log.segments;
  m.trust = trust_of(log);
  m.expected.ids = {forgery.id};
  m.expected.segment = segment_name(at.segment);
  m.expected.offset = at.offset;
  m.expected.frame = number;
  // What the anchor before it proves; with a barrier what stood in front of that.
  if (barrier) m.expected.proved = clean.moments.back().proved;
  return m;
}

}  // namespace cm::audit::test
