// SPDX-License-Identifier: Apache-2.0
// stack_residue.h: whether work leaves secrets on the stack it ran on: it runs on a thread whose stack the test owns,
// and afterwards the stack is searched for eight-byte pieces of the secrets. Optimised builds only: a debug or
// instrumented build copies everything to the stack by intention.
#pragma once
#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "crypto/aes/aes.h"
#include "tests/support/rsp_file.h"

namespace cm::test {

using Secrets = std::map<std::string, Bytes>;

inline Bytes copy_of(const void* p, size_t size) {
  const auto* begin = static_cast<const uint8_t*>(p);
  return {begin, begin + size};
}

// noise: bytes in which every piece is found once only.
inline Bytes noise(size_t size, uint32_t seed) {
  Bytes out(size);
  for (uint8_t& b : out) {
    seed = seed * 1664525u + 1013904223u;
    b = static_cast<uint8_t>(seed >> 24);
  }
  return out;
}

// used_stack: the stack after the work, 0xaa where nothing was written.
inline Bytes used_stack(std::function<void()> work) {
  constexpr size_t kStackSize = size_t{256} << 10;
  const auto deleter = [](uint8_t* p) { ::operator delete[](p, std::align_val_t{4096}); };
  const std::unique_ptr<uint8_t, decltype(deleter)> stack(new (std::align_val_t{4096}) uint8_t[kStackSize], deleter);
  std::memset(stack.get(), 0xaa, kStackSize);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  EXPECT_EQ(pthread_attr_setstack(&attributes, stack.get(), kStackSize), 0);
  pthread_t thread{};
  const auto call = [](void* body) -> void* {
    (*static_cast<std::function<void()>*>(body))();
    return nullptr;
  };
  EXPECT_EQ(pthread_create(&thread, &attributes, call, &work), 0);
  EXPECT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
  return copy_of(stack.get(), kStackSize);
}

// expect_no_piece: none of the secrets' eight-byte pieces is in the memory. Pieces of nearly equal bits are left out:
// they stand anywhere by chance.
inline void expect_no_piece(const std::string& what, const Bytes& memory, const Secrets& secrets) {
  constexpr size_t kPiece = 8;
  for (const auto& [name, secret] : secrets)
    for (size_t i = 0; i + kPiece <= secret.size(); i += kPiece) {
      uint64_t word;
      std::memcpy(&word, &secret[i], sizeof word);
      if (std::popcount(word) < 8 || std::popcount(word) > 56) continue;
      const auto found = std::search(memory.begin(), memory.end(), secret.begin() + static_cast<ptrdiff_t>(i),
                                     secret.begin() + static_cast<ptrdiff_t>(i + kPiece));
      EXPECT_EQ(found, memory.end()) << what << ": bytes " << i << " to " << i + kPiece << " of the " << name
                                     << " are left";
    }
}

inline void expect_clean(const std::string& what, const std::function<void()>& work, const Secrets& secrets) {
  expect_no_piece(what, used_stack(work), secrets);
}

// schedule_of: the parts of an expanded key that its lane writes.
inline Secrets schedule_of(const AesKey& key, const Bytes& raw) {
  const bool sliced = key.lane == Lane::kPortable;
  const size_t round_keys = key.rounds + 1;
  Secrets s{{"key", raw}, {"schedule", copy_of(key.encrypt, round_keys * (sliced ? 64 : 16))}};
  if (!sliced) s["inverse schedule"] = copy_of(key.decrypt, round_keys * 16);
  return s;
}

}  // namespace cm::test
