// SPDX-License-Identifier: Apache-2.0
// cast_multi.cpp: known-answer tests of the kernels for batches (FIPS 140-3 IG 10.3.A) with all three key sizes. Lanes
// next to each other have different keys and messages. Batches have as many jobs as there are kernels with so many
// lanes, so that every lane of each has something to do. Opening must also refuse wrong tags among right ones and leave
// no text of theirs behind. Lane imb is tested with the sizes of keys and messages it takes, and must take them.
#include "crypto/imb/imb.h"
#include "crypto/multi/multi.h"
#include "crypto/multi/multi_kernels.h"
#include "crypto/sha2/sha256.h"
#include "selftest/cast.h"
#include "selftest/known_answers.h"

namespace cm::selftest {
namespace {

using known::kMultiAnswers;

constexpr size_t kKeySizes = sizeof kMultiAnswers / sizeof kMultiAnswers[0] / 2;
constexpr size_t kBatches[] = {16, 8, 4};
constexpr size_t kMaxJobs = 16;

// kernels_run: whether no batch of CBC, which has the fewest blocks, is so small that its jobs run one after the other.
constexpr bool kernels_run() {
  for (const size_t count : kBatches)
    for (size_t i = 0; i < kKeySizes; ++i) {
      const known::MultiAnswer* const a = kMultiAnswers + 2 * i;
      const size_t blocks = count / 2 * (a[0].text_size / kAesBlock + a[1].text_size / kAesBlock);
      if (!multi_worth_lanes(Lane::kVaes512, count, blocks)) return false;
    }
  return true;
}
static_assert(kernels_run());

// Message: one of the two that the jobs of a batch are in turn.
struct Message {
  CmacKey key;
  uint8_t iv[kAesBlock];
  uint8_t nonce[known::kMultiNonceSize];
  uint8_t aad[known::kMultiAadSize];
  uint8_t text[known::kMultiMaxText];
  CcmInput input;
};

// Batch: answer and message of job i are those of i & 1.
struct Batch {
  Lane lane;
  const known::MultiAnswer* answer;
  size_t count;
  Message message[2];
  uint8_t out[kMaxJobs][known::kMultiMaxText];
  uint8_t tag[kMaxJobs][kAesBlock];
};

// Of the lanes: imb has keys in the form of the x86 lanes, and for CMAC and CCM none of 192 bits.
Lane key_lane(Lane lane) { return lane == Lane::kImb ? Lane::kAesni : lane; }
bool has_use(Lane lane, size_t count) {  // more than twice as many jobs as lanes tell nothing new
  return lane == Lane::kImb || count <= 2 * multi_kernel(lane, count).lanes;
}

bool prepare(Message& m, Lane lane, const known::MultiAnswer& answer) {
  const uint32_t seed = uint32_t{answer.key_size} + answer.text_size;
  uint8_t raw[32];
  known::fill_pattern(raw, answer.key_size, known::kMultiKeySeed + seed);
  known::fill_pattern(m.iv, sizeof m.iv, known::kMultiIvSeed + seed);
  known::fill_pattern(m.nonce, sizeof m.nonce, known::kMultiNonceSeed + seed);
  known::fill_pattern(m.aad, sizeof m.aad, known::kMultiAadSeed + seed);
  known::fill_pattern(m.text, answer.text_size, known::kMultiTextSeed + seed);
  m.input = {m.nonce, sizeof m.nonce, m.aad, sizeof m.aad, m.text, answer.text_size};
  return cmac_key_init(m.key, key_lane(lane), raw, answer.key_size) == Status::kOk;
}

bool all_keys(size_t) { return true; }
bool no_192_bits(size_t key_size) { return key_size != 24; }

// all_batches: check on each batch, with messages of each key size; imb_takes: of those that lane imb has.
bool all_batches(Lane lane, bool broken, bool (*check)(Batch&, bool), bool (*imb_takes)(size_t)) {
  Batch batch;
  batch.lane = lane;
  for (size_t i = 0; i < kKeySizes; ++i) {
    batch.answer = kMultiAnswers + 2 * i;
    if (lane == Lane::kImb && !imb_takes(batch.answer->key_size)) continue;
    if (!prepare(batch.message[0], lane, batch.answer[0])) return false;
    if (!prepare(batch.message[1], lane, batch.answer[1])) return false;
    for (const size_t count : kBatches) {
      if (!has_use(lane, count)) continue;
      batch.count = count;
      if (!check(batch, broken)) return false;
    }
  }
  return true;
}

// outputs_match: the digests of the first two outputs, and the others equal to them. size is how much of a text is
// output.
bool outputs_match(Batch& b, const uint8_t* (*digest_of)(const known::MultiAnswer&), size_t (*size_of)(size_t),
                   bool broken) {
  for (size_t i = 0; i < b.count; ++i) {
    const size_t first = i & 1, size = size_of(b.answer[first].text_size);
    if (i != first && !matches(b.out[i], b.out[first], size, false)) return false;
    if (i != first) continue;
    uint8_t digest[kSha256Size];
    sha256(digest_lane(), digest, b.out[i], size);
    if (!matches(digest, digest_of(b.answer[first]), sizeof digest, broken)) return false;
  }
  return true;
}

// run: the batch on its lane; false where that is imb and it does not take it.
template <class Job>
bool run(const Batch& b, Job* jobs, void (*own)(Job*, size_t), bool (*imb)(Job*, size_t, ImbWait)) {
  if (b.lane == Lane::kImb) return imb(jobs, b.count, ImbWait::kYes);
  own(jobs, b.count);
  return true;
}

size_t whole(size_t size) { return size; }
size_t whole_blocks(size_t size) { return size / kAesBlock * kAesBlock; }
const uint8_t* cbc_digest(const known::MultiAnswer& answer) { return answer.cbc_digest; }
const uint8_t* ccm_digest(const known::MultiAnswer& answer) { return answer.ccm_digest; }

bool check_cbc(Batch& b, bool broken) {
  CbcJob jobs[kMaxJobs];
  for (size_t i = 0; i < b.count; ++i) {
    const Message& m = b.message[i & 1];
    std::memcpy(b.tag[i], m.iv, kAesBlock);
    jobs[i] = {&m.key.aes, b.tag[i], b.out[i], m.text, b.answer[i & 1].text_size / kAesBlock};
  }
  if (!run<const CbcJob>(b, jobs, aes_cbc_encrypt_multi, imb_cbc_encrypt)) return false;
  return outputs_match(b, cbc_digest, whole_blocks, broken);
}

bool check_cmac(Batch& b, bool broken) {
  CmacJob jobs[kMaxJobs];
  const bool blocks = b.lane == Lane::kImb;
  for (size_t i = 0; i < b.count; ++i) {
    const size_t size = b.answer[i & 1].text_size;
    jobs[i] = {&b.message[i & 1].key, b.tag[i], b.message[i & 1].text, blocks ? whole_blocks(size) : size};
  }
  if (!run<const CmacJob>(b, jobs, cmac_multi, imb_cmac)) return false;
  for (size_t i = 0; i < b.count; ++i) {
    const known::MultiAnswer& answer = b.answer[i & 1];
    if (!matches(b.tag[i], blocks ? answer.cmac_blocks_tag : answer.cmac_tag, kAesBlock, broken)) return false;
  }
  return true;
}

bool check_ccm_seal(Batch& b, bool broken) {
  CcmSealJob jobs[kMaxJobs];
  for (size_t i = 0; i < b.count; ++i)
    jobs[i] = {&b.message[i & 1].key.aes, b.out[i], b.tag[i], kAesBlock, b.message[i & 1].input};
  if (!run<const CcmSealJob>(b, jobs, ccm_seal_multi, imb_ccm_seal)) return false;
  for (size_t i = 0; i < b.count; ++i)
    if (!matches(b.tag[i], b.answer[i & 1].ccm_seal_tag, kAesBlock, broken)) return false;
  return outputs_match(b, ccm_digest, whole, broken);
}

bool check_ccm_open(Batch& b, bool broken) {
  const auto forged = [](size_t job) { return job % 3 == 2; };
  CcmOpenJob jobs[kMaxJobs];
  for (size_t i = 0; i < b.count; ++i) {
    std::memcpy(b.tag[i], b.answer[i & 1].ccm_open_tag, kAesBlock);
    if (forged(i)) b.tag[i][i] ^= 0x01;
    jobs[i] = {&b.message[i & 1].key.aes, b.out[i], b.tag[i], kAesBlock, b.message[i & 1].input};
  }
  if (broken) b.tag[0][0] ^= 0x10;  // what it must accept is no longer authentic
  if (!run<CcmOpenJob>(b, jobs, ccm_open_multi, imb_ccm_open)) return false;
  for (size_t i = 0; i < b.count; ++i) {
    if (ct::declassify(jobs[i].right) == forged(i)) return false;
    if (!forged(i)) continue;
    if (!is_zero(b.out[i], b.answer[i & 1].text_size)) return false;
    std::memcpy(b.out[i], b.out[i & 1], b.answer[i & 1].text_size);  // for the comparison of the others
  }
  return outputs_match(b, ccm_digest, whole, false);
}

}  // namespace

bool cast_cbc_encrypt_multi(Lane lane, bool broken) { return all_batches(lane, broken, check_cbc, all_keys); }
bool cast_cmac_multi(Lane lane, bool broken) { return all_batches(lane, broken, check_cmac, no_192_bits); }
bool cast_ccm_seal_multi(Lane lane, bool broken) { return all_batches(lane, broken, check_ccm_seal, no_192_bits); }
bool cast_ccm_open_multi(Lane lane, bool broken) { return all_batches(lane, broken, check_ccm_open, no_192_bits); }

}  // namespace cm::selftest
