// SPDX-License-Identifier: Apache-2.0
// hash_multi_kernels.cpp: which form of a hash is the fastest for so many messages, and the calls of it. It must not
// choose a lane: the caller names two that have passed their self-tests.
#include "crypto/hash_multi/hash_multi_kernels.h"

#include "crypto/base/bytes.h"
#include "crypto/base/check.h"
#include "crypto/base/secret.h"
#include "crypto/sha1/sha1.h"
#include "crypto/sha2/sha256.h"
#include "crypto/sha2/sha512.h"

namespace cm {
namespace {

constexpr size_t kNever = SIZE_MAX;

// From: the number of messages from which on a kernel is faster than anything narrower (measured on Zen 4 with messages
// of 100 and 1,000 bytes).
struct From {
  size_t avx2, avx512_half, avx512;
};

// Streams: of SHA-256 with the SHA extensions, how many messages at once the code takes that stands beside that for
// one.
enum class Streams : uint8_t { kOne, kTwo, kFour };
constexpr size_t kFromFour = 3;

constexpr uint8_t below(size_t first) { return static_cast<uint8_t>(first - 1); }

// pick: lanes is how many messages the kernel of avx2 takes.
HashMultiPath pick(Lane wide, size_t messages, From from, uint8_t lanes, Streams streams = Streams::kOne) {
  switch (wide) {
    case Lane::kPortable:
      break;
    case Lane::kAvx2:
      if (messages >= from.avx2) return {HashMultiForm::kAvx2, lanes, below(from.avx2)};
      break;
    case Lane::kAvx512:
      if (messages >= from.avx512) return {HashMultiForm::kAvx512, static_cast<uint8_t>(2 * lanes), below(from.avx512)};
      if (messages >= from.avx512_half) return {HashMultiForm::kAvx512Half, lanes, below(from.avx512_half)};
      break;
    default:  // no lane of these kernels
      fail_stop();
  }
  if (streams == Streams::kFour && messages >= kFromFour) return {HashMultiForm::kFour, 4, below(kFromFour)};
  if (streams != Streams::kOne && messages > 1) return {HashMultiForm::kTwo, 2, 1};
  return {HashMultiForm::kOne, 1, 0};
}

void store_be(uint8_t* p, uint32_t v) { store_be32(p, v); }
void store_be(uint8_t* p, uint64_t v) { store_be64(p, v); }

// OneBlock: a block of one message as bytes, for code that takes no words.
template <class Hash>
struct OneBlock {
  using Word = typename Hash::Word;
  Word state[Hash::kWords];
  uint8_t block[Hash::kBlock];

