// SPDX-License-Identifier: Apache-2.0
// integrity_image.cpp: the walker of integrity_image.h. Program headers come from the image itself; they are bounded
// here before use, and they lie in a covered segment, so that a changed one cannot go unnoticed.
// ELF: System V ABI chapters 4 and 5 and the x86-64 supplement.
#include "crypto/module/integrity_image.h"

#include <elf.h>

#include <cstring>

#include "crypto/base/bytes.h"
#include "crypto/base/secret.h"
#include "crypto/hmac/hmac.h"
#include "crypto/sha2/sha256.h"

namespace cm {
namespace {

// A fixed public key: the digest finds change, it does not authenticate (ISO/IEC 19790 7.5 allows it at level 1 and 2).
constexpr uint8_t kIntegrityKey[32] = {'l', 'i', 'b', 'c', 'r', 'y', 'p', 't', 'o', 'm', 'o', 'd', ' ', 'i', 'n', 't',
                                       'e', 'g', 'r', 'i', 't', 'y', ' ', 't', 'e', 's', 't', ' ', 'k', 'e', 'y', '1'};

constexpr uint64_t kPageSize = 4096;
constexpr uint64_t kSpanMax = uint64_t{256} << 20;  // bytes of address space; instrumented builds included
constexpr size_t kProgramHeadersMax = 32;
constexpr size_t kChunkSize = 4096;  // bytes of a leaf
static_assert(sizeof(Elf64_Ehdr) + kProgramHeadersMax * sizeof(Elf64_Phdr) < kPageSize);

struct Range {
  uint64_t begin, end;
};

struct Layout {
  Elf64_Phdr segments[kProgramHeadersMax];
  size_t segment_count;
  Range relro, dynamic;
  Range tables[2];  // DT_RELA, DT_JMPREL
  uint64_t symbols;
  bool allows_data;
};

// RegionHead: goes into the MAC before each region. Its size says how many leaves follow, so that the list can be read
// in one way only, and neither a leaf nor a byte can move to another place unnoticed.
struct RegionHead {
  uint64_t kind, begin, size, flags;
};
enum RegionKind : uint64_t { kReadOnly = 1, kRelro = 2, kDynamic = 3 };

bool inside(const Range& outer, uint64_t begin, uint64_t size) {
  return begin >= outer.begin && begin <= outer.end && size <= outer.end - begin;
}

// copy_out: image bytes to a buffer of ours. As an instruction, because the image holds the red zones that an address
// sanitizer forbids compiled code to read.
void copy_out(void* out, const uint8_t* in, size_t size) {
  __asm__ volatile("rep movsb" : "+D"(out), "+S"(in), "+c"(size) : : "memory");
}

template <class T>
T read_as(const Image& image, uint64_t address) {
  T value{};
  copy_out(&value, image.bytes + address, sizeof value);
  return value;
}

bool writable(const Elf64_Phdr& segment) { return (segment.p_flags & PF_W) != 0; }
Range initialised(const Elf64_Phdr& segment) { return {segment.p_vaddr, segment.p_vaddr + segment.p_filesz}; }

// in_segment: whether the bytes lie in one segment's initialised bytes, of the given kind.
bool in_segment(const Layout& layout, bool want_writable, uint64_t begin, uint64_t size) {
  for (size_t i = 0; i < layout.segment_count; ++i) {
    const Elf64_Phdr& segment = layout.segments[i];
    if (segment.p_type == PT_LOAD && writable(segment) == want_writable && inside(initialised(segment), begin, size))
      return true;
  }
  return false;
}

const Elf64_Phdr* only_header(const Layout& layout, uint32_t type) {
  const Elf64_Phdr* found = nullptr;
  for (size_t i = 0; i < layout.segment_count; ++i) {
    if (layout.segments[i].p_type != type) continue;
    if (found != nullptr) return nullptr;
    found = &layout.segments[i];
  }
  return found;
}

ImageFinding read_headers(const Image& image, Layout& layout) {
  const auto header = read_as<Elf64_Ehdr>(image, 0);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_type != ET_DYN || header.e_machine != EM_X86_64 ||
      header.e_phoff != sizeof(Elf64_Ehdr) || header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum == 0 ||
      header.e_phnum > kProgramHeadersMax)
    return ImageFinding::kNotElf;
  layout.segment_count = header.e_phnum;
  copy_out(layout.segments, image.bytes + sizeof(Elf64_Ehdr), layout.segment_count * sizeof(Elf64_Phdr));
  return ImageFinding::kNone;
}

ImageFinding check_load(const Elf64_Phdr& segment, uint64_t pages_end) {
  constexpr uint32_t kWritableCode = PF_W | PF_X;
  if (segment.p_vaddr < pages_end || segment.p_vaddr >= kSpanMax || segment.p_memsz >= kSpanMax ||
      segment.p_filesz > segment.p_memsz || (segment.p_flags & kWritableCode) == kWritableCode ||
      (segment.p_vaddr - segment.p_offset) % kPageSize != 0 ||
      (!writable(segment) && segment.p_filesz != segment.p_memsz))
    return ImageFinding::kSegments;
  if ((segment.p_flags & PF_X) != 0 && segment.p_vaddr % kPageSize != 0) return ImageFinding::kCodeNotAligned;
  return ImageFinding::kNone;
}

ImageFinding check_segments(const Layout& layout, Measurement& out) {
  uint64_t pages_end = 0;
  for (size_t i = 0; i < layout.segment_count; ++i) {
    const Elf64_Phdr& segment = layout.segments[i];
    if (segment.p_type != PT_LOAD) continue;
    out.offender = segment.p_vaddr;
    const ImageFinding finding = check_load(segment, pages_end);
    if (finding != ImageFinding::kNone) return finding;
    pages_end = (segment.p_vaddr + segment.p_memsz + kPageSize - 1) / kPageSize * kPageSize;
  }
  out.offender = 0;
  const uint64_t headers_size = sizeof(Elf64_Ehdr) + layout.segment_count * sizeof(Elf64_Phdr);
  if (!in_segment(layout, false, 0, headers_size)) return ImageFinding::kHeaderNotCovered;
  const Elf64_Phdr* stack = only_header(layout, PT_GNU_STACK);
  if (stack == nullptr || (stack->p_flags & PF_X) != 0) return ImageFinding::kExecutableStack;
  return ImageFinding::kNone;
}

// find_relro: sets relro, clipped to initialised bytes, and dynamic. The end must be a page border: the dynamic linker
// protects whole pages only.
ImageFinding find_relro(const Image& image, Layout& layout) {
  const Elf64_Phdr* relro = only_header(layout, PT_GNU_RELRO);
  if (relro == nullptr || relro->p_memsz >= kSpanMax || relro->p_vaddr >= kSpanMax ||
      (relro->p_vaddr + relro->p_memsz) % kPageSize != 0)
    return ImageFinding::kNoRelro;
  layout.relro = {};
  for (size_t i = 0; i < layout.segment_count; ++i) {
    const Elf64_Phdr& segment = layout.segments[i];
    if (segment.p_type != PT_LOAD || !writable(segment) || segment.p_vaddr != relro->p_vaddr) continue;
    const uint64_t size = relro->p_memsz < segment.p_filesz ? relro->p_memsz : segment.p_filesz;
    layout.relro = {segment.p_vaddr, segment.p_vaddr + size};
  }
  if (layout.relro.end == 0) return ImageFinding::kNoRelro;

  const Elf64_Phdr* dynamic = only_header(layout, PT_DYNAMIC);
  if (dynamic == nullptr || dynamic->p_memsz % sizeof(Elf64_Dyn) != 0 ||
      !inside(layout.relro, dynamic->p_vaddr, dynamic->p_memsz))
    return ImageFinding::kNoDynamic;
  layout.dynamic = {dynamic->p_vaddr, dynamic->p_vaddr + dynamic->p_memsz};

  if (image.slot % alignof(DigestSlot) != 0 || !inside(layout.relro, image.slot, sizeof(DigestSlot)))
    return ImageFinding::kSlot;
  const auto slot = read_as<DigestSlot>(image, image.slot);
  if (slot.version != kDigestSlotVersion || (slot.flags & ~kSlotAllowsData) != 0) return ImageFinding::kSlot;
  layout.allows_data = (slot.flags & kSlotAllowsData) != 0;
  return ImageFinding::kNone;
}

// holds_address: tags whose value is an address, which glibc replaces in memory by address plus load address.
bool holds_address(int64_t tag) {
  switch (tag) {
    case DT_PLTGOT:
    case DT_HASH:
    case DT_STRTAB:
    case DT_SYMTAB:
    case DT_RELA:
    case DT_INIT:
    case DT_FINI:
    case DT_JMPREL:
    case DT_INIT_ARRAY:
    case DT_FINI_ARRAY:
    case DT_GNU_HASH:
    case DT_VERSYM:
    case DT_VERDEF:
    case DT_VERNEED:
      return true;
    default:
      return false;
  }
}

// read_dynamic_entry: with addresses relative to the load address, whether the dynamic linker changed them or not.
Elf64_Dyn read_dynamic_entry(const Image& image, uint64_t address) {
  auto entry = read_as<Elf64_Dyn>(image, address);
  if (image.relocated && holds_address(entry.d_tag) && entry.d_un.d_val >= image.load_address)
    entry.d_un.d_val -= image.load_address;
  return entry;
}

struct DynamicFacts {
  uint64_t address[2] = {}, size[2] = {};  // DT_RELA, DT_JMPREL
  uint64_t entry_size = sizeof(Elf64_Rela), plt_kind = DT_RELA;
  uint64_t symbols = 0;
  bool binds_now = false, text_relocations = false, other_format = false;
};

void take_dynamic_entry(DynamicFacts& facts, const Elf64_Dyn& entry) {
  const uint64_t value = entry.d_un.d_val;
  switch (entry.d_tag) {
    case DT_RELA:
      facts.address[0] = value;
      break;
    case DT_RELASZ:
      facts.size[0] = value;
      break;
    case DT_JMPREL:
      facts.address[1] = value;
      break;
    case DT_PLTRELSZ:
      facts.size[1] = value;
      break;
    case DT_RELAENT:
      facts.entry_size = value;
      break;
    case DT_PLTREL:
      facts.plt_kind = value;
      break;
    case DT_SYMTAB:
      facts.symbols = value;
      break;
    case DT_TEXTREL:
      facts.text_relocations = true;
      break;
    case DT_REL:
    case DT_RELR:
      facts.other_format = true;
      break;
    case DT_BIND_NOW:
      facts.binds_now = true;
      break;
    case DT_FLAGS:
      if ((value & DF_TEXTREL) != 0) facts.text_relocations = true;
      if ((value & DF_BIND_NOW) != 0) facts.binds_now = true;
      break;
    case DT_FLAGS_1:
      if ((value & DF_1_NOW) != 0) facts.binds_now = true;
      break;
    default:
      break;
  }
}

ImageFinding read_dynamic(const Image& image, Layout& layout) {
  DynamicFacts facts;
  for (uint64_t at = layout.dynamic.begin; at != layout.dynamic.end; at += sizeof(Elf64_Dyn)) {
    const Elf64_Dyn entry = read_dynamic_entry(image, at);
    if (entry.d_tag == DT_NULL) break;
    take_dynamic_entry(facts, entry);
  }
  if (facts.text_relocations) return ImageFinding::kTextRelocation;
  if (!facts.binds_now) return ImageFinding::kLazyBinding;
  if (facts.other_format || facts.entry_size != sizeof(Elf64_Rela) || facts.plt_kind != DT_RELA)
    return ImageFinding::kRelocationFormat;
  for (size_t i = 0; i < 2; ++i) {
    if (facts.size[i] % sizeof(Elf64_Rela) != 0 ||
        (facts.size[i] != 0 && !in_segment(layout, false, facts.address[i], facts.size[i])))
      return ImageFinding::kRelocationFormat;
    layout.tables[i] = {facts.address[i], facts.address[i] + facts.size[i]};
  }
  layout.symbols = facts.symbols;
  return ImageFinding::kNone;
}

// for_each_relocation: calls visit(relocation) until it returns something else than kNone.
template <class Visit>
ImageFinding for_each_relocation(const Image& image, const Layout& layout, Visit visit) {
  for (const Range& table : layout.tables)
    for (uint64_t at = table.begin; at != table.end; at += sizeof(Elf64_Rela)) {
      const ImageFinding finding = visit(read_as<Elf64_Rela>(image, at));
      if (finding != ImageFinding::kNone) return finding;
    }
  return ImageFinding::kNone;
}

// binds_symbol: the types that store one 64-bit word found by symbol lookup.
bool binds_symbol(uint64_t type) {
  return type == R_X86_64_GLOB_DAT || type == R_X86_64_JUMP_SLOT || type == R_X86_64_64 || type == R_X86_64_TPOFF64 ||
         type == R_X86_64_DTPMOD64 || type == R_X86_64_DTPOFF64;
}

bool symbol_is_ours(const Image& image, const Layout& layout, const Elf64_Rela& relocation) {
  const uint64_t at = layout.symbols + ELF64_R_SYM(relocation.r_info) * sizeof(Elf64_Sym);
  if (!in_segment(layout, false, at, sizeof(Elf64_Sym))) return true;
  return read_as<Elf64_Sym>(image, at).st_shndx != SHN_UNDEF;
}

ImageFinding check_place(const Layout& layout, const Elf64_Rela& relocation) {
  constexpr uint64_t kSlotSize = sizeof(uint64_t);
  if (inside(layout.relro, relocation.r_offset, kSlotSize)) return ImageFinding::kNone;
  if (!in_segment(layout, true, relocation.r_offset, kSlotSize)) return ImageFinding::kTextRelocation;
  // __dso_handle, the one relocated word in .data, points at itself.
  const bool points_at_itself = static_cast<uint64_t>(relocation.r_addend) == relocation.r_offset &&
                                ELF64_R_TYPE(relocation.r_info) == R_X86_64_RELATIVE;
  return points_at_itself || layout.allows_data ? ImageFinding::kNone : ImageFinding::kRelocationPlace;
}

ImageFinding check_relocation(const Image& image, const Layout& layout, const Elf64_Rela& relocation) {
  const uint64_t type = ELF64_R_TYPE(relocation.r_info);
  if (type == R_X86_64_NONE) return ImageFinding::kNone;
  if (type != R_X86_64_RELATIVE && !binds_symbol(type)) return ImageFinding::kRelocationType;
  const ImageFinding place = check_place(layout, relocation);
  if (place != ImageFinding::kNone) return place;
  if (binds_symbol(type))
    return !layout.allows_data && symbol_is_ours(image, layout, relocation) ? ImageFinding::kOwnSymbol
                                                                            : ImageFinding::kNone;
  const uint64_t expected = image.load_address + static_cast<uint64_t>(relocation.r_addend);
  const bool may_change = layout.allows_data && !inside(layout.relro, relocation.r_offset, sizeof(uint64_t));
  if (image.relocated && !may_change && read_as<uint64_t>(image, relocation.r_offset) != expected)
    return ImageFinding::kRelocationValue;
  return ImageFinding::kNone;
}

ImageFinding check_relocations(const Image& image, const Layout& layout, Measurement& out) {
  return for_each_relocation(image, layout, [&](const Elf64_Rela& relocation) {
    const ImageFinding finding = check_relocation(image, layout, relocation);
    if (finding != ImageFinding::kNone) out.offender = relocation.r_offset;
    return finding;
  });
}

// Chunk: image bytes [at, at + size) in a buffer of ours, in which ranges can be blanked. Behind a whole one is room
// for the padding of SHA-256.
struct Chunk {
  uint64_t at;
  size_t size;
  uint8_t bytes[kChunkSize + kSha256Block];
};

void load_chunk(const Image& image, Chunk& chunk, uint64_t at, uint64_t end) {
  chunk.at = at;
  chunk.size = end - at < kChunkSize ? static_cast<size_t>(end - at) : kChunkSize;
  copy_out(chunk.bytes, image.bytes + at, chunk.size);
}

void blank(Chunk& chunk, uint64_t begin, uint64_t size) {
  const uint64_t chunk_end = chunk.at + chunk.size;
  const uint64_t from = begin > chunk.at ? begin : chunk.at;
  const uint64_t to = begin + size < chunk_end ? begin + size : chunk_end;
  if (from < to) std::memset(chunk.bytes + (from - chunk.at), 0, static_cast<size_t>(to - from));
}

void blank_relocated(const Image& image, const Layout& layout, Chunk& chunk) {
  (void)for_each_relocation(image, layout, [&](const Elf64_Rela& relocation) {
    if (ELF64_R_TYPE(relocation.r_info) != R_X86_64_NONE) blank(chunk, relocation.r_offset, sizeof(uint64_t));
    return ImageFinding::kNone;
  });
}

// first_not_zero: address of the first byte that is not zero, relocated slots apart; `range.end` when there is none.
uint64_t first_not_zero(const Image& image, const Layout& layout, const Range& range) {
  Chunk chunk{};
  for (uint64_t at = range.begin; at < range.end; at += chunk.size) {
    load_chunk(image, chunk, at, range.end);
    blank_relocated(image, layout, chunk);
    for (size_t i = 0; i < chunk.size; ++i)
      if (chunk.bytes[i] != 0) return at + i;
  }
  return range.end;
}

// check_zero_bytes: what reaches memory beside the covered bytes: the rest of the last page of code, and writable
// initialised data. (The rest of other read-only pages is neither code nor referred to.)
ImageFinding check_zero_bytes(const Image& image, const Layout& layout, Measurement& out) {
  for (size_t i = 0; i < layout.segment_count; ++i) {
    const Elf64_Phdr& segment = layout.segments[i];
    if (segment.p_type != PT_LOAD) continue;
    const Range bytes = initialised(segment);
    const bool code = (segment.p_flags & PF_X) != 0;
    if (!code && (!writable(segment) || layout.allows_data)) continue;
    Range zero = {bytes.begin == layout.relro.begin ? layout.relro.end : bytes.begin, bytes.end};
    if (code) zero = {bytes.end, (bytes.end + kPageSize - 1) / kPageSize * kPageSize};
    out.offender = first_not_zero(image, layout, zero);
    if (out.offender < zero.end) return code ? ImageFinding::kCodeSlack : ImageFinding::kWritableData;
  }
  out.offender = 0;
  return ImageFinding::kNone;
}

// Digester: what compute_digest works with. Chunks are two, because two messages side by side keep the SHA extensions
// busy and one alone does not.
struct Digester {
  Lane lane;
  Hmac mac;
  Chunk chunks[2];
  uint32_t states[2][8];
  uint8_t leaves[2 * kSha256Size];
};

void absorb_head(Hmac& mac, RegionKind kind, const Range& range, uint64_t flags) {
  const RegionHead head = {kind, range.begin, range.end - range.begin, flags};
  hmac_update(mac, reinterpret_cast<const uint8_t*>(&head), sizeof head);
}

// hash_whole: the states behind two whole chunks and their padding (FIPS 180-4 5.1.1).
void hash_whole(Digester& d) {
  static_assert(kChunkSize % kSha256Block == 0);
  for (Chunk& chunk : d.chunks) {
    uint8_t* const padding = chunk.bytes + kChunkSize;
    std::memset(padding, 0, kSha256Block);
    padding[0] = 0x80;
    store_be64(padding + kSha256Block - sizeof(uint64_t), uint64_t{kChunkSize} * 8);
  }
  constexpr size_t kBlocks = kChunkSize / kSha256Block + 1;
  sha256_blocks_two(d.lane, d.states[0], d.states[1], d.chunks[0].bytes, d.chunks[1].bytes, kBlocks);
}

// absorb_leaves: the digests of the first one or two chunks.
void absorb_leaves(Digester& d, size_t count) {
  for (size_t i = 0; i < count; ++i) sha256_initial_state(d.states[i]);
  if (count == 2 && d.chunks[1].size == kChunkSize)
    hash_whole(d);
  else
    for (size_t i = 0; i < count; ++i)
      sha256_finish(d.lane, d.states[i], d.chunks[i].size, d.chunks[i].bytes, d.chunks[i].size);
  for (size_t i = 0; i < count; ++i) sha256_write_digest(d.leaves + i * kSha256Size, d.states[i]);
  hmac_update(d.mac, d.leaves, count * kSha256Size);
}

// absorb_chunks: the range cut into chunks; prepare(chunk) blanks what does not count.
template <class Prepare>
void absorb_chunks(Digester& d, const Image& image, const Range& range, Prepare prepare) {
  for (uint64_t at = range.begin; at < range.end;) {
    size_t count = 0;
    for (; count < 2 && at < range.end; ++count) {
      load_chunk(image, d.chunks[count], at, range.end);
      prepare(d.chunks[count]);
      at += d.chunks[count].size;
    }
    absorb_leaves(d, count);
  }
}

// absorb_read_only: a whole segment; strip moves the section header table, so the fields that say where it is are
// blank.
void absorb_read_only(Digester& d, const Image& image, const Elf64_Phdr& segment) {
  const Range range = initialised(segment);
  absorb_head(d.mac, kReadOnly, range, segment.p_flags);
  absorb_chunks(d, image, range, [](Chunk& chunk) {
    blank(chunk, offsetof(Elf64_Ehdr, e_shoff), sizeof(Elf64_Off));
    blank(chunk, offsetof(Elf64_Ehdr, e_shnum), 2 * sizeof(Elf64_Half));  // and e_shstrndx
  });
}

void absorb_relro(Digester& d, const Image& image, const Layout& layout) {
  absorb_head(d.mac, kRelro, layout.relro, 0);
  absorb_chunks(d, image, layout.relro, [&](Chunk& chunk) {
    blank(chunk, image.slot + offsetof(DigestSlot, digest), kIntegrityDigestSize);
    blank(chunk, layout.dynamic.begin, layout.dynamic.end - layout.dynamic.begin);
    blank_relocated(image, layout, chunk);
  });
  absorb_head(d.mac, kDynamic, layout.dynamic, 0);
  for (uint64_t at = layout.dynamic.begin; at != layout.dynamic.end; at += sizeof(Elf64_Dyn)) {
    const Elf64_Dyn entry = read_dynamic_entry(image, at);
    hmac_update(d.mac, reinterpret_cast<const uint8_t*>(&entry), sizeof entry);
  }
}

void compute_digest(const Image& image, const Layout& layout, Lane lane, uint8_t* digest) {
  Digester d;
  {
    HmacKey key;
    hmac_key_init(key, HashId::kSha256, lane, kIntegrityKey, sizeof kIntegrityKey);
    hmac_init(d.mac, key);
    zeroise(&key, sizeof key);
  }
  d.lane = lane;
  for (size_t i = 0; i < layout.segment_count; ++i)
    if (layout.segments[i].p_type == PT_LOAD && !writable(layout.segments[i]))
      absorb_read_only(d, image, layout.segments[i]);
  absorb_relro(d, image, layout);
  hmac_final(d.mac, digest);
  zeroise(&d, sizeof d);
}

}  // namespace

ImageFinding measure_image(const Image& image, Lane sha256_lane, Measurement& out) {
  Layout layout;
  out = {};
  ImageFinding finding = read_headers(image, layout);
  if (finding == ImageFinding::kNone) finding = check_segments(layout, out);
  if (finding == ImageFinding::kNone) finding = find_relro(image, layout);
  if (finding == ImageFinding::kNone) finding = read_dynamic(image, layout);
  if (finding == ImageFinding::kNone) finding = check_relocations(image, layout, out);
  if (finding == ImageFinding::kNone) finding = check_zero_bytes(image, layout, out);
  if (finding == ImageFinding::kNone) compute_digest(image, layout, sha256_lane, out.digest);
  return finding;
}

}  // namespace cm
