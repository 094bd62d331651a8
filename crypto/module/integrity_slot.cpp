// SPDX-License-Identifier: Apache-2.0
// integrity_slot.cpp: the place for the digest in a shared object whose integrity is tested: the module, and parts of
// it. cm-inject-digest writes it after the link. Volatile, because the compiler must not believe the zeros it sees
// here; in .data.rel.ro, so that it is read-only once the object is loaded.
#include "crypto/module/integrity_image.h"

namespace cm {

__attribute__((section(".data.rel.ro.cm_digest"), used)) volatile DigestSlot digest_slot = {
    {'c', 'm', '-', 'd', 'i', 'g', 'e', 's', 't', '-', 's', 'l', 'o', 't', 0x1a, 0x01}, kDigestSlotVersion, 0, {}, {}};

}  // namespace cm
