// SPDX-License-Identifier: Apache-2.0
// make_golden_logs.cpp: writes the logs of vectors/audit anew, with new signatures: make_golden_logs DIRECTORY. Only
// for a change of the format, which is a new format version.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/audit/support/golden_logs.h"

int main(int argc, char** argv) {
  using namespace cm::audit::test;  // NOLINT(google-build-using-namespace): a program of ten lines
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_golden_logs DIRECTORY\n");
    return 64;
  }
  const std::filesystem::path root = argv[1];
  for (const GoldenLog& golden : kGoldenLogs) {
    const LogBuilder log = golden.build({});
    std::filesystem::create_directories(root / golden.name);
    for (size_t i = 0; i < log.segments.size(); ++i) {
      std::ofstream out(root / golden.name / cm::audit::verify::segment_file_name(static_cast<uint32_t>(i)),
                        std::ios::binary);
      out.write(reinterpret_cast<const char*>(log.segments[i].data()),
                static_cast<std::streamsize>(log.segments[i].size()));
    }
    std::ofstream(root / (std::string(golden.name) + ".enrolment.json")) << enrolment_json(log.enrolment());
  }
  return 0;
}
