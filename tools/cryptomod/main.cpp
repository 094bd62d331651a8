// SPDX-License-Identifier: Apache-2.0
// main.cpp: the cryptomod tool: command line, and the one place where failures become a sentence and an exit code. It
// uses the public interface of libcryptomod only, and holds no cryptography of its own.
#include <sys/resource.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "tools/cryptomod/commands.h"
#include "tools/cryptomod/failure.h"
#include "tools/cryptomod/signals.h"

namespace {

using namespace cm::tool;

using Command = int (*)(const Options&);

constexpr char kDescription[] =
    "cryptomod: seals and opens files inside the boundary of libcryptomod and shows what the module is doing.\n"
    "libcryptomod is built in the style of FIPS 140-3. It is not validated.";

constexpr char kFooter[] =
    "Evidence:\n"
    "  Every command records what it does in an audit log, and nothing is done that cannot be recorded. Without\n"
    "  --audit-dir and --audit-socket the log is in\n"
    "    /var/lib/cryptomod/log                when run by root,\n"
    "    $XDG_STATE_HOME/cryptomod/log         else, or ~/.local/state/cryptomod/log when that is not set.\n"
    "  The state of the software TPM is beside it in log.tpm, the enrolment record in log.trust/enrolment.json.\n"
    "  The demo keeps its own log in its directory.\n\n"
    "Exit codes:\n"
    "  0 success   1 failure (files, disk, audit, module)   64 wrong usage\n"
    "  2 not authentic: wrong key or passphrase, a damaged file, or not a file of this tool; no result was written\n"
    "  128+n ended by signal n";

void add_in_out(CLI::App& command, Options& o, const char* in, const char* out) {
  command.add_option("--key", o.key_file, "key file made by keygen")->required()->type_name("K");
  command.add_option("IN", o.in, std::string(in) + "; - is standard input")->required();
  command.add_option("OUT", o.out, std::string(out) + "; - is standard output")->required();
  command.add_flag("--force", o.force, "replace OUT when it exists");
}

CLI::App* add_command(CLI::App& app, const char* name, const char* what, Command run, Command& chosen) {
  CLI::App* command = app.add_subcommand(name, what);
  command->fallthrough();  // the options of all commands may stand after the command too
  command->footer(
      "The options of all commands (--audit-dir, --passphrase-file, ...) and the exit codes: cryptomod --help");
  command->callback([run, &chosen] { chosen = run; });
  return command;
}

void declare(CLI::App& app, Options& o, Command& chosen) {
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("cryptomod ") + CM_VERSION_STRING);
  app.footer(kFooter);
  auto* dir = app.add_option("--audit-dir", o.place.audit_dir, "directory of the audit log")->type_name("DIR");
  auto* socket = app.add_option("--audit-socket", o.place.audit_socket, "socket of a writer that runs as a service")
                     ->type_name("SOCKET");
  auto* tcti = app.add_option("--tcti", o.place.tcti, "another TPM than the software TPM, e.g. device:/dev/tpmrm0")
                   ->type_name("STRING");
  dir->excludes(socket);
  tcti->excludes(socket);
  app.add_option("--passphrase-file", o.passphrase_file,
                 "read the passphrase from the first line of F (mode 0600) instead of the terminal")
      ->type_name("F");

  CLI::App* keygen =
      add_command(app, "keygen", "make a key file (AES-256-GCM, wrapped, mode 0600)", keygen_command, chosen);
  keygen->add_option("FILE", o.key_file, "the new key file; an existing one is never replaced")->required();
  keygen->add_flag("--no-passphrase", o.no_passphrase, "whoever can read the key file has the key; the file says so");

  CLI::App* seal = add_command(app, "seal", "encrypt and authenticate a file of any size", seal_command, chosen);
  add_in_out(*seal, o, "what to seal", "the sealed file (mode 0600)");

  CLI::App* open = add_command(app, "open", "verify and decrypt a sealed file", open_command, chosen);
  add_in_out(*open, o, "the sealed file", "the content (mode 0600), named only when all of it was verified");
  open->add_flag("--stream", o.stream,
                 "allow OUT to be -: content is released chunk by chunk, each one verified, before the end is known");

  CLI::App* selftest = add_command(app, "selftest", "run every self-test of every lane", selftest_command, chosen);
  selftest->add_flag("--json", o.json, "print JSON");

  CLI::App* status = add_command(app, "status", "show version, state, lanes, audit and TPM", status_command, chosen);
  status->add_flag("--json", o.json, "print JSON");

  CLI::App* demo =
      add_command(app, "demo", "seal and open a file, prove the log, find a changed bit", demo_command, chosen);
  demo->add_option("DIR", o.demo_dir, "directory for all files of the demo; it may be used again")->required();
  demo->add_option("--input", o.demo_input, "file to seal instead of a small one made by the demo")->type_name("FILE");
}

// check_together: what CLI11 cannot express across commands.
void check_together(const Options& o, Command chosen) {
  if (o.no_passphrase && !o.passphrase_file.empty())
    throw Failure(kExitUsage, "--no-passphrase and --passphrase-file exclude each other");
  if (chosen == demo_command && !(o.place.audit_dir + o.place.audit_socket + o.place.tcti).empty())
    throw Failure(kExitUsage,
                  "the demo has its own log and software TPM in DIR; leave --audit-dir, --audit-socket and --tcti out");
}

// complain: one line; control characters of file names do not reach the terminal.
int complain(std::string sentence, int code) {
  std::replace_if(sentence.begin(), sentence.end(), [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, '?');
  std::fprintf(stderr, "cryptomod: %s\n", sentence.c_str());
  return code;
}

int run(Command command, const Options& options) {
  try {
    check_together(options, command);
    return command(options);
  } catch (const Interrupted& interrupted) {
    end_by_signal(interrupted.signal());
  } catch (const Failure& failure) {
    return complain(failure.what(), failure.code());
  } catch (const cryptomod::Error& error) {
    return complain(error.what(), kExitFailed);
  } catch (const std::bad_alloc&) {
    return complain("there is not enough memory", kExitFailed);
  } catch (const std::exception& error) {
    return complain(error.what(), kExitFailed);
  }
}

int run_arguments(int argc, char** argv) {
  // Contents and passphrases pass through this process: none of it into a core file.
  constexpr rlimit kNoCore{0, 0};
  setrlimit(RLIMIT_CORE, &kNoCore);
  umask(0077);
  install_signal_handlers();

  CLI::App app{kDescription, "cryptomod"};
  Options options;
  Command command = nullptr;
  try {
    declare(app, options, command);
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  const int code = run(command, options);
  if (std::fflush(stdout) != 0) return complain("cannot write to standard output", kExitFailed);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run_arguments(argc, argv);
  } catch (...) {  // while a failure was being told: there is no memory left
    return kExitFailed;
  }
}
