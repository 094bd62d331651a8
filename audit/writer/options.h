// SPDX-License-Identifier: Apache-2.0
// options.h: the command line of cryptomod-auditd. It checks values and touches neither files nor the TPM.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace cm::audit {

// 0x01c3: TCG's range for platform profiles, clear of the EK certificates (0x01c0....); 0x434d = "CM".
inline constexpr uint32_t kDefaultNvIndex = 0x01c3434d;
inline constexpr uint32_t kDefaultPcr = 14;

struct Options {
  std::string log_dir;
  std::string run_dir;
  std::string trust_dir;    // empty: no enrolment record is written
  std::string metrics_dir;  // empty: no metrics are written
  std::string tpm_dir;      // state of a software TPM of our own; empty with tcti
  std::string tcti;
  std::string user;  // account to run as when started by root; empty: see privileges.h
  bool is_private = false;
  int ready_fd = -1;
  uint32_t pcr = kDefaultPcr;
  uint32_t nv_index = kDefaultNvIndex;
  uint64_t segment_size = uint64_t{1} << 30;
  uint64_t segment_age_s = 0;  // 0: segments are closed by their size alone
  uint32_t anchor_interval_ms = 1000;
  uint64_t tail_limit = 8000000;  // records that may be durable without being extended into the TPM
};

// device_path: the device file that a TCTI of kind "device" opens; empty for the others.
std::string device_path(const std::string& tcti);

// parse_options: nothing when the program shall go on, else its exit code (0 after --help, 64 for wrong usage).
std::optional<int> parse_options(int argc, const char* const* argv, Options& options);

}  // namespace cm::audit
