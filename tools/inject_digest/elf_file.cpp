// SPDX-License-Identifier: Apache-2.0
// elf_file.cpp: reading, laying out and rewriting the shared object of elf_file.h. What the digest covers is decided in
// crypto/module/integrity_image.cpp alone; this file only makes the image.
#include "tools/inject_digest/elf_file.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>

namespace cm::inject_digest {
namespace {

constexpr uint64_t kPageSize = 4096;
constexpr uint64_t kImageSizeMax = uint64_t{256} << 20;

uint64_t page_floor(uint64_t v) { return v / kPageSize * kPageSize; }
uint64_t page_ceil(uint64_t v) { return page_floor(v + kPageSize - 1); }

std::string system_error(const std::string& what, const std::filesystem::path& path) {
  return what + " " + path.string() + ": " + std::strerror(errno);
}

std::string hex(uint64_t v) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(v));
  return text;
}

std::vector<uint8_t> read_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Refusal(system_error("cannot open", path));
  std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (in.bad()) throw Refusal(system_error("cannot read", path));
  return bytes;
}

template <class T>
T read_at(const std::vector<uint8_t>& bytes, uint64_t offset) {
  if (offset > bytes.size() || sizeof(T) > bytes.size() - offset)
    throw Refusal("the file ends at " + hex(bytes.size()) + ", before a structure at " + hex(offset));
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::vector<Elf64_Phdr> load_segments(const std::vector<uint8_t>& bytes) {
  const auto header = read_at<Elf64_Ehdr>(bytes, 0);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64)
    throw Refusal("not a 64-bit ELF file");
  std::vector<Elf64_Phdr> segments;
  for (uint64_t i = 0; i < header.e_phnum; ++i) {
    const auto segment = read_at<Elf64_Phdr>(bytes, header.e_phoff + i * sizeof(Elf64_Phdr));
    if (segment.p_type != PT_LOAD) continue;
    if (segment.p_filesz > segment.p_memsz || segment.p_offset > bytes.size() ||
        segment.p_filesz > bytes.size() - segment.p_offset || segment.p_vaddr >= kImageSizeMax ||
        segment.p_memsz >= kImageSizeMax || (segment.p_vaddr - segment.p_offset) % kPageSize != 0)
      throw Refusal("segment " + std::to_string(i) + " does not fit the file or is larger than 256 MiB");
    segments.push_back(segment);
  }
  if (segments.empty()) throw Refusal("the file has no segment to load");
  return segments;
}

// lay_out: maps whole pages as the dynamic linker does; what follows a writable segment's initialised bytes is zeroed.
std::vector<uint8_t> lay_out(const std::vector<uint8_t>& bytes, const std::vector<Elf64_Phdr>& segments) {
  uint64_t end = kPageSize;
  for (const Elf64_Phdr& segment : segments) end = std::max(end, page_ceil(segment.p_vaddr + segment.p_memsz));
  std::vector<uint8_t> image(end);
  for (const Elf64_Phdr& segment : segments) {
    const uint64_t from = page_floor(segment.p_offset);
    const uint64_t to = std::min<uint64_t>(page_ceil(segment.p_offset + segment.p_filesz), bytes.size());
    if (segment.p_filesz == 0 || from >= to) continue;
    std::copy(bytes.begin() + static_cast<ptrdiff_t>(from), bytes.begin() + static_cast<ptrdiff_t>(to),
              image.begin() + static_cast<ptrdiff_t>(page_floor(segment.p_vaddr)));
    const uint64_t zero_from = segment.p_vaddr + segment.p_filesz;
    if (segment.p_memsz > segment.p_filesz)
      std::fill_n(image.begin() + static_cast<ptrdiff_t>(zero_from), page_ceil(zero_from) - zero_from, uint8_t{0});
  }
  return image;
}

// find_slot: sets slot_offset and slot_address from the one place in writable segments that holds the magic.
void find_slot(ElfFile& file, const std::vector<Elf64_Phdr>& segments) {
  std::optional<uint64_t> found;
  for (const Elf64_Phdr& segment : segments) {
    if ((segment.p_flags & PF_W) == 0) continue;
    constexpr uint64_t kAlign = alignof(DigestSlot);
    const uint64_t end = segment.p_vaddr + segment.p_filesz;
    for (uint64_t at = (segment.p_vaddr + kAlign - 1) / kAlign * kAlign; at + sizeof(DigestSlot) <= end; at += kAlign) {
      if (std::memcmp(file.image.data() + at, kDigestSlotMagic, kDigestSlotMagicSize) != 0) continue;
      if (found) throw Refusal("two digest slots, at " + hex(*found) + " and " + hex(at));
      found = at;
      file.slot_address = at;
      file.slot_offset = segment.p_offset + (at - segment.p_vaddr);
    }
  }
  if (!found) throw Refusal("no digest slot: crypto/module/integrity_slot.cpp is not linked into this file");
}

