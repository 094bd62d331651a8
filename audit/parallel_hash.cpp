// SPDX-License-Identifier: Apache-2.0
// parallel_hash.cpp: see parallel_hash.h. The kernels are those of the module, as plain objects; what the module's own
// scheduler (crypto/hash_multi) does not do is to look at the chaining value after every block, so the lanes are filled
// here: the longest message first, and a new one where one has ended. It must not trust what it hashes: a message may
// be of any length.
#include "audit/parallel_hash.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "crypto/base/bytes.h"
#include "crypto/cpu/features.h"
#include "crypto/hash_multi/hash_multi_kernels.h"
#include "crypto/sha2/sha256.h"
#include "crypto/sha2/sha256_kernels.h"

namespace cm::audit {
namespace {

constexpr size_t kLanesMax = 16;
constexpr size_t kStateWords = 8;
constexpr size_t kBlock = kSha256Block;
constexpr size_t kStepMax = 64;  // blocks between two looks at the midstates: 4 KiB of every message

[[noreturn]] void stop(const char* why) {
  std::fprintf(stderr, "cryptomod audit: %s\n", why);
  std::abort();
}

// Form: the code that compresses a block of so many messages.
enum class Code : uint8_t { kOne, kTwo, kAvx2, kAvx512 };
struct Form {
  Code code;
  size_t lanes;
  size_t too_few;  // with so many messages or less, another form is faster

  bool wide() const { return lanes > 2; }
  // word: of the state, where the kernels want it.
  size_t word(size_t lane, size_t w) const { return wide() ? w * lanes + lane : lane * kStateWords + w; }
  void compress(Lane single, uint32_t* state, const uint8_t* const* in, size_t blocks) const {
    switch (code) {
      case Code::kOne:
        return sha256_blocks(single, state, in[0], blocks);
      case Code::kTwo:
        return sha256_blocks_two(single, state, state + kStateWords, in[0], in[1], blocks);
      case Code::kAvx2:
        return sha256_multi_8_x86_avx2(state, in, blocks);
      case Code::kAvx512:
        return sha256_multi_16_x86_avx512(state, in, blocks);
    }
  }
};
constexpr Form kOne{Code::kOne, 1, 0};
constexpr Form kTwo{Code::kTwo, 2, 1};

// wide_form: with the SHA extensions two messages at a time are as fast as eight lanes of AVX2 and not much slower than
// sixteen of AVX-512 (measured on Zen 4), so that those are worth while when nearly all of them have a message.
Form wide_form(Lane single, Lane wide) {
  const bool shani = single == Lane::kShani;
  if (wide == Lane::kAvx512) return {Code::kAvx512, 16, shani ? size_t{13} : size_t{1}};
  if (wide == Lane::kAvx2) return {Code::kAvx2, 8, shani ? SIZE_MAX : size_t{1}};
  return {Code::kOne, 1, SIZE_MAX};
}

Form form_for(Lane single, Lane wide, size_t messages) {
  if (const Form form = wide_form(single, wide); messages > form.too_few) return form;
  return single == Lane::kShani && messages > 1 ? kTwo : kOne;
}

// Message: a job that has begun.
struct Message {
  HashJob* job = nullptr;
  size_t done = 0;    // blocks, of the job's and the padding's
  size_t blocks = 0;  // of the job's
  size_t first_midstate = 0;
  uint32_t differing = 0;  // of the midstates so far
  std::array<uint32_t, kStateWords> state{};
  std::array<uint8_t, kBlock> padding{};  // FIPS 180-4 5.1.1: of a message of whole blocks it is one block

  explicit Message(HashJob& j) : job(&j), blocks(j.message.size() / kBlock) {
    if (j.message.size() % kBlock != 0 || j.midstates.size() % 4 != 0 || j.midstates.size() / 4 > blocks)
      stop("hash_jobs: not whole blocks, or more midstates than blocks");
    first_midstate = blocks - j.midstates.size() / 4;
    sha256_initial_state(state.data());
    padding[0] = 0x80;
    store_be64(padding.data() + kBlock - 8, uint64_t{j.message.size()} * 8);
  }
  bool in_padding() const { return done == blocks; }
  bool over() const { return done == blocks + 1; }
  const uint8_t* next() const { return in_padding() ? padding.data() : job->message.data() + done * kBlock; }
  size_t until_end_of_piece() const { return in_padding() ? 1 : blocks - done; }
  void finish() const {
    sha256_write_digest(job->digest.data(), state.data());
    job->midstates_agree = differing == 0;
  }
};

class Run {
 public:
  Run(Lane single, Lane wide, std::span<HashJob> jobs) : single_(single), wide_(wide) {
    for (HashJob& job : jobs) waiting_.push_back(&job);
    std::sort(waiting_.begin(), waiting_.end(),
              [](const HashJob* a, const HashJob* b) { return a->message.size() < b->message.size(); });
    begun_.reserve(kLanesMax);
  }

