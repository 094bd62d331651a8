// SPDX-License-Identifier: Apache-2.0
// files.cpp: mutants that change no byte of a frame: the files of a log, and what the auditor brings.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/audit/mutations/mutant.h"

namespace cm::audit::test {
namespace {

namespace fs = std::filesystem;

struct Files {
  Dice& dice;
  const CleanLog& clean;
  const std::vector<FrameAt> at;
  Mutant& m;

  size_t segments() const { return m.segments.size(); }
  size_t any() const { return dice.below(segments()); }
  // frames_before: in the segments before this one.
  uint64_t frames_before(size_t segment) const {
    uint64_t n = 0;
    while (n < at.size() && at[n].segment < segment) ++n;
    return n;
  }
  void expect_file(FindingId id, const std::string& name) const {
    m.expected = {};
    m.expected.ids = {id};
    m.expected.segment = name;
  }
};

void touch(const std::string& path) { std::ofstream(path).put('x'); }

// missing: a segment that is not the last; the last one would be a log cut at a frame.
void missing(Files& f) {
  const size_t gone = f.any();
  f.m.change_files = [gone](const std::string& d) { fs::remove(d + "/" + segment_name(gone)); };
  f.m.what = "segment " + std::to_string(gone) + " is missing";
  if (gone + 1 < f.segments())
    f.expect_file(FindingId::kSegmentMissing, segment_name(gone));
  else if (gone == 0)
    f.m.expected = prefix(f.clean, 0), f.m.expected.ids = {FindingId::kNoSegments};
  else
    f.m.expected = prefix(f.clean, f.frames_before(gone));
}

void swapped(Files& f) {
  const size_t a = f.any(), b = f.any();
  std::swap(f.m.segments[a], f.m.segments[b]);
  f.m.what = "segments " + std::to_string(a) + " and " + std::to_string(b) + " exchanged";
  if (a == b) return;
  FrameAt here;
  here.segment = std::min(a, b);
  f.m.expected = tampered_at(f.clean, {FindingId::kFrameSequence}, here, f.frames_before(here.segment));
}

void doubled(Files& f) {
  const size_t copied = f.any();
  const FrameAt here{.segment = f.segments()};
  f.m.segments.push_back(f.m.segments[copied]);
  f.m.what = "segment " + std::to_string(copied) + " once more at the end";
  f.m.expected = tampered_at(f.clean, {FindingId::kFrameSequence}, here, f.at.size());
}

void foreign_file(Files& f) {
  static const std::vector<std::string> names = {"notes",           ".hidden",        "0000000.cmlog",
                                                 "000000000.cmlog", "0000000a.cmlog", "00000000.CMLOG",
                                                 "00000000.cmlog~", "-0000001.cmlog", "+0000000.cmlog"};
  const std::string name = f.dice.one_of(names);
  f.m.change_files = [name](const std::string& d) { touch(d + "/" + name); };
  f.m.what = "a file " + name;
  f.expect_file(FindingId::kForeignFile, name);
}

void gap_behind(Files& f) {
  const size_t number = f.segments() + f.dice.from_to(1, 1000);
  f.m.change_files = [number](const std::string& d) { touch(d + "/" + segment_name(number)); };
  f.m.what = "a segment " + std::to_string(number) + " too many";
  f.expect_file(FindingId::kSegmentMissing, segment_name(f.segments()));
}

// no_file: something else of a segment's name.
void no_file(Files& f) {
  const size_t number = f.any();
  const uint64_t what = f.dice.below(3);
  f.m.change_files = [number, what](const std::string& d) {
    const std::string path = d + "/" + segment_name(number);
    fs::rename(path, d + ".aside");
    if (what == 0) fs::create_symlink(d + ".aside", path);
    if (what == 1) fs::create_directory(path);
    if (what == 2 && mkfifo(path.c_str(), 0600) != 0) throw std::runtime_error("mkfifo");
  };
  f.m.what = "segment " + std::to_string(number) + " is a link, directory or pipe";
  f.expect_file(FindingId::kForeignFile, segment_name(number));
}

void renamed(Files& f) {
  const size_t number = f.any();
  const std::string name = segment_name(number) + ".bak";
  f.m.change_files = [number, name](const std::string& d) {
    fs::rename(d + "/" + segment_name(number), d + "/" + name);
  };
  f.m.what = "segment " + std::to_string(number) + " has another name";
  f.expect_file(FindingId::kForeignFile, name);
}

void emptied(Files& f) {
  const size_t number = f.any();
  f.m.segments[number].clear();
  f.m.what = "segment " + std::to_string(number) + " is empty";
  const uint64_t frames = f.frames_before(number);
  if (number + 1 < f.segments())
    f.m.expected = tampered_at(f.clean, {FindingId::kFrameSize}, FrameAt{.segment = number}, frames);
  else
    f.m.expected = prefix(f.clean, frames, {FindingId::kTornLastFrame});
}

// one_more: an empty segment behind the last is what a writer leaves that was stopped when it began one.
void one_more(Files& f) {
  f.m.segments.emplace_back();
  f.m.what = "an empty segment more";
  f.m.expected = prefix(f.clean, f.at.size(), {FindingId::kTornLastFrame});
}

// unreadable: to root everything is readable.
void unreadable(Files& f) {
  const size_t number = f.any();
  f.m.change_files = [number](const std::string& d) { chmod((d + "/" + segment_name(number)).c_str(), 0); };
  f.m.what = "segment " + std::to_string(number) + " may not be read";
  if (geteuid() == 0) return;
  f.m.expected = {};
  f.m.expected.code = verify::kExitUndecided;
  f.m.expected.ids = {FindingId::kIoError};
}

// Things that are nobody's fault.
void mode_or_link(Files& f) {
  const size_t number = f.any();
  const bool link = f.dice.one_in(2);
  f.m.change_files = [number, link](const std::string& d) {
    const std::string path = d + "/" + segment_name(number);
    if (link)
      fs::create_hard_link(path, d + ".aside");
    else
      chmod(path.c_str(), 0444);
  };
  f.m.what = "segment " + std::to_string(number) + " is read-only, or has two names";
}

constexpr void (*kTricks[])(Files&) = {missing, swapped, doubled,  foreign_file, gap_behind,  no_file,
                                       renamed, emptied, one_more, unreadable,   mode_or_link};

CleanLog draw_segments(uint64_t seed) {
  for (uint64_t i = 0;; ++i) {
    CleanLog clean = draw_clean_log(seed + (i << 32));
    if (clean.log.segments.size() > 1 || seed % 5 == 0) return clean;
  }
}

void wrong_enrolment(verify::Enrolment& e, Dice& dice) {
  switch (dice.below(9)) {
    case 0:
      e.log_id[dice.below(16)] ^= 1;
      return;
    case 1:
      e.genesis_head[dice.below(32)] ^= 1;
      return;
    case 2:
      e.reset_count += 1;
      return;
    case 3:
      e.restart_count += 1;
      return;
    case 4:
      e.clock_ms += 1;
      return;
    case 5:
      e.nv_index += 1;
      return;
    case 6:
      e.nv_name[dice.from_to(2, 33)] ^= 1;
      return;
    case 7:
      e.nv_start += 1;
      return;
    default:
      e.pcr_index ^= 1;
      return;
  }
}

audit::P256Point key_point(uint8_t key) { return parse_ak_public(SoftTpm(key).ak_public()).value().point; }

void another_enrolment(const CleanLog& clean, Dice& dice, Mutant& m) {
  m.what = "another enrolment record";
  wrong_enrolment(*m.trust.enrolment, dice);
  m.expected = tampered_at(clean, {FindingId::kEnrolmentMismatch}, {}, 0);
}

void no_root(const CleanLog& clean, Dice&, Mutant& m) {
  m.what = "no trust root";
  m.trust = {};
  m.expected = prefix(clean, clean.moments.size(), {FindingId::kNoTrustRoot});
}

void key_alone(const CleanLog& clean, Dice&, Mutant& m) {
  m.what = "the attestation key alone";
  m.trust = {std::nullopt, key_point(clean.key)};
  m.expected = prefix(clean, clean.moments.size(), {FindingId::kAkOnly});
}

void another_key(const CleanLog& clean, Dice&, Mutant& m) {
  m.what = "another attestation key";
  m.trust = {std::nullopt, key_point(static_cast<uint8_t>(clean.key % 200 + 1))};
  m.expected = tampered_at(clean, {FindingId::kAkMismatch}, {}, 0);
}

void unknown_head(const CleanLog& clean, Dice& dice, Mutant& m) {
  m.what = "a head that is not in the log";
  m.head = dice.one_of(clean.log.heads);
  (*m.head)[dice.below(32)] ^= 0x40;
  m.expected = prefix(clean, clean.moments.size(), {FindingId::kHeadNotFound});
}

void another_counter(const CleanLog& clean, Dice& dice, Mutant& m) {
  const Moment& last = clean.moments.back();
  const uint64_t given = last.nv_value + dice.below(5) - 2;
  m.what = "a counter of " + std::to_string(given) + " where the log has " + std::to_string(last.nv_value);
  m.nv_value = given;
  m.expected = prefix(clean, clean.moments.size(), counter_finding(last, given));
}

constexpr void (*kQuestions[])(const CleanLog&, Dice&, Mutant&) = {another_enrolment, no_root,      key_alone,
                                                                   another_key,       unknown_head, another_counter};

}  // namespace

Mutant segment_files(uint64_t seed) {
  Dice dice(seed);
  const CleanLog clean = draw_segments(seed);
  Mutant m = mutant_of(clean);
  Files files{dice, clean, frames_in(m.segments), m};
  kTricks[seed % std::size(kTricks)](files);
  if (!m.change_files) m.change_files = [](const std::string&) {};
  return m;
}

// trust_root: the log is as it was; what it is held against is not, or is less.
Mutant trust_root(uint64_t seed) {
  Dice dice(seed);
  const CleanLog clean = draw_clean_log(seed);
  Mutant m = mutant_of(clean);
  kQuestions[dice.below(std::size(kQuestions))](clean, dice, m);
  return m;
}

}  // namespace cm::audit::test
