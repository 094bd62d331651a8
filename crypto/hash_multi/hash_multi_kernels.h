// SPDX-License-Identifier: Apache-2.0
// hash_multi_kernels.h: the kernels behind hash_multi.h: messages side by side, one a lane (FIPS 180-4 6.1, 6.2, 6.4).
// Which message is in which lane, and for how many blocks, is the scheduler's business (hash_multi_run.h).
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/cpu/kernel_row.h"

namespace cm {

// The portable lane has no kernel for many messages: they go through the code for one.
constexpr KernelRow kHashMultiKernels[] = {
    {Lane::kPortable, kFeatureNone},
    {Lane::kAvx2, kFeatureAvx2 | kFeatureBmi2},
    {Lane::kAvx512, kFeatureAvx512 | kFeatureBmi2},
};

// HashMultiForm: what computes a step: the code for one message, that for two or four at once (SHA-256), a kernel of a
// lane; kAvx512Half: as many messages as kernels of avx2 take, in registers as wide as theirs.
enum class HashMultiForm : uint8_t { kOne, kTwo, kFour, kAvx2, kAvx512Half, kAvx512 };

// by_words: whether a form has the words of its lanes beside each other, and not a message's.
constexpr bool by_words(HashMultiForm form) { return form >= HashMultiForm::kAvx2; }

struct HashMultiPath {
  HashMultiForm form;
  uint8_t lanes;
  uint8_t too_few;  // with so many messages or less, another form is faster
};

// Sha1Multi, Sha256Multi, Sha512Multi: what the scheduler and PBKDF2 want to know of a hash. single: the lane of the
// code for one message, wide: that of kHashMultiKernels.
//   path: the fastest for so many messages, at least one; where they are more than its lanes, some wait.
//   words_path: the same for run_words, never that of two or four messages.
//   run: so many blocks of every lane. Word w of lane l is state[w * lanes + l] where by_words, else state[l * kWords +
//   w]; in[l] is left as it is.
//   run_words: out = start after one block given as words in host order, word w of lane l in words[w * lanes + l]
//   whatever the form; out may be start or the first of words.
struct Sha1Multi {
  using Word = uint32_t;
  static constexpr size_t kWords = 5, kBlock = 64, kLengthSize = 8, kLanesMax = 16;
  static HashMultiPath path(Lane single, Lane wide, size_t messages);
  static HashMultiPath words_path(Lane single, Lane wide, size_t messages);
  static void run(HashMultiForm form, Lane single, Word* state, const uint8_t* const* in, size_t blocks);
  static void run_words(HashMultiForm form, Lane single, Word* out, const Word* start, const Word* words);
};
struct Sha256Multi {
  using Word = uint32_t;
  static constexpr size_t kWords = 8, kBlock = 64, kLengthSize = 8, kLanesMax = 16;
  static HashMultiPath path(Lane single, Lane wide, size_t messages);
  static HashMultiPath words_path(Lane single, Lane wide, size_t messages);
  static void run(HashMultiForm form, Lane single, Word* state, const uint8_t* const* in, size_t blocks);
  static void run_words(HashMultiForm form, Lane single, Word* out, const Word* start, const Word* words);
};
struct Sha512Multi {
  using Word = uint64_t;
  static constexpr size_t kWords = 8, kBlock = 128, kLengthSize = 16, kLanesMax = 8;
  static HashMultiPath path(Lane single, Lane wide, size_t messages);
  static HashMultiPath words_path(Lane single, Lane wide, size_t messages);
  static void run(HashMultiForm form, Lane single, Word* state, const uint8_t* const* in, size_t blocks);
  static void run_words(HashMultiForm form, Lane single, Word* out, const Word* start, const Word* words);
};

// Each: compresses so many blocks of every lane. Word w of lane l is state[w * lanes + l], in host order; in[l] points
// at the lane's first block and is left as it is. No alignment is needed.
void sha1_multi_8_x86_avx2(uint32_t* state, const uint8_t* const* in, size_t blocks);
void sha256_multi_8_x86_avx2(uint32_t* state, const uint8_t* const* in, size_t blocks);
void sha512_multi_4_x86_avx2(uint64_t* state, const uint8_t* const* in, size_t blocks);
void sha1_multi_8_x86_avx512(uint32_t* state, const uint8_t* const* in, size_t blocks);
void sha256_multi_8_x86_avx512(uint32_t* state, const uint8_t* const* in, size_t blocks);
void sha512_multi_4_x86_avx512(uint64_t* state, const uint8_t* const* in, size_t blocks);
void sha1_multi_16_x86_avx512(uint32_t* state, const uint8_t* const* in, size_t blocks);
void sha256_multi_16_x86_avx512(uint32_t* state, const uint8_t* const* in, size_t blocks);
void sha512_multi_8_x86_avx512(uint64_t* state, const uint8_t* const* in, size_t blocks);

// sha256_multi_4_x86_avx512: the same, but word w of lane l is state[l * 8 + w]. It needs the SHA extensions too.
void sha256_multi_4_x86_avx512(uint32_t* state, const uint8_t* const* in, size_t blocks);

// Each: out = start after one block that is given as words, word w of lane l in words[w * lanes + l], in host order.
// out may be start or the first of words.
void sha1_multi_words_8_x86_avx2(uint32_t* out, const uint32_t* start, const uint32_t* words);
void sha256_multi_words_8_x86_avx2(uint32_t* out, const uint32_t* start, const uint32_t* words);
void sha512_multi_words_4_x86_avx2(uint64_t* out, const uint64_t* start, const uint64_t* words);
void sha1_multi_words_8_x86_avx512(uint32_t* out, const uint32_t* start, const uint32_t* words);
void sha256_multi_words_8_x86_avx512(uint32_t* out, const uint32_t* start, const uint32_t* words);
void sha512_multi_words_4_x86_avx512(uint64_t* out, const uint64_t* start, const uint64_t* words);
void sha1_multi_words_16_x86_avx512(uint32_t* out, const uint32_t* start, const uint32_t* words);
void sha256_multi_words_16_x86_avx512(uint32_t* out, const uint32_t* start, const uint32_t* words);
void sha512_multi_words_8_x86_avx512(uint64_t* out, const uint64_t* start, const uint64_t* words);

}  // namespace cm
