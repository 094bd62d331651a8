// SPDX-License-Identifier: Apache-2.0
// cycles.h: what the files of the bench "cycles" share: a point, where its data lies, its keys and its bound.
#pragma once
#include <array>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/bounds_x86.h"
#include "crypto/base/status.h"
#include "crypto/cpu/features.h"
#include "crypto/cpu/kernel_row.h"

namespace cm::bench {

inline constexpr size_t kLargest = 16384;
inline constexpr size_t kSizes[] = {16, 64, 256, 1024, 16384};

// Point: one line of the report. bound: bytes a cycle, 0 where none is known. peer: the same work by libipsec-mb's
// direct interface, where it has one and this is the processor's best lane.
struct Point {
  std::string name;
  Lane lane;
  size_t bytes;
  double bound;
  std::function<void()> call;
  std::function<void()> peer;
};

struct Buffers {
  alignas(64) std::array<uint8_t, kLargest> in{};
  alignas(64) std::array<uint8_t, kLargest> out{};
  std::array<uint8_t, 16> side{};
  std::array<uint8_t, 16> tag{};
};
inline Buffers buffers;

inline bool runs(const KernelRow& row) { return (row.needs & ~cpu_features_detected()) == 0; }

inline double bound_of(Mix mix, Lane lane, double ghz) {
  const double cycles = cycles_of_mix(mix, lane, ghz);
  return cycles == 0 ? 0 : bytes_of_register(lane) / cycles;
}

template <class Key>
const Key& key_of(Lane lane, size_t size, Status (*init)(Key&, Lane, const uint8_t*, size_t)) {
  static std::vector<std::unique_ptr<Key>> keys;
  static const std::array<uint8_t, 64> raw{1, 2, 3};
  keys.push_back(std::make_unique<Key>());
  if (!succeeded(init(*keys.back(), lane, raw.data(), size))) throw std::runtime_error("no key on this lane");
  return *keys.back();
}

// add_modes: AES in the modes that have kernels of their own, one message; add_chacha: ChaCha20-Poly1305.
void add_modes(std::vector<Point>& points, double ghz);
void add_chacha(std::vector<Point>& points, double ghz);
// add_hashes: SHA-1, SHA-2 and Keccak, one message and as many as there are lanes.
void add_hashes(std::vector<Point>& points, double ghz);

}  // namespace cm::bench
