// SPDX-License-Identifier: Apache-2.0
// Handles against a model, and from many threads at once.
#include "crypto/module/slots.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <thread>
#include <vector>

namespace cm {
namespace {

using Table = SlotTable<64>;

RC_GTEST_PROP(Slots, behave_like_a_map_of_live_handles, ()) {
  const auto table = std::make_unique<Table>();
  std::map<uint64_t, uint32_t> live;
  std::vector<uint64_t> dead;
  const auto steps = *rc::gen::container<std::vector<uint8_t>>(rc::gen::arbitrary<uint8_t>());
  for (const uint8_t step : steps) {
    if (step % 3 != 0) {
      const uint32_t slot = table->claim();
      RC_ASSERT((slot == Table::kNoSlot) == (live.size() == Table::kCount));
      if (slot == Table::kNoSlot) continue;
      const uint64_t handle = table->publish(HandleKind::kKey, slot);
      RC_ASSERT(live.emplace(handle, slot).second);
      for (const uint64_t old : dead) RC_ASSERT(old != handle);
    } else if (!live.empty()) {
      auto it = live.begin();
      std::advance(it, step % live.size());
      RC_ASSERT(table->retire(HandleKind::kKey, it->first));
      RC_ASSERT(!table->retire(HandleKind::kKey, it->first));
      table->release(it->second);
      dead.push_back(it->first);
      live.erase(it);
    }
    for (const auto& [handle, slot] : live) {
      RC_ASSERT(table->is_live(HandleKind::kKey, handle));
      RC_ASSERT(!table->is_live(HandleKind::kHash, handle));
    }
    for (const uint64_t old : dead) RC_ASSERT(!table->is_live(HandleKind::kKey, old));
    RC_ASSERT(table->in_use() == live.size());
  }
}

TEST(Slots, refuse_forged_handles) {
  const auto table = std::make_unique<Table>();
  const uint64_t handle = table->publish(HandleKind::kKey, table->claim());
  for (unsigned bit = 0; bit < 64; ++bit)
    EXPECT_FALSE(table->is_live(HandleKind::kKey, handle ^ uint64_t{1} << bit)) << bit;
  EXPECT_FALSE(table->is_live(HandleKind::kKey, 0));
  EXPECT_FALSE(table->is_live(HandleKind::kKey, ~uint64_t{0}));
}

TEST(Slots, never_give_one_slot_to_two_threads) {
  const auto table = std::make_unique<Table>();
  std::atomic<int> owners[Table::kCount] = {};
  std::atomic<bool> shared{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        const uint32_t slot = table->claim();
        if (slot == Table::kNoSlot) continue;
        if (owners[slot].fetch_add(1) != 0) shared = true;
        const uint64_t handle = table->publish(HandleKind::kHash, slot);
        if (!table->retire(HandleKind::kHash, handle)) shared = true;
        owners[slot].fetch_sub(1);
        table->release(slot);
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_FALSE(shared);
  EXPECT_EQ(table->in_use(), 0U);
}

}  // namespace
}  // namespace cm
