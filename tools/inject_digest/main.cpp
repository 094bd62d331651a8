// SPDX-License-Identifier: Apache-2.0
// main.cpp: cm-inject-digest, the build step after the link: measures libcryptomod.so as it will be in memory, refuses
// a file that was not linked as the integrity test needs it, and writes the digest into the file. Not installed, not
// part of the module. Running it again changes nothing.
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <string>

#include "tools/inject_digest/elf_file.h"

namespace {

using namespace cm;
using namespace cm::inject_digest;

enum ExitCode : int { kDone = 0, kRefused = 1, kUsage = 64 };

struct Options {
  bool allow_data = false;
  bool check_only = false;
  const char* file = nullptr;
};

const char kUsageText[] =
    "usage: cm-inject-digest [--allow-data] [--check] FILE\n"
    "  writes the integrity digest into a shared object that contains the module\n"
    "  --allow-data  the build is instrumented: initialised writable data is accepted and not checked\n"
    "  --check       writes nothing; fails when the digest in FILE is not the right one\n";

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--allow-data") == 0)
      options.allow_data = true;
    else if (std::strcmp(argv[i], "--check") == 0)
      options.check_only = true;
    else if (argv[i][0] == '-' || options.file != nullptr)
      return false;
    else
      options.file = argv[i];
  }
  return options.file != nullptr;
}

std::string hex(const uint8_t* bytes, size_t size) {
  std::string text;
  char two[3];
  for (size_t i = 0; i < size; ++i) {
    std::snprintf(two, sizeof two, "%02x", bytes[i]);
    text += two;
  }
  return text;
}

int run(const Options& options) {
  // The name may be a link to the versioned file; the rename must replace the file, not the link.
  const std::filesystem::path path = std::filesystem::canonical(options.file);
  ElfFile file = read_elf(path);
  const DigestSlot before = injected_slot(file);
  const uint32_t flags = options.check_only ? before.flags : options.allow_data ? kSlotAllowsData : 0;
  const Measurement measured = measure(file, flags);
  const bool same = before.flags == flags && std::memcmp(before.digest, measured.digest, sizeof measured.digest) == 0;
  if (!same && options.check_only) throw Refusal("the digest in the file is not the digest of the file");
  if (!same) write_slot(file, path, flags, measured.digest);
  std::printf("%s: integrity digest %s%s\n", path.filename().c_str(),
              hex(measured.digest, sizeof measured.digest).c_str(),
              (flags & kSlotAllowsData) != 0 ? " (instrumented build: writable data is not checked)" : "");
  return kDone;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    std::fputs(kUsageText, stderr);
    return kUsage;
  }
  try {
    return run(options);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "cm-inject-digest: %s: %s\n", options.file, e.what());
    return kRefused;
  }
}
