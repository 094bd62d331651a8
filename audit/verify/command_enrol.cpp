// SPDX-License-Identifier: Apache-2.0
// command_enrol.cpp: `cryptomod-audit enrol`: request and answer on the machine, challenge and finish where the auditor
// is. Files go between the two; what they hold is enrol_files.h, what is judged enrolment.h.
#include <sys/stat.h>

#include <algorithm>

#include "audit/attest/attest_key.h"
#include "audit/verify/commands.h"
#include "audit/verify/enrolment.h"
#include "audit/verify/new_file.h"
#include "audit/verify/output.h"
#include "audit/verify/writer_connection.h"

namespace cm::audit::verify {
namespace {

constexpr mode_t kSecretMode = 0600;
constexpr mode_t kPublicMode = 0666;

struct EnrolArguments {
  std::string socket;
  std::string input;
  std::string answer;
  std::string keep;
  std::string output;
  std::string roots;
  std::vector<std::string> intermediates;
  std::string ek = "any";
  uint32_t timeout_s = 120;
};

int complain(int code, const std::string& text) {
  Output::complain(text + (text.ends_with('\n') ? "" : "\n"));
  return code;
}

// write_file: whole or not at all.
bool write_file(const std::string& path, const std::string& text, mode_t mode) {
  NewFile file(path, NewFile::Existing::kReplace, mode);
  if (file.open() && file.write(text) && file.keep()) return true;
  complain(kExitUndecided, file.error());
  return false;
}

// read_file: false, and a sentence on standard error.
bool read_file(const std::string& path, std::string& text) {
  std::string error;
  auto content = read_trust_file(path, error);
  if (!content) return complain(kExitUndecided, error), false;
  text = std::move(*content);
  return true;
}

// read_letter: a file of one of the four kinds.
template <class T>
std::optional<T> read_letter(const std::string& path, std::optional<T> (*parse)(const std::string&, std::string&),
                             std::string* text = nullptr) {
  std::string content, error;
  if (!read_file(path, content)) return std::nullopt;
  std::optional<T> out = parse(content, error);
  if (!out) complain(kExitUndecided, path + ": " + error);
  if (text != nullptr) *text = std::move(content);
  return out;
}

int say(const std::string& text) {
  Output output;
  return output.write(text) && output.flush() ? kExitVerified : kExitUndecided;
}

Bytes part_of(std::span<const uint8_t> field, uint32_t size) {
  const auto used = field.first(std::min<size_t>(size, field.size()));
  return {used.begin(), used.end()};
}

// ---------------------------------------------------------------------------------------------------- request

bool ask_endorsement(const EnrolArguments& a, EkKind kind, WireEndorsement& answer) {
  const WireEnrol question{static_cast<uint32_t>(WireType::kEnrol), kWireVersion, static_cast<uint32_t>(kind), 0};
  const WriterConnection connection;
  return connection.open(a.socket, a.timeout_s) && connection.ask(question, WireType::kEndorsement, answer);
}

// The elliptic curve first: a TPM makes such a key in a moment, and an RSA key in seconds that the log has to wait.
std::vector<EkKind> wanted_kinds(const EnrolArguments& a) {
  if (const auto kind = ek_kind_of(a.ek)) return {*kind};
  return {EkKind::kEccP256, EkKind::kRsa2048};
}

int run_request(const EnrolArguments& a) {
  for (const EkKind kind : wanted_kinds(a)) {
    WireEndorsement answer;
    if (!ask_endorsement(a, kind, answer)) return kExitUndecided;
    if (answer.certificate_size == 0) continue;
    EnrolRequest request;
    std::ranges::copy(answer.log_id, request.log_id.begin());
    std::ranges::copy(answer.genesis_head, request.genesis_head.begin());
    request.genesis = part_of(answer.genesis, answer.genesis_size);
    request.ek_kind = kind;
    request.ek_certificate = part_of(answer.certificate, answer.certificate_size);
    request.ek_public = part_of(answer.ek_public, answer.ek_public_size);
    if (!write_file(a.output, enrol_text(request), kPublicMode)) return kExitUndecided;
    return say(
        fmt::format("request written: log {}, endorsement key {}\nnext, where the auditor is: cryptomod-audit "
                    "enrol challenge {} --ca ROOTS.pem -o CHALLENGE --keep SECRET\n",
                    hex_text(request.log_id), ek_kind_text(kind), a.output));
  }
  return complain(kExitUndecided,
                  "this TPM has no endorsement certificate of such a key (NV index 0x01c0000a for ecc-p256, 0x01c00002 "
                  "for rsa-2048): nothing shows whose TPM it is. The writer's own enrolment record is all there is");
}

// ---------------------------------------------------------------------------------------------------- challenge

bool read_cas(const EnrolArguments& a, CaFiles& cas) {
  if (!read_file(a.roots, cas.roots)) return false;
  for (const std::string& path : a.intermediates)
    if (!read_file(path, cas.intermediates.emplace_back())) return false;
  return true;
}

int run_challenge(const EnrolArguments& a) {
  std::string file, why;
  const auto request = read_letter(a.input, parse_enrol_request, &file);
  CaFiles cas;
  if (!request || !read_cas(a, cas)) return kExitUndecided;
  const auto prepared = prepare(best_sha256_lane(), *request, file, cas, why);
  if (!prepared) return complain(kExitTampered, why);
  if (!write_file(a.keep, enrol_text(prepared->secret), kSecretMode) ||
      !write_file(a.output, enrol_text(prepared->challenge), kPublicMode))
    return kExitUndecided;
  return say(fmt::format(
      "challenge written for log {}\n{}\nnot shown yet: that the log's attestation key is in this TPM\n"
      "next, on the machine: cryptomod-audit enrol answer SOCKET {} -o ANSWER\nkeep {} to yourself until then\n",
      hex_text(request->log_id), endorsement_text(prepared->secret.endorsement), a.output, a.keep));
}

// ---------------------------------------------------------------------------------------------------- answer

WireActivate activate_packet(const EnrolChallenge& challenge) {
  WireActivate packet{};
  packet.type = static_cast<uint32_t>(WireType::kActivate);
  packet.version = kWireVersion;
  packet.ek_kind = static_cast<uint32_t>(challenge.ek_kind);
  packet.credential_size = static_cast<uint32_t>(challenge.credential.id_object.size());
  packet.secret_size = static_cast<uint32_t>(challenge.credential.encrypted_secret.size());
  std::ranges::copy(challenge.credential.id_object, packet.credential);
  std::ranges::copy(challenge.credential.encrypted_secret, packet.secret);
  return packet;
}

int run_answer(const EnrolArguments& a) {
  const auto challenge = read_letter(a.input, parse_enrol_challenge);
  if (!challenge) return kExitUndecided;
  WireActivated activated;
  const WriterConnection first, second;
  if (!first.open(a.socket, a.timeout_s) || !first.ask(activate_packet(*challenge), WireType::kActivated, activated))
    return kExitUndecided;
  if (activated.opened != 1)
    return complain(kExitTampered,
                    "the TPM does not open this challenge: it was made for another TPM or another attestation key, or "
                    "was changed on its way");
  WireChallenge question{static_cast<uint32_t>(WireType::kChallenge), kWireVersion, {}};
  std::ranges::copy(challenge->nonce, question.nonce);
  EnrolAnswer answer{part_of(activated.content, activated.size), {}};
  if (!second.open(a.socket, a.timeout_s) || !second.ask(question, WireType::kAnswer, answer.anchor) ||
      !write_file(a.output, enrol_text(answer), kPublicMode))
    return kExitUndecided;
  return say(
      fmt::format("answer written for log {}\nnext, where the auditor is: cryptomod-audit enrol finish REQUEST {} "
                  "--keep SECRET -o enrolment.json\n",
                  hex_text(challenge->log_id), a.output));
}

// ---------------------------------------------------------------------------------------------------- finish

int run_finish(const EnrolArguments& a) {
  std::string file, why;
  const auto request = read_letter(a.input, parse_enrol_request, &file);
  if (!request) return kExitUndecided;
  const auto answer = read_letter(a.answer, parse_enrol_answer);
  if (!answer) return kExitUndecided;
  const auto secret = read_letter(a.keep, parse_enrol_secret);
  if (!secret) return kExitUndecided;
  const Lane lane = best_sha256_lane();
  if (sha256_of(lane, {reinterpret_cast<const uint8_t*>(file.data()), file.size()}) != secret->request_sha256)
    return complain(kExitUndecided, "the secret was kept for another request");
  const auto enrolment = conclude(lane, *request, *secret, *answer, why);
  if (!enrolment || !enrolment->endorsement) return complain(kExitTampered, why);
  if (!write_file(a.output, enrolment_text(*enrolment), kPublicMode)) return kExitUndecided;
  return say(fmt::format(
      "enrolled log {}: its attestation key is in the TPM of the\n{}\nverify with: cryptomod-audit verify DIR "
      "--enrolment {}\n",
      hex_text(enrolment->log_id), endorsement_text(*enrolment->endorsement), a.output));
}

// ---------------------------------------------------------------------------------------------------- arguments

using Arguments = std::shared_ptr<EnrolArguments>;

CLI::App* add_step(CLI::App& enrol, Command& chosen, const Arguments& arguments, const char* name, const char* help,
                   int (*run)(const EnrolArguments&)) {
  CLI::App* step = enrol.add_subcommand(name, help);
  step->callback([arguments, run, &chosen] { chosen = [arguments, run] { return run(*arguments); }; });
  return step;
}

void add_output(CLI::App& step, const Arguments& arguments) {
  step.add_option("-o,--output", arguments->output, "file to write")->required();
}

void add_socket(CLI::App& step, const Arguments& arguments) {
  step.add_option("SOCKET", arguments->socket, "the writer's unix socket")->required();
  step.add_option("--timeout-s", arguments->timeout_s, "seconds to wait for each answer")->check(CLI::Range(1, 3600));
}

}  // namespace

void add_enrol(CLI::App& app, Command& chosen) {
  const auto arguments = std::make_shared<EnrolArguments>();
  CLI::App* enrol = app.add_subcommand("enrol", "make an enrolment record that says whose TPM has the log's key");
  enrol->require_subcommand(1);
  enrol->footer(
      "request and answer run on the machine, challenge and finish where the auditor is.\n"
      "Exit codes: 0 done, 1 refused: something is not what it must be, 2 cannot read, write or reach, 64 usage.");
  CLI::App* request = add_step(*enrol, chosen, arguments, "request", "on the machine: ask for its TPM", run_request);
  add_socket(*request, arguments);
  request->add_option("--ek", arguments->ek, "which endorsement key: ecc-p256, rsa-2048, or any: the first there is")
      ->check(CLI::IsMember({"any", "ecc-p256", "rsa-2048"}));
  add_output(*request, arguments);
  CLI::App* challenge = add_step(*enrol, chosen, arguments, "challenge",
                                 "the auditor: check its endorsement certificate, make a challenge", run_challenge);
  challenge->add_option("REQUEST", arguments->input, "file of `enrol request`")->required();
  challenge->add_option("--ca", arguments->roots, "PEM: certificates of the TPM makers that you trust")->required();
  challenge->add_option("--intermediate", arguments->intermediates, "PEM: certificates between the two; repeatable")
      ->allow_extra_args(false);
  challenge->add_option("--keep", arguments->keep, "file to write for `enrol finish`, for you alone")->required();
  add_output(*challenge, arguments);
  CLI::App* answer = add_step(*enrol, chosen, arguments, "answer", "on the machine: let its TPM answer", run_answer);
  add_socket(*answer, arguments);
  answer->add_option("CHALLENGE", arguments->input, "file of `enrol challenge`")->required();
  add_output(*answer, arguments);
  CLI::App* finish =
      add_step(*enrol, chosen, arguments, "finish", "the auditor: write the enrolment record", run_finish);
  finish->add_option("REQUEST", arguments->input, "file of `enrol request`")->required();
  finish->add_option("ANSWER", arguments->answer, "file of `enrol answer`")->required();
  finish->add_option("--keep", arguments->keep, "file that `enrol challenge` left with you")->required();
  add_output(*finish, arguments);
}

}  // namespace cm::audit::verify
