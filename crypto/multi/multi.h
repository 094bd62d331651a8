// SPDX-License-Identifier: Apache-2.0
// multi.h: independent messages at once: CBC encryption (SP 800-38A 6.2), CMAC (SP 800-38B) and CCM (SP 800-38C), whose
// blocks depend on each other inside a message and so leave most of the AES units idle. Each job has a key object,
// lengths and buffers of its own; what comes out is what the one-shot of each job gives.
//
// All keys of a call are of one lane, which computes the call; a batch of one is the one-shot. Lengths were checked by
// the caller, and at most kMultiMax jobs stand in one call. A job's output may be its input, exactly in place;
// otherwise no output of any job may overlap a buffer of another or of its own. Nothing is allocated, and nothing is
// kept after the call, which takes less than 16 KiB of stack.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/aes/aes.h"
#include "crypto/base/ct.h"
#include "crypto/ccm/ccm.h"
#include "crypto/cmac/cmac.h"

namespace cm {

inline constexpr size_t kMultiMax = 64;

// multi_worth_lanes: whether so many jobs with so many blocks in all are done sooner in the lanes of a kernel than one
// after the other. Filling a lane takes about as long as three blocks, setting up as long as eight; and of short
// messages one after the other, a processor with AES instructions works on several at once by itself.
constexpr bool multi_worth_lanes(Lane lane, size_t jobs, size_t blocks) {
  return jobs > 1 && (lane == Lane::kPortable || blocks >= 3 * jobs + 8);
}

// CbcJob: aes_cbc_encrypt of aes_modes.h: iv[16] becomes the last block of ciphertext; blocks may be 0.
struct CbcJob {
  const AesKey* key;
  uint8_t* iv;
  uint8_t* out;
  const uint8_t* in;
  size_t blocks;
};
void aes_cbc_encrypt_multi(const CbcJob* jobs, size_t count);

// CmacJob: all kCmacTag bytes of the tag are written.
struct CmacJob {
  const CmacKey* key;
  uint8_t* tag;
  const uint8_t* in;
  size_t in_size;  // bytes, any
};
void cmac_multi(const CmacJob* jobs, size_t count);

// CcmSealJob: text_size bytes to out, tag_size bytes to tag. The sizes fit (ccm_sizes_fit).
struct CcmSealJob {
  const AesKey* key;
  uint8_t* out;
  uint8_t* tag;
  size_t tag_size;
  CcmInput in;
};
void ccm_seal_multi(const CcmSealJob* jobs, size_t count);

// CcmOpenJob: right is set when the tag is; when it is not, out has been zeroed. One wrong tag says nothing about the
// other jobs, which are opened all the same.
struct CcmOpenJob {
  const AesKey* key;
  uint8_t* out;
  const uint8_t* tag;
  size_t tag_size;
  CcmInput in;
  ct::Mask right = ct::Mask::from_bit(0);
};
void ccm_open_multi(CcmOpenJob* jobs, size_t count);

}  // namespace cm
