// SPDX-License-Identifier: Apache-2.0
// keccak_multi.cpp: the scheduler of keccak_multi.h: puts messages of one rate into the lanes of a kernel, the longest
// first, and a new one where one has ended. When few are left it goes on with fewer lanes, and the last one alone. It
// must not choose lanes of processors: the caller names those that have passed their self-tests.
#include "crypto/sha3/keccak_multi.h"

#include <bit>

#include "crypto/base/bytes.h"
#include "crypto/base/check.h"
#include "crypto/base/secret.h"
#include "crypto/sha3/keccak.h"
#include "crypto/sha3/keccak_multi_kernels.h"

namespace cm {
namespace {

constexpr size_t kFewJobs = 4;                    // so many jobs or less go into lanes of ymm
constexpr uint8_t kNoBlock[kKeccakRateMax] = {};  // what a lane takes in that only gives output
constexpr uint64_t kNoState[kKeccakStateWords] = {};

// Todo: a job and how many whole blocks it has.
struct Todo {
  const SpongeJob* job;
  size_t whole;
};

// Order: the jobs of one rate, long ones first, by powers of two: the order of jobs that are nearly as long does not
// matter, but none may begin when the others are about to end. Jobs without output are left out.
class Order {
 public:
  Order(const SpongeJob* jobs, size_t count, size_t rate) : jobs_(jobs) {
    uint8_t width[kSpongeJobsMax];
    uint64_t widths = 0;
    for (size_t i = 0; i < count; ++i) {
      width[i] = 0;
      if (jobs[i].rate != rate || jobs[i].out_size == 0) continue;
      whole_[i] = jobs[i].in_size / rate;
      const size_t more = jobs[i].out_size > rate ? (jobs[i].out_size - 1) / rate : 0;
      width[i] = static_cast<uint8_t>(std::bit_width(whole_[i] + 1 + more));
      widths |= uint64_t{1} << (width[i] & 63);
    }
    for (widths &= ~uint64_t{1}; widths != 0;) {
      const auto longest = static_cast<uint8_t>(std::bit_width(widths) - 1);
      widths ^= uint64_t{1} << longest;
      for (size_t i = 0; i < count; ++i) {
        if (width[i] == longest) order_[size_++] = static_cast<uint8_t>(i);
      }
    }
  }
  size_t left() const { return size_ - next_; }
  Todo take() {
    const size_t i = order_[next_++];
    return {&jobs_[i], whole_[i]};
  }

