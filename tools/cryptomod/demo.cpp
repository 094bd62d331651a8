// SPDX-License-Identifier: Apache-2.0
// demo.cpp: the main job of the project from end to end: services inside the boundary on a real file, then the proof of
// the log they left, then the proof that a changed log is found. It succeeds only when all of that is as it must be. It
// can be run again in the same directory: the log goes on, the trust root stays.
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "tools/cryptomod/child_process.h"
#include "tools/cryptomod/commands.h"
#include "tools/cryptomod/demo_log.h"
#include "tools/cryptomod/failure.h"
#include "tools/cryptomod/hex.h"
#include "tools/cryptomod/key_file.h"
#include "tools/cryptomod/progress.h"
#include "tools/cryptomod/sealing.h"
#include "tools/cryptomod/signals.h"

namespace cm::tool {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kSyncMs = 10'000;
constexpr int kVerified = 0;  // exit codes of cryptomod-audit verify
constexpr int kTampered = 1;

constexpr OutputOptions kReplace{true, ""};

// Places: everything the demo makes, all under its directory.
struct Places {
  explicit Places(const std::string& dir) : root(dir) {}
  fs::path root;
  fs::path log = root / "log";
  fs::path tpm = root / "tpm";
  fs::path trust = root / "trust";
  fs::path enrolment = trust / "enrolment.json";
  fs::path key = root / "demo.key";
  fs::path input = root / "demo-input.bin";
  fs::path sealed = root / "demo-sealed.bin";
  fs::path opened = root / "demo-opened.bin";
  fs::path changed_log = root / "changed-log";
};

// Steps: the lines the demo prints; colour on a terminal only.
class Steps {
 public:
  Steps() : colour_(isatty(STDOUT_FILENO) == 1) {}
  void title(const std::string& text) const { print_line(colour_ ? "\x1b[1m" + text + "\x1b[0m" : text); }
  void step(std::string_view name, const std::string& text) {
    print_line(fmt::format("{}{:>3}{}  {:<11} {}", colour_ ? "\x1b[32m" : "", ++number_, colour_ ? "\x1b[0m" : "", name,
                           text));
  }
  void detail(const std::string& text) const { print_line(fmt::format("     {:<11} {}", "", text)); }
  // output: of another program, the first lines of it.
  void output(const std::string& text, size_t lines_max = SIZE_MAX) const {
    std::string_view rest = text;
    for (size_t i = 0; i < lines_max && !rest.empty(); ++i) {
      const size_t end = rest.find('\n');
      print_line(fmt::format("       | {}", rest.substr(0, end)));
      rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    }
  }

