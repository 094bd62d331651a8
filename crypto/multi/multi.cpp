// SPDX-License-Identifier: Apache-2.0
// multi.cpp: the modes of multi.h as chains and their pieces: what of a message lies where it is, and what needs a
// buffer because it is padded or formatted. The lanes are multi_run.h's business.
#include "crypto/multi/multi.h"

#include "crypto/aes/aes_modes.h"
#include "crypto/base/check.h"
#include "crypto/ccm/ccm_format.h"
#include "crypto/multi/multi_run.h"

namespace cm {
namespace {

template <class Mode>
bool worth_lanes(const Mode& mode, size_t count) {
  size_t blocks = 0;
  for (size_t i = 0; i < count; ++i) blocks += mode.blocks(i);
  return count != 0 && multi_worth_lanes(mode.key(0).lane, count, blocks);
}

// run_all: the jobs of a batch, those with equally many rounds together.
template <class Mode>
void run_all(Mode mode, size_t count) {
  CM_CHECK(count <= kMultiMax);
  if (!worth_lanes(mode, count)) {
    for (size_t i = 0; i < count; ++i) mode.alone(i);
    return;
  }
  uint32_t seen = 0;
  for (size_t i = 0; i < count; ++i) seen |= 1u << mode.key(i).rounds;
  for (const uint32_t rounds : {10u, 12u, 14u}) {
    if ((seen >> rounds & 1) == 0) continue;
    MultiOrder order(mode, count, rounds);
    MultiRun<Mode>(mode, rounds).run(order);
  }
}

struct CbcMode {
  static constexpr bool kEncrypt = true;
  using Slot = Chain;

  const AesKey& key(size_t job) const { return *jobs[job].key; }
  size_t blocks(size_t job) const { return jobs[job].blocks; }
  void load(size_t job, Slot& slot) const {
    const CbcJob& j = jobs[job];
    slot.key = j.key;
    slot.rest = {j.in, j.out, j.blocks, j.iv};
    std::memcpy(slot.last, j.iv, kAesBlock);
  }
  void alone(size_t job) const {
    const CbcJob& j = jobs[job];
    aes_cbc_encrypt(*j.key, j.iv, j.out, j.in, j.blocks);
  }
  bool next(Slot&) const { return false; }
  void done(Slot&) const {}

  const CbcJob* jobs;
};

// A MAC's whole blocks, then its last block.
struct CmacMode {
  static constexpr bool kEncrypt = false;
  struct Slot : Chain {
    uint8_t end[kAesBlock];
    uint8_t* tag;
  };

  const AesKey& key(size_t job) const { return jobs[job].key->aes; }
  size_t blocks(size_t job) const { return cmac_blocks_before_last(jobs[job].in_size) + 1; }
  void load(size_t job, Slot& slot) const {
    const CmacJob& j = jobs[job];
    const size_t blocks = cmac_blocks_before_last(j.in_size), straight = blocks * kAesBlock;
    cmac_last_block(*j.key, slot.end, j.in + straight, j.in_size - straight);
    slot.key = &j.key->aes;
    slot.tag = j.tag;
    slot.rest = {j.in, nullptr, blocks, nullptr};
    std::memset(slot.last, 0, kAesBlock);
    if (blocks == 0) next(slot);
  }
  void alone(size_t job) const {
    const CmacJob& j = jobs[job];
    cmac(*j.key, j.tag, j.in, j.in_size);
  }
  bool next(Slot& slot) const {
    if (slot.rest.result != nullptr) return false;
    slot.rest = {slot.end, nullptr, 1, slot.tag};
    return true;
  }
  void done(Slot&) const {}

