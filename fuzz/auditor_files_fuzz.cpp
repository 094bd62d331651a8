// SPDX-License-Identifier: Apache-2.0
// auditor_files_fuzz: everything an auditor reads that is no log: checkpoints and proofs, the four files of an
// enrolment, enrolment records, attestation keys, endorsement certificates, and a writer's answer to a live challenge.
// No input may crash or leak. What is accepted has one text, which is accepted again and gives itself; an answer that
// no TPM signed shows nothing.
//
// Input: the first byte chooses the kind, the rest is the file.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <span>
#include <string>

#include "audit/verify/challenge.h"
#include "audit/verify/checkpoint.h"
#include "audit/verify/enrolment.h"
#include "audit/verify/log_signature.h"

namespace {

using namespace cm::audit;          // NOLINT(google-build-using-namespace): the subject of this file
using namespace cm::audit::verify;  // NOLINT(google-build-using-namespace): the subject of this file

[[noreturn]] void wrong(const char* what, const std::string& text) {
  std::fprintf(stderr, "%s:\n%s\n", what, text.c_str());
  std::abort();
}

// settles: written is what parse accepted, in its one form; parsing it gives that form again. again: parses and writes,
// empty when refused.
void settles(const std::string& written, const std::function<std::string(const std::string&)>& again) {
  if (again(written) != written) wrong("an accepted file is not accepted again as it was written", written);
}

// check_text: of a file that parse and write know.
template <class Parse, class Write>
void check_text(const std::string& text, Parse parse, Write write) {
  const auto once = [&](const std::string& in) {
    std::string error;
    const auto parsed = parse(in, error);
    if (!parsed && error.empty()) wrong("refused without a sentence", in);
    return parsed ? write(*parsed) : std::string();
  };
  if (const std::string written = once(text); !written.empty()) settles(written, once);
}

template <class File>
std::string enrol_file_text(const File& file) {
  return enrol_text(file);
}

// trusted: a log whose key is the generator of the curve: everybody knows the private key 1, and the fuzzer cannot
// sign.
Trust trusted() {
  Trust trust;
  trust.ak.emplace();
  constexpr uint8_t kGenerator[] = {0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63,
                                    0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1,
                                    0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f,
                                    0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57,
                                    0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};
  std::memcpy(trust.ak->x.data(), kGenerator, 32);
  std::memcpy(trust.ak->y.data(), kGenerator + 32, 32);
  return trust;
}

// check_tree: a checkpoint or proof is read as it stands, or not at all, and nothing in it is the log's signature.
void check_tree(cm::Lane lane, const std::string& text) {
  std::string error;
  const auto tree = parse_tree_text(text, error);
  if (!tree && error.empty()) wrong("refused without a sentence", text);
  if (!tree) return;
  if (to_text(*tree) != text) wrong("a checkpoint or proof is not written as it was read", text);
  const auto key = checkpoint_key(trusted());
  if (!key) wrong("the generator of the curve is not a key", "");
  if (judge_note(lane, *key, tree->checkpoint().origin, tree->note) == NoteVerdict::kSigned)
    wrong("a signature that nobody made is believed", text);
}

void check_answer(cm::Lane lane, std::span<const uint8_t> in) {
  WireAnswer answer{};
  std::memcpy(&answer, in.data(), std::min(in.size(), sizeof answer));
  const ChallengeResult result = judge_answer(lane, answer, Digest{}, trusted());
  if (exit_code(result.report) == kExitVerified) wrong("an answer without a signature is believed", to_text(result));
  if (to_json(result).empty()) wrong("no text of an answer", "");
}

void check_certificate(std::span<const uint8_t> in) {
  std::string why;
  const bool rsa = !in.empty() && (in[0] & 1) != 0;
  // Without a root nothing leads to one.
  if (check_ek_certificate(in, rsa ? EkKind::kRsa2048 : EkKind::kEccP256, CaFiles{}, why))
    wrong("a certificate that leads to no root is believed", "");
  if (why.empty()) wrong("a certificate is refused without a sentence", "");
}

void check_key(const std::string& text) {
  std::string error;
  if (!parse_ak(text, error) && error.empty()) wrong("a key is refused without a sentence", text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static const cm::Lane lane = best_sha256_lane();
  const std::span<const uint8_t> rest(data + 1, size - 1);
  const std::string text(reinterpret_cast<const char*>(rest.data()), rest.size());
  switch (data[0] % 9) {
    case 0:
      check_tree(lane, text);
      break;
    case 1:
      check_text(text, parse_enrol_request, enrol_file_text<EnrolRequest>);
      break;
    case 2:
      check_text(text, parse_enrol_challenge, enrol_file_text<EnrolChallenge>);
      break;
    case 3:
      check_text(text, parse_enrol_secret, enrol_file_text<EnrolSecret>);
      break;
    case 4:
      check_text(text, parse_enrol_answer, enrol_file_text<EnrolAnswer>);
      break;
    case 5:
      check_text(text, parse_enrolment, enrolment_text);
      break;
    case 6:
      check_key(text);
      break;
    case 7:
      check_certificate(rest);
      break;
    default:
      check_answer(lane, rest);
      break;
  }
  return 0;
}