 private:
  static void print_line(const std::string& line) {
    fmt::print("{}\n", line);
    std::fflush(stdout);
  }
  bool colour_;
  int number_ = 0;
};

// make_input: about 2.5 MiB in every run the same, so that chunk borders are crossed and results can be compared.
void make_input(const Places& places) {
  constexpr int kLines = 50'000;
  std::string text;
  for (int i = 0; i < kLines; ++i)
    text += fmt::format("line {:06} of a file that is to be sealed; {:>6}\n", i, i * 7919 % 1000);
  const auto out = open_output(places.input.string(), kReplace, {});
  out->write(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
  out->commit();
}

void make_directory(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) fail_errno("cannot create the directory '" + path.string() + "'", error.value());
}

// ---- services

void self_tests(Steps& steps, const cryptomod::Session& session) {
  const auto rows = session.selftest();
  uint64_t ns = 0;
  for (const cm_selftest_row& row : rows) ns += row.ns;
  steps.step("self-tests", fmt::format("{} passed in {:.1f} ms; lanes {}", rows.size(), static_cast<double>(ns) / 1e6,
                                       cryptomod::status().lanes));
}

cryptomod::Key demo_key(Steps& steps, const cryptomod::Session& session, const Places& places) {
  const bool made = !fs::exists(places.key);
  if (made) {
    const std::string text = to_text(new_key(session, std::nullopt));
    const auto out = open_output(places.key.string(), {}, {});
    out->write(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
    out->commit();
  }
  struct stat about{};
  const KeyFile file = read_key_file(places.key.string(), about);
  if (file.protection != Protection::kNone) fail(kExitFailed, "'{}' was not made by this demo", places.key.string());
  steps.step("key", fmt::format("{} {} (AES-256-GCM, wrapped, without a passphrase: a demo)", places.key.string(),
                                made ? "made" : "read"));
  return unlock(session, file, std::nullopt, places.key.string());
}

using Work = uint64_t (*)(const cryptomod::Session&, const cryptomod::Key&, Input&, Output&, Progress&);

void transform(Steps& steps, const char* name, Work work, const cryptomod::Session& session, const cryptomod::Key& key,
               const std::string& from, const std::string& to) {
  Input in(from);
  const std::array<struct stat, 1> others{in.about()};
  const auto out = open_output(to, kReplace, others);
  double seconds = 0;
  uint64_t bytes = 0;
  {
    Progress progress(name, from, in.size(), error_redraws());
    bytes = work(session, key, in, *out, progress);
    require(cm_audit_sync(session.handle(), 0, kSyncMs), "the audit log is not durable, so no result is written");
    out->commit();
    seconds = progress.seconds();
  }
  steps.step(name, fmt::format("{} -> {}, {}, {}", from, to, bytes_text(bytes), rate_text(bytes, seconds)));
}

void compare(Steps& steps, const std::string& a_name, const std::string& b_name) {
  constexpr size_t kPart = size_t{1} << 20;
  Input a(a_name);
  Input b(b_name);
  std::vector<uint8_t> a_part(kPart);
  std::vector<uint8_t> b_part(kPart);
  for (uint64_t offset = 0;; offset += kPart) {
    const size_t a_size = a.read(a_part);
    const size_t b_size = b.read(b_part);
    if (a_size != b_size || std::memcmp(a_part.data(), b_part.data(), a_size) != 0)
      fail(kExitFailed, "'{}' and '{}' differ after byte {}", a_name, b_name, offset);
    if (a_size == 0) break;
  }
  steps.detail("what was opened equals what was sealed, byte for byte");
}

void random_and_hash(Steps& steps, const cryptomod::Session& session, const std::string& input) {
  std::array<uint8_t, 32> bytes{};
  session.random(bytes);
  steps.step("random", to_hex(bytes));

  cryptomod::Hash hash(session);
  Input in(input);
  std::vector<uint8_t> part(size_t{1} << 20);
  for (size_t size = in.read(part); size != 0; size = in.read(part)) hash.update(std::span(part).first(size));
  steps.step("hash", "SHA-256 " + to_hex(hash.finish()));
}

void services(Steps& steps, const Places& places, const std::string& input) {
  ModuleRun module({places.log.string(), "", places.tpm.string(), places.trust.string(), ""});
  const cm_status_info info = cryptomod::status();
  steps.step("start", fmt::format("operational {:.1f} ms after load; writer connected in {:.0f} ms, TPM: {}",
                                  static_cast<double>(info.load_to_ready_ns) / 1e6,
                                  static_cast<double>(info.writer_connect_ns) / 1e6, info.tpm));
  {
    cryptomod::Session session;
    self_tests(steps, session);
    const cryptomod::Key key = demo_key(steps, session, places);
    transform(steps, "seal", seal_stream, session, key, input, places.sealed.string());
    transform(steps, "open", open_stream, session, key, places.sealed.string(), places.opened.string());
    compare(steps, input, places.opened.string());
    random_and_hash(steps, session, input);
  }
  module.close();
  steps.step("close", fmt::format("keys zeroised, log in {} closed", places.log.string()));
}

// ---- evidence

std::vector<std::string> verify_command(const std::string& verifier, const fs::path& log, const Places& places) {
  return {verifier, "verify", log.string(), "--enrolment", places.enrolment.string()};
}

bool verify_log(Steps& steps, const std::string& verifier, const Places& places) {
  const ChildResult verdict = run_child(verify_command(verifier, places.log, places));
  steps.step("verify", fmt::format("the log against {}: exit code {}", places.enrolment.string(), verdict.exit_code));
  steps.output(verdict.output);
  return verdict.exit_code == kVerified;
}

// names_record: whether the verifier's findings name this record.
bool names_record(const std::string& json_text, const RecordInLog& record) {
  const auto json = nlohmann::json::parse(json_text, nullptr, false);
  if (json.is_discarded() || !json.contains("findings")) return false;
  for (const auto& finding : json["findings"]) {
    const auto place = finding.find("place");
    if (place != finding.end() && place->value("record", UINT64_MAX) == record.number &&
        place->value("segment", "") == record.segment)
      return true;
  }
  return false;
}

// shown_record: the line that the auditor's tool prints for a record.
std::string shown_record(const std::string& verifier, const fs::path& log, uint64_t number) {
  const ChildResult shown = run_child({verifier, "show", log.string(), "--event", "aead-seal"}, ChildErrors::kDropped);
  const std::string mark = fmt::format("#{} ", number);
  const size_t begin = shown.output.rfind("\n" + mark);
  if (begin == std::string::npos) return "not shown";
  const size_t end = shown.output.find('\n', begin + 1);
  return shown.output.substr(begin + 1, end == std::string::npos ? end : end - begin - 1);
}

bool find_change(Steps& steps, const std::string& verifier, const Places& places) {
  constexpr uint64_t kDetailOffset = 48;  // of the field in a record: how many bytes were sealed
  constexpr size_t kVerdictLines = 3;     // the verdict, the place, and what is proved before it
  const RecordInLog record = find_seal_record(places.log);
  copy_log(places.log, places.changed_log);
  flip_bit(places.changed_log / record.segment, record.offset + kDetailOffset, 0);
  steps.step("change", fmt::format("one bit flipped in a copy, {}: {}, byte {}", places.changed_log.string(),
                                   record.segment, record.offset + kDetailOffset));

  auto command = verify_command(verifier, places.changed_log, places);
  const ChildResult verdict = run_child(command);
  steps.step("verify", fmt::format("the changed copy: exit code {}", verdict.exit_code));
  steps.output(verdict.output, kVerdictLines);
  command.emplace_back("--json");
  if (!names_record(run_child(command).output, record)) return false;
  steps.detail("the record that is named, as it was and as it is in the copy:");
  steps.output(shown_record(verifier, places.log, record.number));
  steps.output(shown_record(verifier, places.changed_log, record.number));
  return verdict.exit_code == kTampered;
}

}  // namespace

int demo_command(const Options& options) {
  const std::string verifier = find_program("cryptomod-audit");
  const Places places(fs::path(options.demo_dir).lexically_normal().string());
  Steps steps;
  make_directory(places.root);
  if (options.demo_input.empty()) make_input(places);
  const std::string input = options.demo_input.empty() ? places.input.string() : options.demo_input;

  steps.title(fmt::format("libcryptomod {}: seal a file, prove the log, find a change", CM_VERSION_STRING));
  services(steps, places, input);
  check_signals();
  if (!verify_log(steps, verifier, places)) fail(kExitFailed, "the log did not verify; the lines above say why");
  check_signals();
  if (!find_change(steps, verifier, places))
    fail(kExitFailed, "the changed copy of the log was not found out as it should be; see the lines above");
  steps.title("done: the log is proved, and a change of one bit in it is found");
  return kExitOk;
}

}  // namespace cm::tool
