// SPDX-License-Identifier: Apache-2.0
// crc32c.h: the two ways of computing the checksum of a frame (crc32c of audit/chain.h chooses). It guards against
// accidents and decides nothing alone.
#pragma once
#include <cstddef>
#include <cstdint>

namespace cm::audit {

// Each: the register of the CRC-32C (RFC 3720 B.4) after so many more bytes; without the final xor.
uint32_t crc32c_portable(uint32_t crc, const uint8_t* bytes, size_t size);
uint32_t crc32c_x86_sse42(uint32_t crc, const uint8_t* bytes, size_t size);

}  // namespace cm::audit
