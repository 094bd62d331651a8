// SPDX-License-Identifier: Apache-2.0
// audit_program.h: cryptomod-audit as a process, and directories with logs in them for it to read. Only for tests that
// define CM_AUDIT_PROGRAM.
#pragma once
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "audit/payload.h"
#include "audit/verify/log_source.h"

namespace cm::audit::test {

// run_audit: the exit code; standard output goes to out, standard error nowhere unless the arguments say where.
inline int run_audit(const std::string& arguments, std::string* out = nullptr) {
  FILE* pipe = popen((std::string(CM_AUDIT_PROGRAM) + " 2>/dev/null " + arguments).c_str(), "r");
  std::string text;
  char buffer[4096];
  while (const size_t n = fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, n);
  if (out != nullptr) *out = text;
  return WEXITSTATUS(pclose(pipe));
}

inline std::vector<nlohmann::json> json_lines(const std::string& text) {
  std::vector<nlohmann::json> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(nlohmann::json::parse(line));
  return out;
}

// LogDirectory: a new directory that goes with the object.
class LogDirectory {
 public:
  explicit LogDirectory(const std::vector<Bytes>& segments = {}) {
    path_ = (std::filesystem::temp_directory_path() / "cm-log-XXXXXX").string();
    if (mkdtemp(path_.data()) == nullptr) std::abort();
    for (size_t i = 0; i < segments.size(); ++i) append(i, segments[i]);
  }
  ~LogDirectory() { std::filesystem::remove_all(path_); }
  LogDirectory(const LogDirectory&) = delete;
  LogDirectory& operator=(const LogDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string segment(size_t index) const {
    return path_ + "/" + verify::segment_file_name(static_cast<uint32_t>(index));
  }
  void append(size_t index, std::span<const uint8_t> bytes) const {
    std::ofstream(segment(index), std::ios::binary | std::ios::app)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }

 private:
  std::string path_;
};

}  // namespace cm::audit::test
