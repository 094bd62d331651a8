// SPDX-License-Identifier: Apache-2.0
// sustained.cpp: see sustained.h.
#include "bench/sustained.h"

#include <vector>

#include "bench/machine.h"

namespace cm::bench {
namespace {

constexpr unsigned kCallsBetweenClocks = 256;

uint64_t size_of(const std::filesystem::path& dir) {
  uint64_t total = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) total += entry.file_size();
  return total;
}

}  // namespace

Sustained sustained_seal(const Module& module, const std::filesystem::path& log, size_t bytes, double seconds) {
  const cm_key key = module.generate_counter_key(256);
  std::vector<uint8_t> in(bytes, 0x42);
  std::vector<uint8_t> out(bytes);
  uint8_t iv[CM_AEAD_IV_SIZE];
  uint8_t tag[CM_AEAD_TAG_SIZE_MAX];
  module.drain();
  const uint64_t log_before = size_of(log);
  const uint64_t begin = now_ns();
  const uint64_t end = begin + static_cast<uint64_t>(seconds * 1e9);
  Sustained result{};
  while (now_ns() < end) {
    for (unsigned i = 0; i < kCallsBetweenClocks; ++i) {
      const cm_rc rc = module.f().cm_aead_seal(module.session(), key, out.data(), out.size(), iv, sizeof iv, tag,
                                               sizeof tag, nullptr, 0, in.data(), in.size());
      if (rc == CM_ERR_AUDIT) {
        ++result.refused;
      } else {
        module.require(rc, "cm_aead_seal");
        ++result.calls;
      }
    }
  }
  module.drain();
  result.seconds = static_cast<double>(now_ns() - begin) / 1e9;
  result.log_bytes = size_of(log) - log_before;
  module.require(module.f().cm_key_destroy(module.session(), key), "cm_key_destroy");
  return result;
}

}  // namespace cm::bench
