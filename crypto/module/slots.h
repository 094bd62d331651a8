// SPDX-License-Identifier: Apache-2.0
// slots.h: fixed tables of objects behind 64-bit handles. A handle is kind (4 bits) | generation (44) | slot (16); the
// table keeps the live handle of each slot, so one comparison tells a live handle from a stale, forged or foreign one.
// Free slots are a bitmap claimed by compare-and-swap: no lock, and no ABA problem because a bit carries no pointer.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace cm {

enum class HandleKind : uint8_t { kSession = 1, kKey = 2, kHash = 3, kMac = 4, kCipher = 5 };

inline constexpr unsigned kSlotBits = 16;
inline constexpr unsigned kGenerationBits = 44;

constexpr uint64_t make_handle(HandleKind kind, uint64_t generation, uint32_t slot) {
  return static_cast<uint64_t>(kind) << (kSlotBits + kGenerationBits) |
         (generation & ((uint64_t{1} << kGenerationBits) - 1)) << kSlotBits | slot;
}
constexpr uint32_t handle_slot(uint64_t handle) { return static_cast<uint32_t>(handle & 0xffff); }
constexpr bool is_of_kind(uint64_t handle, HandleKind kind) {
  return handle >> (kSlotBits + kGenerationBits) == static_cast<uint64_t>(kind);
}

template <uint32_t N>
class SlotTable {
 public:
  static constexpr uint32_t kNoSlot = N;
  static constexpr uint32_t kCount = N;
  static_assert(N % 64 == 0 && N <= 65536);

  // claim: a free slot for exclusive use, or kNoSlot. It becomes visible with publish.
  uint32_t claim() {
    const uint32_t start = hint_.load(std::memory_order_relaxed);
    for (uint32_t i = 0; i < N / 64; ++i) {
      const uint32_t word = (start + i) % (N / 64);
      uint64_t used = used_[word].load(std::memory_order_relaxed);
      while (used != ~uint64_t{0}) {
        const auto bit = static_cast<uint32_t>(__builtin_ctzll(~used));
        if (used_[word].compare_exchange_weak(used, used | uint64_t{1} << bit, std::memory_order_acquire)) {
          hint_.store(word, std::memory_order_relaxed);
          return word * 64 + bit;
        }
      }
    }
    return kNoSlot;
  }

  // next: the slot that claim would probably give.
  uint32_t next() const {
    const uint32_t word = hint_.load(std::memory_order_relaxed);
    const uint64_t used = used_[word].load(std::memory_order_relaxed);
    return word * 64 + (used != ~uint64_t{0} ? static_cast<uint32_t>(__builtin_ctzll(~used)) : 0);
  }

  // publish: makes a claimed slot live and returns its handle.
  uint64_t publish(HandleKind kind, uint32_t slot) {
    const uint64_t generation = generation_[slot].fetch_add(1, std::memory_order_relaxed) + 1;
    const uint64_t handle = make_handle(kind, generation, slot);
    live_[slot].store(handle, std::memory_order_release);
    return handle;
  }

  bool is_live(HandleKind kind, uint64_t handle) const {
    const uint32_t slot = handle_slot(handle);
    return slot < N && is_of_kind(handle, kind) && live_[slot].load(std::memory_order_acquire) == handle;
  }

  // retire: ends a handle; true for exactly one caller, who then owns the slot and must free it.
  bool retire(HandleKind kind, uint64_t handle) {
    const uint32_t slot = handle_slot(handle);
    if (slot >= N || !is_of_kind(handle, kind)) return false;
    uint64_t expected = handle;
    return live_[slot].compare_exchange_strong(expected, 0, std::memory_order_acq_rel);
  }

  // release: gives a claimed or retired slot back.
  void release(uint32_t slot) { used_[slot / 64].fetch_and(~(uint64_t{1} << slot % 64), std::memory_order_release); }

  uint64_t live_handle(uint32_t slot) const { return live_[slot].load(std::memory_order_acquire); }

  // for_each_used: calls look(slot) for every slot that is claimed, live or not.
  template <class Look>
  void for_each_used(Look look) const {
    for (uint32_t word = 0; word < N / 64; ++word)
      for (uint64_t used = used_[word].load(std::memory_order_acquire); used != 0; used &= used - 1)
        look(word * 64 + static_cast<uint32_t>(__builtin_ctzll(used)));
  }

  // drop_unpublished: frees slots that were claimed but are not live. Only in a fork child, where no other thread runs.
  template <class Wipe>
  void drop_unpublished(Wipe wipe) {
    for (uint32_t slot = 0; slot < N; ++slot) {
      const bool claimed = (used_[slot / 64].load(std::memory_order_relaxed) >> slot % 64 & 1) != 0;
      if (!claimed || live_[slot].load(std::memory_order_relaxed) != 0) continue;
      wipe(slot);
      release(slot);
    }
  }

  // disown: frees every slot; the handles that were live are the parent's from now on. Only in a fork child.
  void disown() {
    for (uint32_t slot = 0; slot < N; ++slot) {
      if (live_[slot].exchange(0, std::memory_order_relaxed) == 0) continue;
      disowned_[slot].store(generation_[slot].load(std::memory_order_relaxed), std::memory_order_relaxed);
    }
    for (auto& used : used_) used.store(0, std::memory_order_relaxed);
  }

  // is_disowned: whether a handle that is not live comes from before a fork that found its slot in use. An older handle
  // of such a slot, closed before that fork, is not told apart.
  bool is_disowned(HandleKind kind, uint64_t handle) const {
    const uint32_t slot = handle_slot(handle);
    if (slot >= N || !is_of_kind(handle, kind)) return false;
    const uint64_t last = make_handle(kind, disowned_[slot].load(std::memory_order_relaxed), slot);
    return handle >> kSlotBits <= last >> kSlotBits && handle != make_handle(kind, 0, slot);
  }

  uint32_t in_use() const {
    uint32_t count = 0;
    for (const auto& live : live_) count += live.load(std::memory_order_relaxed) != 0;
    return count;
  }

 private:
  std::atomic<uint64_t> live_[N];
  std::atomic<uint64_t> generation_[N];
  std::atomic<uint64_t> disowned_[N];  // last generation that belongs to a parent
  std::atomic<uint64_t> used_[N / 64];
  std::atomic<uint32_t> hint_;
};

}  // namespace cm
