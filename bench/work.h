// SPDX-License-Identifier: Apache-2.0
// work.h: what every row needs: the memory of a contestant, a runner of one of our services, and how a difference is
// reported.
#pragma once
#include <array>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>

#include "bench/rows.h"
#if defined(CM_HAVE_IPSEC_MB)
#include "bench/peer_ipsec_mb.h"
#endif

namespace cm::bench {

inline constexpr size_t kAad = 13;  // a TLS record header
inline constexpr size_t kIv = CM_AEAD_IV_SIZE;
inline constexpr size_t kTag = CM_AEAD_TAG_SIZE_MAX;
inline constexpr size_t kDigest = 64;  // of the longest
inline constexpr size_t kLargest = 16384;
inline constexpr size_t kSizes[] = {16, 64, 256, 1024, 16384};

inline void expect(bool ok, const std::string& what) {
  if (!ok) throw std::runtime_error("results differ: " + what);
}

// Work: the memory of one contestant in one row.
struct Work {
  alignas(64) std::array<uint8_t, kLargest> in;
  alignas(64) std::array<uint8_t, kLargest> out;
  std::array<uint8_t, kIv> iv{};
  std::array<uint8_t, kTag> tag{};
  std::array<uint8_t, kAad> aad{};
  std::array<uint8_t, kDigest> digest{};

  Work() {
    for (size_t i = 0; i < in.size(); ++i) in[i] = static_cast<uint8_t>(i * 131 + (i >> 8));
    aad.fill(0x17);
    out.fill(0);
  }
  // next_iv: what a peer's caller has to do that the counter regime does inside.
  void next_iv() {
    uint64_t counter = 0;
    std::memcpy(&counter, iv.data() + 4, sizeof counter);
    ++counter;
    std::memcpy(iv.data() + 4, &counter, sizeof counter);
  }
};
inline std::shared_ptr<Work> work() { return std::make_shared<Work>(); }

// repeat: a runner of one of our services. Results are looked at after the loop: or-ing them keeps the first error's
// sign and any "not approved".
template <class Call>
Runner repeat(const Module& m, const char* name, const Call& call) {
  return [&m, name, call](size_t jobs) {
    cm_rc all = CM_OK;
    for (size_t i = 0; i < jobs; ++i) all |= call();
    if (all != CM_OK) throw std::runtime_error(std::string(name) + " failed while it was timed");
    static_cast<void>(m);
  };
}

#if defined(CM_HAVE_IPSEC_MB)
inline const IpsecMb& ipsec_mb() {
  static const IpsecMb instance;
  return instance;
}
#endif

}  // namespace cm::bench
