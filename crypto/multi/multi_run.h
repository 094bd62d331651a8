// SPDX-License-Identifier: Apache-2.0
// multi_run.h: the scheduler of multi.h: puts the chains of a batch into the lanes of a kernel, the longest first, and
// a new one where one has ended. Because all jobs are known from the start, nothing is queued and nothing flushed. It
// must know no mode: multi.cpp says what the pieces of a chain are.
#pragma once
#include <bit>
#include <utility>

#include "crypto/aes/aes_modes.h"
#include "crypto/base/bytes.h"
#include "crypto/base/secret.h"
#include "crypto/multi/multi.h"
#include "crypto/multi/multi_kernels.h"

namespace cm {

// Piece: blocks of a chain that lie one after the other, at least one. Behind them the chain goes on with the next
// piece, or, where result is set, its last block is written there and it begins again with zero.
struct Piece {
  const uint8_t* in;
  uint8_t* out;  // of CBC encryption
  size_t blocks;
  uint8_t* result;
};

// Chain: what is put into a lane: a key, and where the chain stands while it has no lane.
struct Chain {
  const AesKey* key;
  Piece rest;               // of the piece it is in
  uint8_t last[kAesBlock];  // the block before
};

// MultiOrder: the jobs with a key of so many rounds, long ones first. They are sorted by powers of two: the order of
// jobs that are nearly as long does not matter, but none may begin when the others are about to end.
class MultiOrder {
 public:
  // Mode: key(job), and blocks(job), which is 0 for a job with nothing to do.
  template <class Mode>
  MultiOrder(const Mode& mode, size_t count, uint32_t rounds) {
    uint8_t width[kMultiMax];
    uint64_t widths = 0;
    for (size_t i = 0; i < count; ++i) {
      width[i] = static_cast<uint8_t>(mode.key(i).rounds == rounds ? std::bit_width(mode.blocks(i)) : 0);
      widths |= uint64_t{1} << width[i];
    }
    for (widths &= ~uint64_t{1}; widths != 0;) {
      const auto longest = static_cast<uint8_t>(std::bit_width(widths) - 1);
      widths ^= uint64_t{1} << longest;
      for (size_t i = 0; i < count; ++i) {
        jobs_[size_] = static_cast<uint8_t>(i);  // without a branch: which jobs are long cannot be foreseen
        size_ += width[i] == longest ? 1 : 0;
      }
    }
  }
  size_t left() const { return size_ - next_; }
  size_t take() { return jobs_[next_++]; }

 private:
  uint8_t jobs_[kMultiMax + 1];
  size_t next_ = 0, size_ = 0;
};

// MultiRun: the jobs of one order. Mode besides what MultiOrder needs: kEncrypt, which kernels it is for; Slot, a Chain
// and the buffers that its pieces lie in; load(job, slot), which fills a slot up to its first piece; next(slot), which
// goes to the next one and is false behind the last; done(slot), after that. alone(job) is the job without lanes.
template <class Mode>
class MultiRun {
 public:
  MultiRun(const Mode& mode, uint32_t rounds) : mode_(mode), lane_(mode.key(0).lane), rounds_(rounds) {
    for (size_t i = 0; i < kMultiLanesMax; ++i) slot_[i] = &slots_[i];
  }
  // Slots of CBC encryption hold IVs and ciphertext, those of a MAC its state and ends of messages.
  ~MultiRun() {
    zeroise(&lanes_, sizeof lanes_);
    if constexpr (!Mode::kEncrypt) zeroise(slots_, slots_used_ * sizeof slots_[0]);
  }
  MultiRun(const MultiRun&) = delete;
  MultiRun& operator=(const MultiRun&) = delete;

  void run(MultiOrder& order) {
    while (live_ + order.left() > 1) {
      enter(multi_kernel(lane_, live_ + order.left()));
      do {
        fill(order);
        step();
      } while (live_ + order.left() > kernel_.too_few);
      leave();
    }
    if (order.left() != 0) load(live_++, order.take());
    if (live_ != 0) run_alone(*slot_[0]);
  }

 private:
  using Slot = typename Mode::Slot;

  void load(size_t lane, size_t job) {
    mode_.load(job, *slot_[lane]);
    if (slots_used_ <= lane) slots_used_ = lane + 1;
  }