  void run() {
    while (!begun_.empty() || !waiting_.empty()) {
      form_ = form_for(single_, wide_, begun_.size() + waiting_.size());
      do {
        fill();
        step();
      } while (begun_.size() + waiting_.size() > form_.too_few);
      park();
    }
  }

 private:
  // fill: messages from a wider form stand in begun_ behind those that have lanes.
  void fill() {
    while (begun_.size() < form_.lanes && !waiting_.empty()) {
      begun_.emplace_back(*waiting_.back());
      waiting_.pop_back();
    }
    for (; loaded_ < std::min(form_.lanes, begun_.size()); ++loaded_) load(loaded_);
  }
  void load(size_t lane) {
    for (size_t w = 0; w < kStateWords; ++w) state_[form_.word(lane, w)] = begun_[lane].state[w];
  }
  void store(size_t lane) {
    for (size_t w = 0; w < kStateWords; ++w) begun_[lane].state[w] = state_[form_.word(lane, w)];
  }
  void park() {
    while (loaded_ != 0) store(--loaded_);
    // Those with the most to do first, so that two that go together end together.
    std::sort(begun_.begin(), begun_.end(),
              [](const Message& a, const Message& b) { return a.blocks - a.done > b.blocks - b.done; });
  }

  // step: until the first message is at the end of a piece, block by block. Lanes without a message go along with one,
  // and what they compute is not looked at.
  void step() {
    size_t blocks = kStepMax;
    for (size_t lane = 0; lane < loaded_; ++lane) blocks = std::min(blocks, begun_[lane].until_end_of_piece());
    for (size_t lane = 0; lane < kLanesMax; ++lane) in_[lane] = begun_[lane < loaded_ ? lane : 0].next();
    for (size_t i = 0; i < blocks; ++i) {
      form_.compress(single_, state_.data(), in_.data(), 1);
      note_first_words(first_words_.data() + i * kLanesMax);
      for (const uint8_t*& in : in_) in += kBlock;
    }
    for (size_t lane = loaded_; lane-- != 0;) {
      compare(lane, blocks);
      begun_[lane].done += blocks;
      if (begun_[lane].over()) end(lane);
    }
  }
  void note_first_words(uint32_t* out) const {
    if (form_.wide()) {
      std::memcpy(out, state_.data(), kLanesMax * sizeof *out);
    } else {
      out[0] = state_[0];
      out[1] = state_[kStateWords];
    }
  }
  void compare(size_t lane, size_t blocks) {
    Message& m = begun_[lane];
    if (m.in_padding()) return;
    const size_t skip = m.first_midstate > m.done ? m.first_midstate - m.done : 0;
    if (skip >= blocks) return;
    const uint8_t* expected = m.job->midstates.data() + 4 * (m.done + skip - m.first_midstate);
    uint32_t differing = 0;
    for (size_t i = skip; i < blocks; ++i, expected += 4)
      differing |= first_words_[i * kLanesMax + lane] ^ load_le32(expected);
    m.differing |= differing;
  }
  // end: the last message that has a lane takes the place of the one that is over.
  void end(size_t lane) {
    store(lane);
    begun_[lane].finish();
    const size_t last = --loaded_;
    if (lane != last) {
      store(last);
      begun_[lane] = begun_[last];
      load(lane);
    }
    begun_.erase(begun_.begin() + static_cast<ptrdiff_t>(last));
  }

