// SPDX-License-Identifier: Apache-2.0
// integrity_image.h: which bytes of the module the integrity test covers, and their HMAC (ISO/IEC 19790 7.5, 7.10.2.2).
// One walker for both sides: the loaded module measures itself, and the build tool measures the file it injects the
// digest into, laid out as the dynamic linker would map it. It must not allocate, call libc beyond memcpy and memset,
// or read a byte outside the segments that the program headers name. docs/boundary.md explains the choice.
//
// Covered, and hence the same in a file after `strip --strip-unneeded` and `dwz`:
//  - every PT_LOAD segment that is not writable, whole; of the ELF header the four section-header fields count as zero;
//  - PT_GNU_RELRO: what the dynamic linker makes read-only. Relocated slots and the digest itself count as zero, and
//    .dynamic is taken as tag/value pairs with addresses relative to the load address.
// The digest is HMAC-SHA-256 over a list: for each region a head and the SHA-256 digests of its leaves of 4096 bytes,
// two of which are computed at a time (docs/design/0011-parallel-integrity-digest.md).
// Checked besides: each relative relocation's slot holds load address plus addend; other relocations only bind symbols
// of other objects, inside PT_GNU_RELRO; no relocation reaches a read-only segment; no resolver functions (IRELATIVE);
// the unused rest of a page of code is zero; writable initialised data outside PT_GNU_RELRO is zero. So a byte inside a
// segment is covered, checked, or overwritten by the dynamic linker, and every byte that could be executed is covered
// or checked. Files are mapped by pages: neighbours in the file of a segment without code reach memory beside it. They
// belong to no segment, nothing refers to them, and strip may change them; they are left alone.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/lane.h"

namespace cm {

inline constexpr size_t kIntegrityDigestSize = 32;

// DigestSlot: where the build tool writes the expected digest; found in the file by its magic. It lies in PT_GNU_RELRO:
// everything but `digest` is covered by the digest.
struct alignas(64) DigestSlot {
  uint8_t magic[16];
  uint32_t version;  // kDigestSlotVersion
  uint32_t flags;    // kSlotAllowsData
  uint8_t reserved[8];
  uint8_t digest[kIntegrityDigestSize];
};
static_assert(sizeof(DigestSlot) == 64);

// digest_slot: the one of the object that this is linked into (integrity_slot.cpp).
extern volatile DigestSlot digest_slot __attribute__((visibility("hidden")));

inline constexpr uint32_t kDigestSlotVersion = 2;  // 1: HMAC over the bytes themselves
// kSlotAllowsData: the build is instrumented (sanitizers, coverage) and so has writable initialised data. Such data and
// the relocations in it are not checked.
inline constexpr uint32_t kSlotAllowsData = 1u << 0;
inline constexpr size_t kDigestSlotMagicSize = 16;
inline constexpr char kDigestSlotMagic[kDigestSlotMagicSize + 1] = "cm-digest-slot\x1a\x01";

// Image: the module as mapped. bytes[v] is virtual address v; valid for the bytes that PT_LOAD segments cover, rounded
// out to pages. load_address is what the dynamic linker added to addresses.
struct Image {
  const uint8_t* bytes;
  uint64_t load_address;
  uint64_t slot;   // virtual address of the DigestSlot
  bool relocated;  // false: a file image; relocation slots are not looked at
};

// ImageFinding: why an image was refused, for the build tool's message; the module reports one status for all.
enum class ImageFinding : uint8_t {
  kNone,
  kNotElf,            // not a 64-bit x86-64 ELF shared object, or an unusual header
  kSegments,          // PT_LOAD: out of order, overlapping, too large, writable and executable
  kHeaderNotCovered,  // ELF and program headers are not in a read-only first segment
  kNoDynamic,         // PT_DYNAMIC missing, or not inside PT_GNU_RELRO
  kNoRelro,           // PT_GNU_RELRO missing, or not inside a writable segment's initialised bytes
  kExecutableStack,   // PT_GNU_STACK missing or executable
  kCodeNotAligned,    // code shares a page with something else
  kCodeSlack,         // bytes behind the code in its last page are not zero
  kTextRelocation,    // DT_TEXTREL, or a relocation outside the writable segment
  kLazyBinding,       // not linked with -z now
  kRelocationFormat,  // REL, RELR, or a table that is not inside a read-only segment
  kRelocationType,    // a type that is not allowed, IRELATIVE among them
  kRelocationPlace,   // a slot outside PT_GNU_RELRO, __dso_handle excepted
  kOwnSymbol,         // the module calls itself through the dynamic linker, where another object can step in
  kRelocationValue,   // a slot does not hold load address plus addend
  kWritableData,      // initialised writable data outside PT_GNU_RELRO
  kSlot,              // the digest slot is not where it should be, or damaged
};

struct Measurement {
  uint8_t digest[kIntegrityDigestSize];
  uint64_t offender;  // virtual address that belongs to the finding, 0 where there is none
};

// measure_image: HMAC-SHA-256 over the digests of what the image covers, the same on every lane; `out.digest` counts
// only with kNone. Wipes its temporaries; takes less than 24 KiB of stack.
ImageFinding measure_image(const Image& image, Lane sha256_lane, Measurement& out);

}  // namespace cm
