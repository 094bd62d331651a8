// SPDX-License-Identifier: Apache-2.0
// kbkdf.cpp: see kbkdf.h. One loop for the three modes: they differ in what stands before the counter.
#include "crypto/kdf/kbkdf.h"

#include "crypto/kdf/prf.h"

namespace cm {
namespace {

template <class Prf>
class Kbkdf {
 public:
  Kbkdf(Prf& prf, const KbkdfInput& input) : prf_(prf), input_(input) {}

  // next: the block of number i, from 1 on.
  void next(uint32_t i, uint8_t* block) {
    if (input_.mode == KbkdfMode::kDoublePipeline) pipeline(i);
    prf_.begin();
    const bool first = input_.counter_first && input_.mode != KbkdfMode::kCounter;
    if (first) add_counter(i);
    if (input_.mode == KbkdfMode::kDoublePipeline) prf_.add(chain_.expose(), prf_.size());
    if (input_.mode == KbkdfMode::kFeedback) add_fed_back(i);
    add(input_.before, input_.before_count);
    if (!first) add_counter(i);
    add(input_.after, input_.after_count);
    prf_.end(block);
    if (input_.mode == KbkdfMode::kFeedback) std::memcpy(chain_.expose(), block, prf_.size());
  }

 private:
  void add(const KbkdfPart* parts, size_t count) {
    for (size_t i = 0; i < count; ++i) prf_.add(parts[i].p, parts[i].size);
  }
  void add_counter(uint32_t i) {
    uint8_t counter[4];
    store_be32(counter, i);
    const size_t size = input_.counter_bits / 8;
    prf_.add(counter + sizeof counter - size, size);
  }
  void add_fed_back(uint32_t i) {
    if (i == 1)
      add(&input_.iv, 1);
    else
      prf_.add(chain_.expose(), prf_.size());
  }
  // pipeline: A(i) from A(i - 1); A(0) is the input without counter.
  void pipeline(uint32_t i) {
    prf_.begin();
    if (i == 1) {
      add(input_.before, input_.before_count);
      add(input_.after, input_.after_count);
    } else {
      prf_.add(chain_.expose(), prf_.size());
    }
    prf_.end(chain_.expose());
  }

  Prf& prf_;
  const KbkdfInput& input_;
  SecretArray<kPrfMaxSize> chain_;  // K(i - 1) or A(i)
};

Status check(const KbkdfInput& input, size_t out_size, size_t block) {
  const uint32_t bits = input.counter_bits;
  if (bits % 8 != 0 || bits > 32 || (bits == 0 && input.mode == KbkdfMode::kCounter)) return Status::kArgument;
  const uint64_t most = bits == 0 ? UINT32_MAX : (uint64_t{1} << bits) - 1;
  return out_size == 0 || (out_size - 1) / block >= most ? Status::kLength : Status::kOk;
}

template <class Prf>
Status derive(Prf& prf, uint8_t* out, size_t out_size, const KbkdfInput& input) {
  const size_t size = prf.size();
  if (const Status s = check(input, out_size, size); !succeeded(s)) return s;
  Kbkdf<Prf> blocks(prf, input);
  SecretArray<kPrfMaxSize> block;
  for (uint32_t i = 1; out_size != 0; ++i) {
    blocks.next(i, block.expose());
    const size_t take = out_size < size ? out_size : size;
    std::memcpy(out, block.expose(), take);
    out += take;
    out_size -= take;
  }
  return Status::kOk;
}

}  // namespace

Status kbkdf_hmac(const HmacKey& key, uint8_t* out, size_t out_size, const KbkdfInput& input) {
  HmacPrf prf(key);
  return derive(prf, out, out_size, input);
}

Status kbkdf_cmac(const CmacKey& key, uint8_t* out, size_t out_size, const KbkdfInput& input) {
  CmacPrf prf(key);
  return derive(prf, out, out_size, input);
}

}  // namespace cm
