// SPDX-License-Identifier: Apache-2.0
// pcr_ledger_test.cpp: the replayed PCR against its definition, written down a second time: a list of all frames, which
// of them went in themselves, and a fold over those.
#include "audit/attest/pcr_ledger.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <rapidcheck.h>

#include <vector>

namespace cm::audit::test {
namespace {

const Lane kLane = best_sha256_lane();

Digest fold(Digest pcr, const Digest& head) {
  std::vector<uint8_t> both(pcr.begin(), pcr.end());
  both.insert(both.end(), head.begin(), head.end());
  EVP_Digest(both.data(), both.size(), pcr.data(), nullptr, EVP_sha256(), nullptr);
  return pcr;
}

Digest head_of(uint64_t seq) {
  Digest head{};
  head[0] = 1;
  for (int i = 0; i < 8; ++i) head[8 + i] = static_cast<uint8_t>(seq >> 8 * i);
  return head;
}

FrameHeader header(uint64_t seq, uint32_t carried = 0, FrameType type = FrameType::kBatch) {
  FrameHeader h{};
  h.frame_seq = seq;
  h.carried = carried;
  h.type = static_cast<uint16_t>(type);
  h.first_record = 10 * seq;
  h.record_count = 10;
  return h;
}

// Model: what the ledger is to say. `in`: the frame went in itself.
struct Model {
  struct Frame {
    bool in = true;
    bool begins = false;
    Digest found{};  // it begins: the value before it
  };
  Digest base{};
  size_t anchored = 0;  // the oldest frame that may be named; genesis before the first anchor
  std::vector<Frame> frames;

  Digest value(size_t count) const {
    Digest pcr = base;
    for (size_t i = 0; i < count; ++i) {
      if (frames[i].begins) pcr = frames[i].found;
      if (frames[i].in) pcr = fold(pcr, head_of(i));
    }
    return pcr;
  }
  Digest value() const { return value(frames.size()); }

