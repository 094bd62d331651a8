// SPDX-License-Identifier: Apache-2.0
// imb_part.h: what the module and its part libcryptomod-imb.so.1 say to each other. Both are built from one tree; a
// part of another one is refused by its version, which changes with this file and with every structure it uses.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/ccm/ccm.h"
#include "crypto/cmac/cmac.h"
#include "crypto/module/integrity_image.h"
#include "crypto/multi/multi.h"

namespace cm {

inline constexpr uint32_t kImbPartVersion = 1;

// ImbCcm: a message to seal or to open; the tag is written, all kCcmMaxTag bytes if tag_size says so, and compared by
// the caller.
struct ImbCcm {
  const AesKey* key;
  uint8_t* out;
  uint8_t* tag;
  size_t tag_size;
  CcmInput in;
};

// ImbPart: the part's functions. A manager is manager_size() bytes, aligned to 64, which start makes ready; one call at
// a time may use it. Keys are of an x86 lane of ours. The functions trust their caller as kernels do: sizes were
// checked against what imb.h says, count is 1 to kMultiMax. False: ipsec-mb says that it has not done its work, or that
// its own self-test failed.
struct ImbPart {
  uint32_t version;
  uint32_t key_size;  // sizeof(CmacKey)
  const volatile DigestSlot* slot;
  size_t (*manager_size)();
  bool (*start)(void* manager);
  bool (*cbc_encrypt)(void* manager, const CbcJob* jobs, size_t count);
  bool (*cmac)(void* manager, const CmacJob* jobs, size_t count);
  bool (*ccm_seal)(void* manager, const ImbCcm* jobs, size_t count);
  bool (*ccm_open)(void* manager, const ImbCcm* jobs, size_t count);
};

}  // namespace cm

// cm_imb_part: the only symbol of the part.
extern "C" __attribute__((visibility("default"))) const cm::ImbPart* cm_imb_part();