// write_all: bytes and mode to a new file; removes it again when it cannot be completed.
void write_all(const std::filesystem::path& path, const std::vector<uint8_t>& bytes, mode_t mode) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0) throw Refusal(system_error("cannot create", path));
  size_t done = 0;
  bool good = fchmod(fd, mode) == 0;
  while (good && done < bytes.size()) {
    const ssize_t n = write(fd, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    good = n > 0;
    if (good) done += static_cast<size_t>(n);
  }
  const std::string problem = good ? "" : system_error("cannot write", path);
  if (close(fd) == 0 && good) return;
  unlink(path.c_str());
  throw Refusal(good ? system_error("cannot write", path) : problem);
}

struct FindingRow {
  ImageFinding finding;
  const char* text;
};
constexpr FindingRow kFindings[] = {
    {ImageFinding::kNone, "no finding"},
    {ImageFinding::kNotElf, "not an x86-64 ELF shared object with its program headers behind the ELF header"},
    {ImageFinding::kSegments,
     "a segment overlaps, is too large, is writable code, or is read-only with a zero-filled part"},
    {ImageFinding::kHeaderNotCovered, "the ELF header is not in a read-only segment"},
    {ImageFinding::kNoDynamic, "the dynamic section is missing or not inside PT_GNU_RELRO"},
    {ImageFinding::kNoRelro, "PT_GNU_RELRO is missing or does not end at a page border (link with -z relro)"},
    {ImageFinding::kExecutableStack, "the stack would be executable (link with -z noexecstack)"},
    {ImageFinding::kCodeNotAligned, "code shares a page with other bytes (link with -z separate-code)"},
    {ImageFinding::kCodeSlack, "the rest of the last page of code is not zero (link with -z separate-code)"},
    {ImageFinding::kTextRelocation, "a relocation reaches a read-only segment"},
    {ImageFinding::kLazyBinding, "symbols would be bound lazily (link with -z now)"},
    {ImageFinding::kRelocationFormat, "relocations are not plain RELA tables in a read-only segment"},
    {ImageFinding::kRelocationType, "a relocation of a type that is not allowed (an ifunc?)"},
    {ImageFinding::kRelocationPlace, "a relocated pointer in writable data"},
    {ImageFinding::kOwnSymbol,
     "the module binds a symbol of its own through the dynamic linker (missing in boundary.map?)"},
    {ImageFinding::kRelocationValue, "a relocated slot does not hold load address plus addend"},
    {ImageFinding::kWritableData, "initialised writable data: make it constant, or zero until first use"},
    {ImageFinding::kSlot, "the digest slot is not in PT_GNU_RELRO or is damaged"},
};

}  // namespace

ElfFile read_elf(const std::filesystem::path& path) {
  ElfFile file{};
  file.bytes = read_bytes(path);
  const std::vector<Elf64_Phdr> segments = load_segments(file.bytes);
  file.image = lay_out(file.bytes, segments);
  find_slot(file, segments);
  return file;
}

Measurement measure(ElfFile& file, uint32_t slot_flags) {
  std::memcpy(file.image.data() + file.slot_address + offsetof(DigestSlot, flags), &slot_flags, sizeof slot_flags);
  Measurement measured{};
  const Image image = {file.image.data(), 0, file.slot_address, false};
  const ImageFinding finding = measure_image(image, Lane::kPortable, measured);
  if (finding == ImageFinding::kNone) return measured;
  throw Refusal(finding_text(finding) + (measured.offender != 0 ? ", at address " + hex(measured.offender) : ""));
}

DigestSlot injected_slot(const ElfFile& file) { return read_at<DigestSlot>(file.bytes, file.slot_offset); }

void write_slot(const ElfFile& file, const std::filesystem::path& path, uint32_t slot_flags, const uint8_t* digest) {
  struct stat info{};
  if (stat(path.c_str(), &info) != 0) throw Refusal(system_error("cannot stat", path));
  DigestSlot slot = injected_slot(file);
  slot.flags = slot_flags;
  std::memcpy(slot.digest, digest, sizeof slot.digest);
  std::vector<uint8_t> bytes = file.bytes;
  std::memcpy(bytes.data() + file.slot_offset, &slot, sizeof slot);

  const std::filesystem::path temporary = path.string() + ".inject-" + std::to_string(getpid());
  write_all(temporary, bytes, info.st_mode & 07777);
  if (rename(temporary.c_str(), path.c_str()) == 0) return;
  const std::string problem = system_error("cannot replace", path);
  unlink(temporary.c_str());
  throw Refusal(problem);
}

std::string finding_text(ImageFinding finding) {
  for (const FindingRow& row : kFindings)
    if (row.finding == finding) return row.text;
  return "unknown finding";
}

}  // namespace cm::inject_digest
