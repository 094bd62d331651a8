// SPDX-License-Identifier: Apache-2.0
// ccm_format.h: the blocks that CCM makes of nonce, sizes and AAD (SP 800-38C appendix A), for one message and for many
// at once.
#pragma once
#include "crypto/ccm/ccm.h"

namespace cm {

// CcmHead: B0, and of the AAD what stands beside its size in the next blocks, so that short AAD costs one pass.
inline constexpr size_t kCcmHead = 4 * kAesBlock;
struct CcmHead {
  size_t blocks;
  size_t aad_taken;  // bytes of AAD in them; where it is not all, the blocks are full
};

// ccm_format_head: writes all kCcmHead bytes of head, those behind its blocks as zeros (A.2).
CcmHead ccm_format_head(uint8_t* head, size_t tag_size, const CcmInput& in);

// ccm_format_counter: counter block 0, whose ciphertext masks the tag; the text's counters follow it (A.3).
void ccm_format_counter(uint8_t* counter, const CcmInput& in);

}  // namespace cm