  const Lane single_, wide_;
  Form form_ = kOne;
  std::vector<HashJob*> waiting_;  // the longest is the last
  std::vector<Message> begun_;     // the first loaded_ have the lane of their index
  size_t loaded_ = 0;
  std::array<const uint8_t*, kLanesMax> in_{};
  alignas(64) std::array<uint32_t, kStateWords * kLanesMax> state_{};
  alignas(64) std::array<uint32_t, kStepMax * kLanesMax> first_words_{};
};

// Known answers: FIPS 180-4 examples of one block and of two, already padded.
struct KnownAnswer {
  std::array<uint8_t, 2 * kBlock> padded;
  size_t blocks;
  std::array<uint32_t, kStateWords> digest;
};

KnownAnswer known_answer(const char* text, const std::array<uint32_t, kStateWords>& digest) {
  KnownAnswer k{{}, 1, digest};
  const size_t size = std::strlen(text);
  if (size + 9 > kBlock) k.blocks = 2;
  std::memcpy(k.padded.data(), text, size);
  k.padded[size] = 0x80;
  store_be64(k.padded.data() + k.blocks * kBlock - 8, uint64_t{size} * 8);
  return k;
}

// form_answers: every lane computes both, beside lanes that compute the other; the longer in one call and in two.
bool form_answers(const Form& form, Lane single) {
  const std::array<KnownAnswer, 2> known = {
      known_answer("abc",
                   {0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223, 0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad}),
      known_answer("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                   {0x248d6a61, 0xd20638b8, 0xe5c02693, 0x0c3e6039, 0xa33ce459, 0x64ff2167, 0xf6ecedd4, 0x19db06c1})};
  for (size_t turn = 0; turn < 4; ++turn) {
    alignas(64) std::array<uint32_t, kStateWords * kLanesMax> state;
    std::array<const uint8_t*, kLanesMax> in{};
    const auto of = [&](size_t lane) -> const KnownAnswer& { return known[(lane + turn) % 2]; };
    const auto ended = [&](size_t blocks) {
      for (size_t lane = 0; lane < form.lanes; ++lane)
        for (size_t w = 0; w < kStateWords; ++w)
          if (of(lane).blocks == blocks && state[form.word(lane, w)] != of(lane).digest[w]) return false;
      return true;
    };
    for (size_t lane = 0; lane < form.lanes; ++lane) {
      std::array<uint32_t, kStateWords> initial;
      sha256_initial_state(initial.data());
      for (size_t w = 0; w < kStateWords; ++w) state[form.word(lane, w)] = initial[w];
      in[lane] = of(lane).padded.data();
    }
    const size_t step = turn / 2 + 1;
    for (size_t blocks = step; blocks <= 2; blocks += step) {
      form.compress(single, state.data(), in.data(), step);
      if (!ended(blocks)) return false;
      for (size_t lane = 0; lane < form.lanes; ++lane) in[lane] += step * kBlock;
    }
  }
  return true;
}

Lane tested_wide_lane() {
  constexpr char kFailed[] = "the self-test of SHA-256 for many messages failed; nothing is hashed with this program";
  const FeatureMask features = cpu_features_detected();
  for (const KernelRow& row : kSha256Kernels)
    if ((features & row.needs) == row.needs && !form_answers(kTwo, row.lane)) stop(kFailed);
  Lane best = Lane::kPortable;
  for (const KernelRow& row : kHashMultiKernels) {
    if (row.lane == Lane::kPortable || (features & row.needs) != row.needs) continue;
    if (!form_answers(wide_form(Lane::kPortable, row.lane), Lane::kPortable)) stop(kFailed);
    best = row.lane;
  }
  return best;
}

}  // namespace

Lane best_wide_sha256_lane() {
  static const Lane lane = tested_wide_lane();
  return lane;
}

FrameJobs frame_jobs(std::span<const uint8_t> frame, uint32_t var_size, uint32_t record_count) {
  const size_t hashed = var_size + size_t{record_count} * kRecordSize;
  FrameJobs jobs;
  jobs.records.message = frame.subspan(sizeof(FrameHeader), hashed);
  jobs.records.midstates = frame.subspan(sizeof(FrameHeader) + hashed, size_t{record_count} * 4);
  jobs.head.message = frame.first(sizeof(FrameHeader));
  return jobs;
}

void hash_jobs(Lane single, Lane wide, std::span<HashJob> jobs) { Run(single, wide, jobs).run(); }

}  // namespace cm::audit
