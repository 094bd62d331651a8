// SPDX-License-Identifier: Apache-2.0
// sustained.h: what the audit lets through in the long run, when writer and disk set the pace and not the ring.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "bench/module.h"

namespace cm::bench {

struct Sustained {
  uint64_t calls;
  uint64_t refused;  // answered CM_ERR_AUDIT
  double seconds;    // until the last record was durable and in the TPM
  uint64_t log_bytes;
};

// sustained_seal: seals messages of so many bytes for so many seconds with the counter regime. log: the module's log.
Sustained sustained_seal(const Module& module, const std::filesystem::path& log, size_t bytes, double seconds);

}  // namespace cm::bench