  OneBlock(const Word* start, const Word* words) {
    std::memcpy(state, start, sizeof state);
    for (size_t w = 0; w < 16; ++w) store_be(block + w * sizeof(Word), words[w]);
  }
  ~OneBlock() { zeroise(this, sizeof *this); }
  OneBlock(const OneBlock&) = delete;
  OneBlock& operator=(const OneBlock&) = delete;
  void write(Word* out) const { std::memcpy(out, state, sizeof state); }
};

}  // namespace

HashMultiPath Sha1Multi::path(Lane single, Lane wide, size_t messages) {
  return pick(wide, messages, single == Lane::kPortable ? From{2, 2, 9} : From{6, 3, 9}, 8);
}

HashMultiPath Sha1Multi::words_path(Lane single, Lane wide, size_t messages) {
  return pick(wide, messages, single == Lane::kPortable ? From{2, 2, 9} : From{4, 3, 9}, 8);
}

void Sha1Multi::run(HashMultiForm form, Lane single, Word* state, const uint8_t* const* in, size_t blocks) {
  switch (form) {
    case HashMultiForm::kOne:
      return sha1_blocks(single, state, in[0], blocks);
    case HashMultiForm::kAvx2:
      return sha1_multi_8_x86_avx2(state, in, blocks);
    case HashMultiForm::kAvx512Half:
      return sha1_multi_8_x86_avx512(state, in, blocks);
    case HashMultiForm::kAvx512:
      return sha1_multi_16_x86_avx512(state, in, blocks);
    case HashMultiForm::kTwo:
    case HashMultiForm::kFour:
      break;
  }
  fail_stop();
}

void Sha1Multi::run_words(HashMultiForm form, Lane single, Word* out, const Word* start, const Word* words) {
  switch (form) {
    case HashMultiForm::kOne: {
      OneBlock<Sha1Multi> b(start, words);
      sha1_blocks(single, b.state, b.block, 1);
      return b.write(out);
    }
    case HashMultiForm::kAvx2:
      return sha1_multi_words_8_x86_avx2(out, start, words);
    case HashMultiForm::kAvx512Half:
      return sha1_multi_words_8_x86_avx512(out, start, words);
    case HashMultiForm::kAvx512:
      return sha1_multi_words_16_x86_avx512(out, start, words);
    case HashMultiForm::kTwo:
    case HashMultiForm::kFour:
      break;
  }
  fail_stop();
}

// With the SHA extensions, eight messages in AVX2 are slower than two at a time; and where those are quick, sixteen in
// AVX-512 slower than four.
HashMultiPath Sha256Multi::path(Lane single, Lane wide, size_t messages) {
  if (single != Lane::kShani) return pick(wide, messages, {2, 2, 9}, 8);
  if (wide == Lane::kAvx512 && (cpu_features() & kFeatureQuickSha) != 0)
    return pick(wide, messages, {kNever, kNever, kNever}, 8, Streams::kFour);
  return pick(wide, messages, {kNever, kNever, 13}, 8, Streams::kTwo);
}

// Not two or four at a time: there is no code for them that takes words, and to make bytes of them costs more than it
// saves.
HashMultiPath Sha256Multi::words_path(Lane single, Lane wide, size_t messages) {
  return pick(wide, messages, single == Lane::kShani ? From{kNever, 5, 9} : From{2, 2, 9}, 8);
}

void Sha256Multi::run(HashMultiForm form, Lane single, Word* state, const uint8_t* const* in, size_t blocks) {
  switch (form) {
    case HashMultiForm::kOne:
      return sha256_blocks(single, state, in[0], blocks);
    case HashMultiForm::kTwo:
      return sha256_blocks_two(single, state, state + kWords, in[0], in[1], blocks);
    case HashMultiForm::kFour:
      return sha256_multi_4_x86_avx512(state, in, blocks);
    case HashMultiForm::kAvx2:
      return sha256_multi_8_x86_avx2(state, in, blocks);
    case HashMultiForm::kAvx512Half:
      return sha256_multi_8_x86_avx512(state, in, blocks);
    case HashMultiForm::kAvx512:
      return sha256_multi_16_x86_avx512(state, in, blocks);
  }
  fail_stop();
}

void Sha256Multi::run_words(HashMultiForm form, Lane single, Word* out, const Word* start, const Word* words) {
  switch (form) {
    case HashMultiForm::kOne: {
      Word state[kWords];
      std::memcpy(state, start, sizeof state);
      sha256_words(single, state, words);
      std::memcpy(out, state, sizeof state);
      return zeroise(state, sizeof state);
    }
    case HashMultiForm::kAvx2:
      return sha256_multi_words_8_x86_avx2(out, start, words);
    case HashMultiForm::kAvx512Half:
      return sha256_multi_words_8_x86_avx512(out, start, words);
    case HashMultiForm::kAvx512:
      return sha256_multi_words_16_x86_avx512(out, start, words);
    case HashMultiForm::kTwo:
    case HashMultiForm::kFour:
      break;
  }
  fail_stop();
}

HashMultiPath Sha512Multi::path(Lane, Lane wide, size_t messages) { return pick(wide, messages, {2, 2, 5}, 4); }

HashMultiPath Sha512Multi::words_path(Lane, Lane wide, size_t messages) { return pick(wide, messages, {2, 2, 5}, 4); }

void Sha512Multi::run(HashMultiForm form, Lane single, Word* state, const uint8_t* const* in, size_t blocks) {
  switch (form) {
    case HashMultiForm::kOne:
      return sha512_blocks(single, state, in[0], blocks);
    case HashMultiForm::kAvx2:
      return sha512_multi_4_x86_avx2(state, in, blocks);
    case HashMultiForm::kAvx512Half:
      return sha512_multi_4_x86_avx512(state, in, blocks);
    case HashMultiForm::kAvx512:
      return sha512_multi_8_x86_avx512(state, in, blocks);
    case HashMultiForm::kTwo:
    case HashMultiForm::kFour:
      break;
  }
  fail_stop();
}

void Sha512Multi::run_words(HashMultiForm form, Lane single, Word* out, const Word* start, const Word* words) {
  switch (form) {
    case HashMultiForm::kOne: {
      OneBlock<Sha512Multi> b(start, words);
      sha512_blocks(single, b.state, b.block, 1);
      return b.write(out);
    }
    case HashMultiForm::kAvx2:
      return sha512_multi_words_4_x86_avx2(out, start, words);
    case HashMultiForm::kAvx512Half:
      return sha512_multi_words_4_x86_avx512(out, start, words);
    case HashMultiForm::kAvx512:
      return sha512_multi_words_8_x86_avx512(out, start, words);
    case HashMultiForm::kTwo:
    case HashMultiForm::kFour:
      break;
  }
  fail_stop();
}

}  // namespace cm
