// SPDX-License-Identifier: Apache-2.0
// integrity.cpp: finds this module's own image and the expected digest, measures the one and compares it with the
// other (ISO/IEC 19790 7.5, 7.10.2.2). It must not use the file: what runs is the memory.
#include "crypto/module/integrity.h"

#include <elf.h>
#include <link.h>

#include <atomic>

#include "crypto/base/bytes.h"
#include "crypto/base/ct.h"
#include "crypto/base/secret.h"
#include "crypto/module/integrity_image.h"

// __ehdr_start: the linker's name for the first byte of this object's own ELF header.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

namespace cm {
namespace {

constexpr size_t kDigestWords = kIntegrityDigestSize / sizeof(uint64_t);
std::atomic<uint64_t> last_digest[kDigestWords];

void remember(const uint8_t* digest) {
  for (size_t i = 0; i < kDigestWords; ++i)
    last_digest[i].store(load_le64(digest + i * sizeof(uint64_t)), std::memory_order_relaxed);
}

Image own_image() {
  const auto start = reinterpret_cast<uintptr_t>(&__ehdr_start);
  return {reinterpret_cast<const uint8_t*>(start), start, reinterpret_cast<uintptr_t>(&digest_slot) - start, true};
}

}  // namespace

Status integrity_check(Lane sha256_lane) {
  Measurement measured{};
  const ImageFinding finding = measure_image(own_image(), sha256_lane, measured);
  uint8_t expected[kIntegrityDigestSize];
  for (size_t i = 0; i < kIntegrityDigestSize; ++i) expected[i] = digest_slot.digest[i];
  const bool equal = ct::declassify(ct::equal_bytes(measured.digest, expected, kIntegrityDigestSize));
  remember(measured.digest);
  zeroise(expected, sizeof expected);
  zeroise(&measured, sizeof measured);
  return finding == ImageFinding::kNone && equal ? Status::kOk : Status::kIntegrity;
}

void integrity_digest(uint8_t* out) {
  for (size_t i = 0; i < kDigestWords; ++i)
    store_le64(out + i * sizeof(uint64_t), last_digest[i].load(std::memory_order_relaxed));
}

bool integrity_confirmed() {
  uint64_t difference = 0;
  uint64_t bits = 0;
  for (size_t i = 0; i < kIntegrityDigestSize; ++i) {
    const uint64_t word = last_digest[i / 8].load(std::memory_order_relaxed);
    const uint64_t byte = word >> (i % 8 * 8) & 0xff;
    difference |= byte ^ digest_slot.digest[i];
    bits |= byte;
  }
  return difference == 0 && bits != 0;
}

}  // namespace cm
