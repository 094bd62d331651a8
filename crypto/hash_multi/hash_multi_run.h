// SPDX-License-Identifier: Apache-2.0
// hash_multi_run.h: the scheduler of hash_multi.h: puts the messages of a batch into the lanes of a kernel, the longest
// first, and a new one where one has ended. Because all jobs are known from the start, nothing is queued and nothing
// flushed. A message is two pieces: its whole blocks where they lie, and its padded end (FIPS 180-4 5.1), which stands
// in a slot. It must know no hash: hash_multi_kernels.h says which form is worth while and runs it.
#pragma once
#include <bit>

#include "crypto/base/bytes.h"
#include "crypto/base/check.h"
#include "crypto/base/secret.h"
#include "crypto/hash_multi/hash_multi.h"
#include "crypto/hash_multi/hash_multi_kernels.h"

namespace cm {

// HashMultiOrder: the jobs, long ones first. They are sorted by powers of two: the order of jobs that are nearly as
// long does not matter, but none may begin when the others are about to end.
class HashMultiOrder {
 public:
  template <class Job>
  HashMultiOrder(const Job* jobs, size_t count, size_t block) {
    CM_CHECK(count <= kHashMultiMax);
    uint8_t width[kHashMultiMax];
    uint64_t widths = 0;
    for (size_t i = 0; i < count; ++i) {
      width[i] = static_cast<uint8_t>(std::bit_width(jobs[i].in_size / block));
      widths |= uint64_t{1} << width[i];
    }
    while (widths != 0) {
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
  uint8_t jobs_[kHashMultiMax + 1];
  size_t next_ = 0, size_ = 0;
};

template <class Hash, class Job>
class HashMultiRun {
 public:
  HashMultiRun(Lane single, Lane wide, const Job* jobs, size_t count)
      : single_(single), wide_(wide), jobs_(jobs), order_(jobs, count, Hash::kBlock) {}
  ~HashMultiRun() {
    zeroise(state_, state_used_);
    zeroise(slots_, static_cast<size_t>(std::bit_width(slots_touched_)) * sizeof slots_[0]);
  }
  HashMultiRun(const HashMultiRun&) = delete;
  HashMultiRun& operator=(const HashMultiRun&) = delete;

  void run() {
    while (messages() != 0) {
      enter(Hash::path(single_, wide_, messages()));
      do {
        fill();
        step();
      } while (messages() > path_.too_few);
      park_all();
    }
  }

 private:
  using Word = typename Hash::Word;
  using Mask = uint32_t;  // of lanes or of slots

  // Slot: a message that has begun. in, blocks and state are where it stands while it has no lane.
  struct Slot {
    const uint8_t* in;
    size_t blocks;
    size_t end_blocks;  // of the padded end; 0 when the message is in it
    Word* result;
    const Word* outer;  // where an HMAC goes on; null for none
    size_t digest_size;
    Word state[Hash::kWords];
    uint8_t end[2 * Hash::kBlock];
  };

  static void store_be(uint8_t* p, uint32_t v) { store_be32(p, v); }
  static void store_be(uint8_t* p, uint64_t v) { store_be64(p, v); }
  static Mask bit(size_t i) { return Mask{1} << i; }
  static size_t lowest(Mask mask) { return static_cast<size_t>(std::countr_zero(mask)); }
  size_t messages() const { return begun_ + order_.left(); }

  // enter: a form. Lanes that will have no message begin with zeros.
  void enter(HashMultiPath path) {
    path_ = path;
    const size_t used = path.lanes * Hash::kWords * sizeof(Word);
    if (messages() < path.lanes) std::memset(state_, 0, used);
    state_used_ = state_used_ < used ? used : state_used_;
  }

  const Word* word(size_t lane, size_t w) const {
    return state_ + (by_words(path_.form) ? w * path_.lanes + lane : lane * Hash::kWords + w);
  }
  void get_state(Word* out, size_t lane) const {
    if (!by_words(path_.form)) {
      std::memcpy(out, word(lane, 0), Hash::kWords * sizeof(Word));
      return;
    }
    for (size_t w = 0; w < Hash::kWords; ++w) out[w] = *word(lane, w);
  }
  void set_state(size_t lane, const Word* in) {
    if (!by_words(path_.form)) {
      std::memcpy(state_ + lane * Hash::kWords, in, Hash::kWords * sizeof(Word));
      return;
    }
    for (size_t w = 0; w < Hash::kWords; ++w) state_[w * path_.lanes + lane] = in[w];
  }

  // load: a job into a slot, up to its first piece.
  void load(Slot& slot, const Job& job) {
    CM_CHECK(job.before % Hash::kBlock == 0 && job.before < uint64_t{1} << 61 &&
             job.in_size < (uint64_t{1} << 61) - job.before);
    const size_t rest = job.in_size % Hash::kBlock, whole = job.in_size - rest;
    slot.in = job.in;
    slot.blocks = whole / Hash::kBlock;
    slot.end_blocks = rest + 1 + Hash::kLengthSize <= Hash::kBlock ? 1 : 2;
    slot.result = job.end;
    slot.outer = job.outer;
    slot.digest_size = job.digest_size;
    const size_t end_size = slot.end_blocks * Hash::kBlock;
    for (size_t i = 0; i < end_size; i += 64) std::memset(slot.end + i, 0, 64);  // without a call or "rep stos"
    size_t copied = rest;
    __asm__("" : "+r"(copied));  // of a small size the compiler makes "rep movs", which begins slowly
    if (rest != 0) std::memcpy(slot.end, job.in + whole, copied);
    slot.end[rest] = 0x80;
    store_be64(slot.end + end_size - 8, (job.before + job.in_size) * 8);
    if (slot.blocks == 0) begin_end(slot);
  }
  static void begin_end(Slot& slot) {
    slot.in = slot.end;
    slot.blocks = slot.end_blocks;
    slot.end_blocks = 0;
  }

  // begin: a new message in a lane.
  size_t begin(size_t lane) {
    const size_t slot = lowest(~slots_used_);
    slots_used_ |= bit(slot);
    slots_touched_ |= bit(slot);
    ++begun_;
    const Job& job = jobs_[order_.take()];
    load(slots_[slot], job);
    set_state(lane, job.start);
    return slot;
  }
  // go_on: one that has begun, the longest.
  size_t go_on(size_t lane) {
    size_t longest = lowest(parked_);
    for (Mask rest = parked_; rest != 0; rest &= rest - 1)
      if (slots_[lowest(rest)].blocks > slots_[longest].blocks) longest = lowest(rest);
    parked_ ^= bit(longest);
    set_state(lane, slots_[longest].state);
    return longest;
  }

  void fill() {
    for (size_t lane = 0; lane < path_.lanes && (parked_ != 0 || order_.left() != 0); ++lane) {
      if ((busy_ & bit(lane)) != 0) continue;
      slot_of_[lane] = static_cast<uint8_t>(parked_ == 0 ? begin(lane) : go_on(lane));
      busy_ |= bit(lane);
      begin_piece(lane);
    }
  }
  void begin_piece(size_t lane) {
    const Slot& slot = slots_[slot_of_[lane]];
    in_[lane] = slot.in;
    left_[lane] = slot.blocks;
  }

  // step: until the first message is at the end of a piece. Lanes without a message go along with one, and what they
  // compute is not looked at.
  void step() {
    const size_t some = lowest(busy_);
    size_t blocks = left_[some];
    for (size_t lane = 0; lane < path_.lanes; ++lane) {
      if ((busy_ & bit(lane)) == 0) {
        in_[lane] = in_[some];
      } else if (left_[lane] < blocks) {
        blocks = left_[lane];
      }
    }
    Hash::run(path_.form, single_, state_, in_, blocks);
    for (Mask rest = busy_; rest != 0; rest &= rest - 1) {
      const size_t lane = lowest(rest);
      in_[lane] += blocks * Hash::kBlock;
      left_[lane] -= blocks;
      if (left_[lane] == 0) end_piece(lane);
    }
  }
  void end_piece(size_t lane) {
    Slot& slot = slots_[slot_of_[lane]];
    if (slot.end_blocks != 0) {
      begin_end(slot);
      return begin_piece(lane);
    }
    if (slot.outer != nullptr) {
      begin_outer(slot, lane);
      return begin_piece(lane);
    }
    get_state(slot.result, lane);
    busy_ ^= bit(lane);
    slots_used_ ^= bit(slot_of_[lane]);
    --begun_;
  }

  // begin_outer: the digest in the lane becomes the one block that the outer hash takes.
  void begin_outer(Slot& slot, size_t lane) {
    constexpr size_t kState = Hash::kWords * sizeof(Word);
    CM_CHECK(slot.digest_size != 0 && slot.digest_size <= kState);
    for (size_t w = 0; w < Hash::kWords; ++w) store_be(slot.end + w * sizeof(Word), *word(lane, w));
    std::memset(slot.end + kState, 0, Hash::kBlock - kState);
    for (size_t i = slot.digest_size; i < kState; ++i) slot.end[i] = 0;
    slot.end[slot.digest_size] = 0x80;
    store_be64(slot.end + Hash::kBlock - 8, (Hash::kBlock + slot.digest_size) * 8);
    set_state(lane, slot.outer);
    slot.outer = nullptr;
    slot.end_blocks = 1;
    begin_end(slot);
  }

  // park_all: messages leave their lanes, for another form.
  void park_all() {
    for (; busy_ != 0; busy_ &= busy_ - 1) {
      const size_t lane = lowest(busy_);
      Slot& slot = slots_[slot_of_[lane]];
      slot.in = in_[lane];
      slot.blocks = left_[lane];
      get_state(slot.state, lane);
      parked_ |= bit(slot_of_[lane]);
    }
  }

  const Lane single_, wide_;
  const Job* const jobs_;
  HashMultiOrder order_;
  HashMultiPath path_;
  size_t state_used_ = 0;  // bytes
  Mask busy_ = 0;          // lanes
  Mask parked_ = 0, slots_used_ = 0, slots_touched_ = 0;
  size_t begun_ = 0;  // messages that have a slot
  uint8_t slot_of_[Hash::kLanesMax];
  const uint8_t* in_[Hash::kLanesMax];
  size_t left_[Hash::kLanesMax];  // blocks of a lane's piece
  alignas(64) Word state_[Hash::kWords * Hash::kLanesMax];
  Slot slots_[Hash::kLanesMax];
};

}  // namespace cm
