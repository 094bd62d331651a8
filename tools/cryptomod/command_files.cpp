// SPDX-License-Identifier: Apache-2.0
// command_files.cpp: keygen, seal and open. Everything that can be wrong with files and passphrases is found before the
// module is started; a result gets its name only when its evidence is durable.
#include <unistd.h>

#include <array>
#include <optional>

#include "tools/cryptomod/commands.h"
#include "tools/cryptomod/failure.h"
#include "tools/cryptomod/key_file.h"
#include "tools/cryptomod/progress.h"
#include "tools/cryptomod/sealed_format.h"
#include "tools/cryptomod/sealing.h"
#include "tools/cryptomod/signals.h"

namespace cm::tool {
namespace {

constexpr uint32_t kSyncMs = 10'000;
constexpr char kKeyExists[] =
    "a key file is never replaced, since what its key sealed could not be opened again; name another";

std::optional<Passphrase> passphrase_for(const KeyFile& key, const Options& options) {
  if (key.protection == Protection::kNone) return std::nullopt;
  if (!options.passphrase_file.empty()) return passphrase_from_file(options.passphrase_file);
  return ask_passphrase("Passphrase of " + options.key_file);
}

std::optional<Passphrase> new_passphrase(const Options& options) {
  if (options.no_passphrase) return std::nullopt;
  if (options.passphrase_file.empty()) return ask_new_passphrase();
  Passphrase passphrase = passphrase_from_file(options.passphrase_file);
  require_strong(passphrase);
  return passphrase;
}

std::unique_ptr<Output> output_of(const Options& options, std::span<const struct stat> others) {
  if (options.out == kStandardStream) return standard_output();
  OutputOptions how;
  how.replace = options.force;
  return open_output(options.out, how, others);
}

// commit_with_evidence: first the records of what was done, then the name.
void commit_with_evidence(const cryptomod::Session& session, Output& out) {
  check_signals();
  require(cm_audit_sync(session.handle(), 0, kSyncMs), "the audit log is not durable, so no result is written");
  out.commit();
}

// Job: seal and open, which differ in the middle only.
struct Job {
  const char* doing;
  const char* done;
  bool sealing;
};

std::optional<uint64_t> content_size(const Job& job, const Input& in) {
  const auto size = in.size();
  if (job.sealing || !size || *size < kHeaderSize) return size;
  const uint64_t chunks = (*size - kHeaderSize + kSealedChunkSize - 1) / kSealedChunkSize;
  const uint64_t overhead = kHeaderSize + chunks * kChunkOverhead;
  return *size > overhead ? *size - overhead : 0;
}

int run(const Job& job, const Options& options) {
  std::array<struct stat, 2> others{};
  const KeyFile key_file = read_key_file(options.key_file, others[0]);
  Input in(options.in);
  others[1] = in.about();
  const auto out = output_of(options, others);
  const auto passphrase = passphrase_for(key_file, options);

  ModuleRun module(options.place);
  uint64_t bytes = 0;
  double seconds = 0;
  {
    const cryptomod::Session session;
    const cryptomod::Key key = unlock(session, key_file, passphrase, options.key_file);
    Progress progress(job.doing, in.name(), content_size(job, in), error_redraws());
    bytes = (job.sealing ? seal_stream : open_stream)(session, key, in, *out, progress);
    commit_with_evidence(session, *out);
    seconds = progress.seconds();
  }
  if (in.changed())
    fmt::print(stderr, "cryptomod: warning: '{}' was changed while it was read; the result holds what was read\n",
               in.name());
  module.close();
  if (error_is_terminal())
    fmt::print(stderr, "{} {} into {} ({})\n", job.done, bytes_text(bytes), out->name(), rate_text(bytes, seconds));
  return kExitOk;
}

}  // namespace

int keygen_command(const Options& options) {
  const auto out = open_output(options.key_file, {false, kKeyExists}, {});
  const auto passphrase = new_passphrase(options);
  ModuleRun module(options.place);
  {
    const cryptomod::Session session;
    const std::string text = to_text(new_key(session, passphrase));
    out->write(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
    commit_with_evidence(session, *out);
  }
  module.close();
  fmt::print(stderr, "the key is in '{}'; {}\n", options.key_file,
             passphrase ? "without it and its passphrase nothing that it sealed can be opened"
                        : "it is NOT protected by a passphrase: whoever can read the file has the key");
  return kExitOk;
}

int seal_command(const Options& options) {
  if (options.out == kStandardStream && isatty(STDOUT_FILENO) == 1)
    fail(kExitUsage, "a sealed file is binary and not written to a terminal; name an output or redirect it");
  return run({"sealing", "sealed", true}, options);
}

int open_command(const Options& options) {
  if (options.out == kStandardStream && !options.stream)
    fail(kExitUsage,
         "opening to standard output releases content before the end was verified, so that a sealed file that is cut "
         "short is noticed only afterwards, by exit code {}; give --stream if that is acceptable, or name a file",
         static_cast<int>(kExitNotAuthentic));
  return run({"opening", "opened", false}, options);
}

}  // namespace cm::tool