  // enter: another kernel; the live chains take its first lanes.
  void enter(const MultiKernel& kernel) {
    kernel_ = kernel;
    for (size_t lane = 0; lane < kernel_.lanes; ++lane) {
      key_[lane] = nullptr;
      if (lane < live_) {
        start(lane);
      } else {
        idle(lane);
      }
    }
  }

  // leave: the live chains are where enter looks for them.
  void leave() {
    size_t at = 0;
    for (size_t lane = 0; lane < kernel_.lanes; ++lane) {
      if (!busy_[lane]) continue;
      Slot& slot = *slot_[lane];
      std::memcpy(slot.last, lanes_.chain[lane], kAesBlock);
      slot.rest = {lanes_.in[lane], lanes_.out[lane], left_[lane], slot.rest.result};
      std::swap(slot_[at++], slot_[lane]);
    }
  }

  // start: the chain in a lane's slot from where it stands.
  void start(size_t lane) {
    const Slot& slot = *slot_[lane];
    if (key_[lane] != slot.key) kernel_.set_key(lanes_, lane, *slot.key);
    key_[lane] = slot.key;
    std::memcpy(lanes_.chain[lane], slot.last, kAesBlock);
    busy_[lane] = true;
    begin_piece(lane);
  }
  void begin_piece(size_t lane) {
    const Piece& piece = slot_[lane]->rest;
    lanes_.in[lane] = piece.in;
    lanes_.out[lane] = piece.out;
    left_[lane] = piece.blocks;
  }

  // idle: the lane computes what nobody wants, over and over in the same few blocks.
  void idle(size_t lane) {
    lanes_.in[lane] = lanes_.out[lane] = lanes_.sink;
    left_[lane] = kMultiSinkBlocks;
    busy_[lane] = false;
  }

  void fill(MultiOrder& order) {
    for (size_t lane = 0; lane < kernel_.lanes && order.left() != 0; ++lane) {
      if (busy_[lane]) continue;
      load(lane, order.take());
      start(lane);
      ++live_;
    }
  }

  // step: until the first chain is at the end of a piece.
  void step() {
    size_t blocks = left_[0];
    for (size_t lane = 1; lane < kernel_.lanes; ++lane) blocks = left_[lane] < blocks ? left_[lane] : blocks;
    (Mode::kEncrypt ? kernel_.encrypt : kernel_.mac)(lanes_, rounds_, blocks);
    for (size_t lane = 0; lane < kernel_.lanes; ++lane) {
      if (!busy_[lane]) continue;
      lanes_.in[lane] += blocks * kAesBlock;
      if constexpr (Mode::kEncrypt) lanes_.out[lane] += blocks * kAesBlock;
      left_[lane] -= blocks;
      if (left_[lane] == 0) end_piece(lane);
    }
  }

  // keep_result: of a chain that stands behind a piece with last.
  static void keep_result(const Piece& piece, uint8_t* last) {
    if (piece.result == nullptr) return;
    std::memcpy(piece.result, last, kAesBlock);
    std::memset(last, 0, kAesBlock);
  }

  void end_piece(size_t lane) {
    Slot& slot = *slot_[lane];
    keep_result(slot.rest, lanes_.chain[lane]);
    if (mode_.next(slot)) return begin_piece(lane);
    mode_.done(slot);
    idle(lane);
    --live_;
  }

  // run_alone: the last chain, which is faster by itself.
  void run_alone(Slot& slot) {
    do {
      const Piece& piece = slot.rest;
      if constexpr (Mode::kEncrypt) {
        aes_cbc_encrypt(*slot.key, slot.last, piece.out, piece.in, piece.blocks);
      } else {
        aes_cbc_mac(*slot.key, slot.last, piece.in, piece.blocks);
      }
      keep_result(piece, slot.last);
    } while (mode_.next(slot));
    mode_.done(slot);
  }

  const Mode& mode_;
  const Lane lane_;
  const uint32_t rounds_;
  MultiKernel kernel_;
  MultiLanes lanes_;
  size_t left_[kMultiLanesMax];  // blocks of a lane's piece
  bool busy_[kMultiLanesMax];
  const AesKey* key_[kMultiLanesMax];  // whose schedule a lane has
  Slot* slot_[kMultiLanesMax];
  size_t live_ = 0, slots_used_ = 0;
  Slot slots_[kMultiLanesMax];
};

}  // namespace cm