  const CmacJob* jobs;
};

// A CCM message: counter block 0, whose ciphertext is the mask of the tag; B0 with the beginning of the AAD; the rest
// of the AAD; the plaintext. Padded ends of both have buffers.
struct CcmSlot : Chain {
  size_t job;
  Piece pieces[6];
  size_t count, at;
  uint8_t counter[kAesBlock], head[kCcmHead];
  uint8_t aad_end[kAesBlock], text_end[kAesBlock], mac[kAesBlock], tag_mask[kAesBlock];
};

void add_piece(CcmSlot& slot, const uint8_t* in, size_t blocks, uint8_t* result) {
  if (blocks != 0) slot.pieces[slot.count++] = {in, nullptr, blocks, result};
}

// add_padded: a message and, if its last block is short, end, which is that block padded with zeros.
void add_padded(CcmSlot& slot, const uint8_t* in, size_t size, const uint8_t* end) {
  add_piece(slot, in, size / kAesBlock, nullptr);
  if (size % kAesBlock != 0) add_piece(slot, end, 1, nullptr);
}
void pad_end(uint8_t* end, const uint8_t* in, size_t size) {
  const size_t rest = size % kAesBlock;
  std::memset(end, 0, kAesBlock);
  if (rest != 0) std::memcpy(end, in + (size - rest), rest);
}

void add_head(CcmSlot& slot, size_t tag_size, const CcmInput& in) {
  const CcmHead head = ccm_format_head(slot.head, tag_size, in);
  const uint8_t* const aad = in.aad + head.aad_taken;
  const size_t aad_size = in.aad_size - head.aad_taken;
  ccm_format_counter(slot.counter, in);
  pad_end(slot.aad_end, aad, aad_size);
  add_piece(slot, slot.counter, 1, slot.tag_mask);
  add_piece(slot, slot.head, head.blocks, nullptr);
  add_padded(slot, aad, aad_size, slot.aad_end);
}

// crypt: text to out; text_end holds the short last block of the input before and that of the output afterwards.
void crypt(CcmSlot& slot, uint8_t* out, const CcmInput& in) {
  const size_t rest = in.text_size % kAesBlock, straight = in.text_size - rest;
  uint8_t counter[kAesBlock];
  store_le64(counter, load_le64(slot.counter));
  store_be64(counter + 8, load_be64(slot.counter + 8) | 1);
  aes_ctr(*slot.key, counter, out, in.text, straight / kAesBlock);
  if (rest == 0) return;
  uint8_t* const end = slot.text_end;
  aes_ctr(*slot.key, counter, end, end, 1);
  std::memcpy(out + straight, end, rest);
  std::memset(end + rest, 0, kAesBlock - rest);
}

// tag_of: T XOR S0 (6.1 steps 4 and 8), all 16 bytes in the place of the MAC.
const uint8_t* tag_of(CcmSlot& slot) {
  for (size_t i = 0; i < kAesBlock; i += 8)
    store_le64(slot.mac + i, load_le64(slot.mac + i) ^ load_le64(slot.tag_mask + i));
  return slot.mac;
}

// CcmMode: what sealing and opening share. Sealing encrypts a text when its MAC is there, because out may be text;
// opening decrypts it when its turn comes, so that the MAC finds it in the cache.
template <class Job, bool kSeal>
struct CcmMode {
  static constexpr bool kEncrypt = false;
  using Slot = CcmSlot;

  const AesKey& key(size_t job) const { return *jobs[job].key; }
  size_t blocks(size_t job) const {  // about so many; with short ends, B0, and that of the mask
    return jobs[job].in.aad_size / kAesBlock + jobs[job].in.text_size / kAesBlock + 4;
  }
  void load(size_t job, Slot& slot) const {
    const Job& j = jobs[job];
    slot.key = j.key;
    slot.job = job;
    slot.count = slot.at = 0;
    std::memset(slot.last, 0, kAesBlock);
    add_head(slot, j.tag_size, j.in);
    pad_end(slot.text_end, j.in.text, j.in.text_size);
    if constexpr (!kSeal) crypt(slot, j.out, j.in);
    add_padded(slot, kSeal ? j.in.text : j.out, j.in.text_size, slot.text_end);
    slot.pieces[slot.count - 1].result = slot.mac;
    next(slot);
  }
  void alone(size_t job) const {
    Job& j = jobs[job];
    if constexpr (kSeal) {
      ccm_seal(*j.key, j.out, j.tag, j.tag_size, j.in);
    } else {
      j.right = ccm_open(*j.key, j.out, j.tag, j.tag_size, j.in);
    }
  }
  bool next(Slot& slot) const {
    if (slot.at == slot.count) return false;
    slot.rest = slot.pieces[slot.at++];
    return true;
  }
  void done(Slot& slot) const {
    Job& j = jobs[slot.job];
    if constexpr (kSeal) {
      const uint8_t* const tag = tag_of(slot);
      crypt(slot, j.out, j.in);
      std::memcpy(j.tag, tag, j.tag_size);
    } else {
      j.right = ct::equal_bytes(tag_of(slot), j.tag, j.tag_size);
      if (!ct::declassify(j.right)) zeroise(j.out, j.in.text_size);
    }
  }

  Job* jobs;
};

}  // namespace

void aes_cbc_encrypt_multi(const CbcJob* jobs, size_t count) { run_all(CbcMode{jobs}, count); }

void cmac_multi(const CmacJob* jobs, size_t count) { run_all(CmacMode{jobs}, count); }

void ccm_seal_multi(const CcmSealJob* jobs, size_t count) { run_all(CcmMode<const CcmSealJob, true>{jobs}, count); }

void ccm_open_multi(CcmOpenJob* jobs, size_t count) { run_all(CcmMode<CcmOpenJob, false>{jobs}, count); }

}  // namespace cm
