// SPDX-License-Identifier: Apache-2.0
// command_challenge.cpp: `cryptomod-audit challenge`: asks a running writer for an anchor over a nonce.
#include <sys/random.h>

#include <algorithm>

#include "audit/verify/challenge.h"
#include "audit/verify/commands.h"
#include "audit/verify/output.h"
#include "audit/verify/writer_connection.h"

namespace cm::audit::verify {
namespace {

struct ChallengeArguments {
  std::string socket;
  std::string enrolment_file;
  std::string ak_file;
  std::optional<std::string> nonce;
  uint32_t timeout_s = 30;
  bool json = false;
};

WireChallenge packet_of(const Digest& nonce) {
  WireChallenge packet{static_cast<uint32_t>(WireType::kChallenge), kWireVersion, {}};
  std::ranges::copy(nonce, packet.nonce);
  return packet;
}

// nonce_of: the one given, else 32 random bytes. A nonce that somebody else could know beforehand shows nothing.
std::optional<Digest> nonce_of(const ChallengeArguments& arguments) {
  Digest nonce;
  if (!arguments.nonce) {
    if (getrandom(nonce.data(), nonce.size(), 0) != static_cast<ssize_t>(nonce.size())) return std::nullopt;
    return nonce;
  }
  const auto bytes = parse_hex(*arguments.nonce);
  if (!bytes || bytes->size() != nonce.size() || std::ranges::all_of(*bytes, [](uint8_t b) { return b == 0; }))
    return std::nullopt;
  std::ranges::copy(*bytes, nonce.begin());
  return nonce;
}

int run_challenge(const ChallengeArguments& arguments) {
  const auto nonce = nonce_of(arguments);
  if (!nonce) return usage("--nonce takes 64 hexadecimal digits, not all of them zero");
  if (arguments.enrolment_file.empty() && arguments.ak_file.empty())
    return usage("--enrolment or --ak is needed: without either no answer shows anything");
  Report trust_report;
  Trust trust;
  if (!load_trust(arguments.enrolment_file, arguments.ak_file, trust, trust_report)) {
    Output::complain(to_text(trust_report));
    return kExitUndecided;
  }
  const WriterConnection connection;
  WireAnswer answer;
  if (!connection.open(arguments.socket, arguments.timeout_s) ||
      !connection.ask(packet_of(*nonce), WireType::kAnswer, answer))
    return kExitUndecided;
  const ChallengeResult result = judge_answer(best_sha256_lane(), answer, *nonce, trust);
  Output output;
  if (!output.write(arguments.json ? to_json(result) : to_text(result)) || !output.flush()) return kExitUndecided;
  return exit_code(result.report);
}

}  // namespace

void add_challenge(CLI::App& app, Command& chosen) {
  const auto arguments = std::make_shared<ChallengeArguments>();
  CLI::App* command = app.add_subcommand("challenge", "ask a running writer for a fresh quote over its newest frame");
  command->add_option("SOCKET", arguments->socket, "the writer's unix socket")->required();
  auto* enrolment =
      command->add_option("--enrolment", arguments->enrolment_file, "trust root: enrolment record (JSON)");
  command->add_option("--ak", arguments->ak_file, "attestation public key (TPMT_PUBLIC or PEM)")->excludes(enrolment);
  command->add_option("--nonce", arguments->nonce, "64 hexadecimal digits that nobody could know; default: random");
  command->add_option("--timeout-s", arguments->timeout_s, "seconds to wait for the answer")
      ->check(CLI::Range(1, 3600));
  command->add_flag("--json", arguments->json, "print the result as JSON");
  command->footer(
      "The answer stands in the log too, as an anchor over the nonce.\n"
      "Exit codes: 0 answered, 1 the answer is wrong, 2 no answer, 3 answered under --ak alone, 64 usage.");
  command->callback([arguments, &chosen] { chosen = [arguments] { return run_challenge(*arguments); }; });
}

}  // namespace cm::audit::verify