  bool may_carry(size_t count) const {
    if (count == 0) return true;
    if (count > frames.size()) return false;
    const size_t first = frames.size() - count;
    for (size_t i = first; i < frames.size(); ++i)
      if (frames[i].begins) return false;
    return first > anchored;
  }
  size_t first_in(size_t from) const {
    while (from < frames.size() && !frames[from].in) ++from;
    return from;
  }
  void carry(size_t count) {
    for (size_t i = frames.size() - count; i < frames.size(); ++i) frames[i].in = false;
  }
};

void agree(const PcrLedger& ledger, const Model& model) {
  RC_ASSERT(ledger.value() == model.value());
  for (size_t i = 0; i < model.frames.size(); ++i) {
    const ExtendedFrame* found = ledger.find(i);
    RC_ASSERT((found != nullptr) == (i >= model.anchored && model.frames[i].in));
    RC_ASSERT(ledger.carried(i) == (!model.frames[i].in && model.first_in(i) >= model.anchored));
    if (found == nullptr) continue;
    RC_ASSERT(found->head == head_of(i) && found->records == 10 * (i + 1));
    RC_ASSERT(found->pcr == model.value(i + 1));
    RC_ASSERT(ledger.explains(found->pcr));
  }
}

// one_step: what a log may hold next, or must not.
void one_step(PcrLedger& ledger, Model& model) {
  const size_t next = model.frames.size();
  const int what = *rc::gen::weightedElement<int>({{6, 0}, {4, 1}, {1, 2}, {2, 3}});
  if (what <= 1) {
    const auto carried = what == 0 ? 0u : *rc::gen::inRange<uint32_t>(1, 6);
    const bool may = next > 0 && model.may_carry(carried);
    RC_ASSERT(ledger.extend(header(next, carried), head_of(next)) == (may || carried == 0));
    if (!may && carried != 0) return;
    model.carry(carried);
    model.frames.push_back({});
  } else if (what == 2) {
    const Digest found = head_of(1000 + next);
    ledger.found(found);
    RC_ASSERT(ledger.extend(header(next, 0, FrameType::kUnexplainedExtend), head_of(next)));
    model.frames.push_back({true, true, found});
  } else if (next > 0) {
    const size_t seq = *rc::gen::inRange<size_t>(0, next);
    if (ledger.find(seq) == nullptr) return;
    ledger.anchored(seq);
    model.anchored = seq;
  }
}

TEST(pcr_ledger, says_what_a_list_of_all_frames_says) {
  ASSERT_TRUE(rc::check([] {
    PcrLedger ledger(kLane);
    Model model;
    model.base = head_of(999);
    ledger.begin(model.base);
    RC_ASSERT(ledger.extend(header(0, 0, FrameType::kGenesis), head_of(0)));
    model.frames.push_back({true, true, model.base});
    const int steps = *rc::gen::inRange(1, 40);
    for (int i = 0; i < steps; ++i) {
      one_step(ledger, model);
      agree(ledger, model);
    }
  }));
}

// ledger_of: genesis and so many frames behind it.
PcrLedger ledger_of(uint64_t frames) {
  PcrLedger ledger(kLane);
  ledger.begin({});
  EXPECT_TRUE(ledger.extend(header(0, 0, FrameType::kGenesis), head_of(0)));
  for (uint64_t i = 1; i <= frames; ++i) EXPECT_TRUE(ledger.extend(header(i), head_of(i)));
  return ledger;
}

TEST(pcr_ledger, names_the_frames_behind_a_value) {
  const PcrLedger ledger = ledger_of(9);
  std::deque<ExtendedFrame> waiting;
  for (uint64_t at = 0; at <= 9; ++at) {
    ASSERT_TRUE(ledger.behind(ledger.find(at)->pcr, waiting));
    ASSERT_EQ(waiting.size(), 9 - at);
    for (size_t i = 0; i < waiting.size(); ++i) EXPECT_EQ(waiting[i].frame_seq, at + 1 + i);
  }
  ASSERT_TRUE(ledger.behind(Digest{}, waiting));  // genesis itself never reached the TPM
  EXPECT_EQ(waiting.size(), 10u);
  EXPECT_FALSE(ledger.behind(head_of(77), waiting));
}

// A value from before the replay began anew is explained, but nothing may be extended on it: frames of a boot that is
// over would follow.
TEST(pcr_ledger, looks_back_no_further_than_the_replay_began) {
  PcrLedger ledger = ledger_of(3);
  const Digest before = ledger.find(2)->pcr;
  const Digest found = head_of(500);
  ledger.found(found);
  ASSERT_TRUE(ledger.extend(header(4, 0, FrameType::kUnexplainedExtend), head_of(4)));
  ASSERT_TRUE(ledger.extend(header(5), head_of(5)));
  std::deque<ExtendedFrame> waiting;
  EXPECT_TRUE(ledger.explains(before));
  EXPECT_FALSE(ledger.behind(before, waiting));
  ASSERT_TRUE(ledger.behind(found, waiting));
  EXPECT_EQ(waiting.size(), 2u);
}

TEST(pcr_ledger, carried_heads_lead_to_no_value_and_do_not_wait) {
  PcrLedger ledger = ledger_of(4);
  const Digest passed_over = ledger.find(3)->pcr;
  ASSERT_TRUE(ledger.extend(header(5, 2), head_of(5)));  // carries 3 and 4
  std::deque<ExtendedFrame> waiting;
  EXPECT_FALSE(ledger.explains(passed_over));
  ASSERT_TRUE(ledger.behind(ledger.find(2)->pcr, waiting));
  ASSERT_EQ(waiting.size(), 1u);
  EXPECT_EQ(waiting[0].frame_seq, 5u);
  EXPECT_EQ(waiting[0].first_seq, 3u);
  EXPECT_EQ(ledger.value(), fold(ledger.find(2)->pcr, head_of(5)));
}

TEST(pcr_ledger, remembers_so_many_frames_and_no_more) {
  PcrLedger ledger = ledger_of(PcrLedger::kMaxFrames - 1);
  ASSERT_NE(ledger.find(0), nullptr);
  const Digest first = ledger.find(0)->pcr;
  ASSERT_TRUE(ledger.extend(header(PcrLedger::kMaxFrames), head_of(0)));
  EXPECT_EQ(ledger.find(0), nullptr);
  EXPECT_NE(ledger.find(1), nullptr);
  EXPECT_TRUE(ledger.explains(first)) << "the value before the oldest frame is known";
  std::deque<ExtendedFrame> waiting;
  ASSERT_TRUE(ledger.behind(first, waiting));
  EXPECT_EQ(waiting.size(), PcrLedger::kMaxFrames);
}

}  // namespace
}  // namespace cm::audit::test