 private:
  const SpongeJob* jobs_;
  size_t whole_[kSpongeJobsMax];
  uint8_t order_[kSpongeJobsMax];
  size_t next_ = 0, size_ = 0;
};

enum class Stage : uint8_t { kWhole, kLast, kMore };  // whole blocks, the padded one, output beyond the first

// Slot: a job and where it stands: blocks of the stage it is in, and the output that is still to come.
struct Slot {
  const SpongeJob* job;
  const uint8_t* in;
  size_t blocks;
  uint8_t* out;
  size_t out_left;
  Stage stage;
  uint8_t last[kKeccakRateMax];
};

void begin_last(Slot& slot) {
  slot.stage = Stage::kLast;
  slot.in = slot.last;
  slot.blocks = 1;
}

void load(Slot& slot, const Todo& todo) {
  const SpongeJob& job = *todo.job;
  const size_t at = todo.whole * job.rate, rest = job.in_size - at;
  if (rest != 0) std::memcpy(slot.last, job.in + at, rest);
  std::memset(slot.last + rest, 0, job.rate - rest);
  slot.last[rest] = job.suffix;
  slot.last[job.rate - 1] ^= 0x80;
  slot.job = &job;
  slot.out = job.out;
  slot.out_left = job.out_size;
  slot.stage = Stage::kWhole;
  slot.in = job.in;
  slot.blocks = todo.whole;
  if (todo.whole == 0) begin_last(slot);
}

// put: output from a state whose words are so many apart.
void put(Slot& slot, const uint64_t* state, size_t apart) {
  const size_t take = slot.out_left < slot.job->rate ? slot.out_left : slot.job->rate;
  for (size_t i = 0; i < take / 8; ++i) store_le64(slot.out + 8 * i, state[apart * i]);
  if (take % 8 != 0) std::memcpy(slot.out + take / 8 * 8, state + apart * (take / 8), take % 8);
  slot.out += take;
  slot.out_left -= take;
}

// next: the stage behind one that is done; false at the end of the job.
bool next(Slot& slot, const uint64_t* state, size_t apart) {
  if (slot.stage == Stage::kWhole) {
    begin_last(slot);
    return true;
  }
  put(slot, state, apart);
  if (slot.out_left == 0) return false;
  slot.stage = Stage::kMore;
  slot.in = kNoBlock;
  slot.blocks = 1;
  return true;
}

void run_alone(Lane single, Slot& slot, uint64_t* state) {
  do {
    keccak_absorb(single, state, slot.job->rate, slot.in, slot.blocks);
  } while (next(slot, state, 1));
}

// run_alone: from the beginning.
void run_alone(Lane single, const Todo& todo) {
  uint64_t state[kKeccakStateWords] = {};
  Slot slot;
  if (todo.job->start != nullptr) std::memcpy(state, todo.job->start, sizeof state);
  load(slot, todo);
  run_alone(single, slot, state);
  zeroise(state, sizeof state);
  zeroise(slot.last, sizeof slot.last);
}

// Run: the jobs of one order, two or more, through the kernels of a lane.
class Run {
 public:
  Run(Lane single, Lane wide, size_t rate) : single_(single), wide_(wide), rate_(rate) {}
  ~Run() {
    zeroise(lanes_.state, used_ * sizeof saved_[0]);
    if (wide_ == Lane::kAvx2) zeroise(lanes_.other, sizeof lanes_.other);
    for (size_t lane = 0; lane < used_; ++lane) zeroise(slots_[lane].last, rate_);
    zeroise(saved_, saved_used_ * sizeof saved_[0]);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void run(Order& order) {
    while (live_ + order.left() > 1) {
      enter(kernel_lanes(live_ + order.left()));
      do {
        fill(order);
        step();
      } while (live_ + order.left() > too_few());
      leave();
    }
    if (live_ != 0) run_alone(single_, slots_[0], saved_[0]);
    if (order.left() != 0) run_alone(single_, order.take());
  }

 private:
  // kernel_lanes: of the kernel for so many jobs.
  size_t kernel_lanes(size_t jobs) const { return wide_ == Lane::kAvx512 && jobs > kFewJobs ? 8 : 4; }
  // too_few: with so many jobs or less, fewer lanes are faster, or one.
  size_t too_few() const { return n_ == 8 ? kFewJobs : 1; }

  void absorb(size_t count) {
    switch (wide_) {
      case Lane::kAvx2:
        keccak_absorb_4_x86_avx2(lanes_, rate_ / 8, count);
        return;
      case Lane::kAvx512:
        n_ == 8 ? keccak_absorb_8_x86_avx512(lanes_, rate_ / 8, count)
                : keccak_absorb_4_x86_avx512(lanes_, rate_ / 8, count);
        return;
      default:  // no lane of this algorithm
        break;
    }
    fail_stop();
  }

  // enter: a kernel of n lanes; the live jobs, which are in the first slots, take its first lanes.
  void enter(size_t n) {
    n_ = n;
    used_ = used_ < n ? n : used_;
    if (live_ != 0) clear();  // else fill does it
    for (size_t lane = 0; lane < n_; ++lane) {
      busy_[lane] = lane < live_;
      fresh_[lane] = !busy_[lane];
      if (busy_[lane]) put_state(lane, saved_[lane]);
    }
  }

  void clear() {
    zeroise(lanes_.state, n_ * sizeof saved_[0]);
    for (size_t lane = 0; lane < n_; ++lane) fresh_[lane] = true;
  }

  void put_state(size_t lane, const uint64_t* state) {
    for (size_t i = 0; i < kKeccakStateWords; ++i) lanes_.state[n_ * i + lane] = state[i];
  }

  // leave: the live jobs are where enter looks for them.
  void leave() {
    size_t at = 0;
    for (size_t lane = 0; lane < n_ && live_ != 0; ++lane) {
      if (!busy_[lane]) continue;
      Slot& slot = slots_[lane];
      for (size_t i = 0; i < kKeccakStateWords; ++i) saved_[at][i] = lanes_.state[n_ * i + lane];
      if (at != lane) {
        const bool in_last = slot.in == slot.last;
        slots_[at] = slot;
        if (in_last) slots_[at].in = slots_[at].last;
      }
      ++at;
    }
    saved_used_ = saved_used_ < at ? at : saved_used_;
  }

  // start: the state that a job begins with.
  void start(size_t lane) {
    const uint64_t* const state = slots_[lane].job->start;
    if (state != nullptr || !fresh_[lane]) put_state(lane, state != nullptr ? state : kNoState);
    fresh_[lane] = false;
    busy_[lane] = true;
    ++live_;
  }

  // fill: lanes that are all empty are cleared together, which is faster than word by word.
  void fill(Order& order) {
    if (live_ == 0) clear();
    for (size_t lane = 0; lane < n_ && order.left() != 0; ++lane) {
      if (busy_[lane]) continue;
      load(slots_[lane], order.take());
      start(lane);
    }
  }

  // step: until the first job is at the end of a stage. Lanes without a job do what another does.
  void step() {
    size_t blocks = SIZE_MAX;
    const uint8_t* shortest = nullptr;
    for (size_t lane = 0; lane < n_; ++lane) {
      if (!busy_[lane]) continue;
      lanes_.in[lane] = slots_[lane].in;
      if (slots_[lane].blocks < blocks) {
        blocks = slots_[lane].blocks;
        shortest = slots_[lane].in;
      }
    }
    for (size_t lane = 0; lane < n_; ++lane)
      if (!busy_[lane]) lanes_.in[lane] = shortest;
    absorb(blocks);
    for (size_t lane = 0; lane < n_; ++lane) {
      if (!busy_[lane]) continue;
      Slot& slot = slots_[lane];
      slot.in += blocks * rate_;
      slot.blocks -= blocks;
      if (slot.blocks != 0 || next(slot, lanes_.state + lane, n_)) continue;
      busy_[lane] = false;
      --live_;
    }
  }

  const Lane single_, wide_;
  const size_t rate_;
  size_t n_ = 0, live_ = 0, used_ = 0, saved_used_ = 0;
  bool busy_[kKeccakLanesMax];
  bool fresh_[kKeccakLanesMax];  // no job has been in the lane: its state is zero
  KeccakLanes lanes_;
  uint64_t saved_[kFewJobs][kKeccakStateWords];  // of live jobs between two kernels
  Slot slots_[kKeccakLanesMax];
};

}  // namespace

void sponge_multi(Lane single, Lane wide, const SpongeJob* jobs, size_t count) {
  constexpr size_t kRates[] = {168, 144, 136, 104, 72};
  CM_CHECK(count <= kSpongeJobsMax);
  size_t taken = 0;
  for (size_t i = 0; i < count; ++i) CM_CHECK(keccak_rate_known(jobs[i].rate));
  for (const size_t rate : kRates) {
    if (taken == count) return;
    for (size_t i = 0; i < count; ++i) taken += jobs[i].rate == rate ? 1 : 0;
    Order order(jobs, count, rate);
    if (order.left() == 0) continue;
    if (wide == Lane::kPortable || order.left() == 1) {
      while (order.left() != 0) run_alone(single, order.take());
    } else {
      Run(single, wide, rate).run(order);
    }
  }
}

}  // namespace cm
