// SPDX-License-Identifier: Apache-2.0
// imb_load.cpp: see imb_load.h. It must use the file's name once, for opening it: everything after that goes through
// descriptors.
#include "crypto/imb/imb_load.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "crypto/base/ct.h"
#include "crypto/base/secret.h"

namespace cm {
namespace {

constexpr char kFileName[] = "libcryptomod-imb.so.1";
constexpr uint64_t kPage = 4096;
constexpr uint64_t kSizeMax = uint64_t{64} << 20;  // of the file, and of its image
constexpr size_t kProgramHeadersMax = 32;

uint64_t page_floor(uint64_t v) { return v / kPage * kPage; }
uint64_t page_ceil(uint64_t v) { return page_floor(v + kPage - 1); }

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }

 private:
  int fd_;
};

class Mapping {
 public:
  Mapping(size_t size, int protection, int flags, int fd) : size_(size) {
    void* const p = mmap(nullptr, size, protection, flags, fd, 0);
    if (p != MAP_FAILED) bytes_ = static_cast<uint8_t*>(p);
  }
  ~Mapping() {
    if (bytes_ != nullptr) munmap(bytes_, size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  uint8_t* bytes() const { return bytes_; }

 private:
  size_t size_;
  uint8_t* bytes_ = nullptr;
};

// open_beside: the file of that name in the directory where this module was loaded from. A link is not followed, and
// what is no file is not waited for.
int open_beside() {
  Dl_info here{};
  if (dladdr(reinterpret_cast<const void*>(&imb_open), &here) == 0 || here.dli_fname == nullptr) return -1;
  const char* const slash = std::strrchr(here.dli_fname, '/');
  if (slash == nullptr) return -1;
  char path[4096];
  const size_t directory = static_cast<size_t>(slash - here.dli_fname) + 1;
  if (directory + sizeof kFileName > sizeof path) return -1;
  std::memcpy(path, here.dli_fname, directory);
  std::memcpy(path + directory, kFileName, sizeof kFileName);
  return open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
}

bool read_all(int fd, uint8_t* out, size_t size) {
  for (size_t done = 0; done != size;) {
    const ssize_t n = read(fd, out + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<size_t>(n);
  }
  return true;
}

// sealed_copy: the file's bytes in memory with a descriptor, sealed: not even this process can write it any more. -1
// when that cannot be had.
int sealed_copy(int file, size_t size) {
  const int memory = memfd_create(kFileName, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (memory < 0) return -1;
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  bool good = ftruncate(memory, static_cast<off_t>(size)) == 0;
  if (good) {
    const Mapping copy(size, PROT_READ | PROT_WRITE, MAP_SHARED, memory);
    good = copy.bytes() != nullptr && read_all(file, copy.bytes(), size);
  }
  if (good && fcntl(memory, F_ADD_SEALS, kSeals) == 0) return memory;
  close(memory);
  return -1;
}

struct Segments {
  Elf64_Phdr load[kProgramHeadersMax];
  size_t count;
  uint64_t span;  // bytes of address space
};

// read_segments: what the dynamic linker would map; false where that does not fit the file. More of the format is
// checked by measure_image.
bool read_segments(const uint8_t* file, size_t size, Segments& out) {
  Elf64_Ehdr header;
  if (size < sizeof header) return false;
  std::memcpy(&header, file, sizeof header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_phoff != sizeof header ||
      header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > kProgramHeadersMax ||
      size - sizeof header < header.e_phnum * sizeof(Elf64_Phdr))
    return false;
  out.count = 0;
  out.span = kPage;
  for (size_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr p;
    std::memcpy(&p, file + sizeof header + i * sizeof p, sizeof p);
    if (p.p_type != PT_LOAD) continue;
    if (p.p_vaddr >= kSizeMax || p.p_memsz >= kSizeMax || p.p_filesz > p.p_memsz || p.p_offset > size ||
        p.p_filesz > size - p.p_offset || (p.p_vaddr - p.p_offset) % kPage != 0 ||
        (out.count != 0 && p.p_vaddr < out.span))
      return false;
    out.span = page_ceil(p.p_vaddr + p.p_memsz);
    out.load[out.count++] = p;
  }
  return out.count != 0;
}

// lay_out: the image as the dynamic linker would make it; zeros where it has nothing from the file.
bool lay_out(const Segments& segments, int memory, uint8_t* image) {
  for (size_t i = 0; i < segments.count; ++i) {
    const Elf64_Phdr& p = segments.load[i];
    if (p.p_filesz == 0) continue;
    const uint64_t begin = page_floor(p.p_vaddr), end = p.p_vaddr + p.p_filesz;
    void* const at = mmap(image + begin, page_ceil(end) - begin, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED,
                          memory, static_cast<off_t>(page_floor(p.p_offset)));
    if (at == MAP_FAILED) return false;
    if (p.p_memsz > p.p_filesz) std::memset(image + end, 0, page_ceil(end) - end);
  }
  return true;
}

// find_slot: the virtual address of the digest slot, 0 where there is none.
uint64_t find_slot(const Segments& segments, const uint8_t* image) {
  for (size_t i = 0; i < segments.count; ++i) {
    const Elf64_Phdr& p = segments.load[i];
    if ((p.p_flags & PF_W) == 0) continue;
    constexpr uint64_t kAlign = alignof(DigestSlot);
    const uint64_t end = p.p_vaddr + p.p_filesz;
    for (uint64_t at = (p.p_vaddr + kAlign - 1) / kAlign * kAlign; at + sizeof(DigestSlot) <= end; at += kAlign)
      if (std::memcmp(image + at, kDigestSlotMagic, kDigestSlotMagicSize) == 0) return at;
  }
  return 0;
}

Status compare(const Image& image, Lane sha256_lane) {
  Measurement measured{};
  const ImageFinding finding = measure_image(image, sha256_lane, measured);
  const uint8_t* const expected = image.bytes + image.slot + offsetof(DigestSlot, digest);
  const bool equal = ct::declassify(ct::equal_bytes(measured.digest, expected, kIntegrityDigestSize));
  return finding == ImageFinding::kNone && equal ? Status::kOk : Status::kIntegrity;
}

Status check_file(int memory, size_t size, Lane sha256_lane) {
  Segments segments;
  {
    const Mapping file(size, PROT_READ, MAP_PRIVATE, memory);
    if (file.bytes() == nullptr) return Status::kUnsupported;
    if (!read_segments(file.bytes(), size, segments)) return Status::kIntegrity;
  }
  const Mapping image(segments.span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  if (image.bytes() == nullptr || !lay_out(segments, memory, image.bytes())) return Status::kUnsupported;
  const uint64_t slot = find_slot(segments, image.bytes());
  if (slot == 0) return Status::kIntegrity;
  return compare({image.bytes(), 0, slot, false}, sha256_lane);
}

void* open_descriptor(int fd) {
  char path[32] = "/proc/self/fd/";
  char digits[12];
  size_t count = 0, at = std::strlen(path);
  for (int n = fd; n != 0 || count == 0; n /= 10) digits[count++] = static_cast<char>('0' + n % 10);
  while (count != 0) path[at++] = digits[--count];
  return dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
}

}  // namespace

Status imb_open(Lane sha256_lane, const ImbPart** out) {
  const Fd file(open_beside());
  struct stat info{};
  if (!file.open() || fstat(file.get(), &info) != 0) return Status::kUnsupported;
  if (!S_ISREG(info.st_mode) || info.st_size <= 0 || static_cast<uint64_t>(info.st_size) > kSizeMax)
    return Status::kIntegrity;
  const auto size = static_cast<size_t>(info.st_size);
  const Fd memory(sealed_copy(file.get(), size));
  if (!memory.open()) return Status::kUnsupported;
  if (const Status s = check_file(memory.get(), size, sha256_lane); !succeeded(s)) return s;

  void* const handle = open_descriptor(memory.get());
  if (handle == nullptr) return Status::kUnsupported;
  void* const symbol = dlsym(handle, "cm_imb_part");
  if (symbol == nullptr) return Status::kIntegrity;
  const ImbPart* const part = reinterpret_cast<decltype(&cm_imb_part)>(symbol)();
  if (part->version != kImbPartVersion || part->key_size != sizeof(CmacKey)) return Status::kUnsupported;
  *out = part;
  return Status::kOk;
}

Status imb_measure(Lane sha256_lane, const ImbPart& part) {
  Dl_info there{};
  const auto slot = reinterpret_cast<uintptr_t>(part.slot);
  if (dladdr(const_cast<const DigestSlot*>(part.slot), &there) == 0) return Status::kIntegrity;
  const auto base = reinterpret_cast<uintptr_t>(there.dli_fbase);
  return compare({reinterpret_cast<const uint8_t*>(base), base, slot - base, true}, sha256_lane);
}

}  // namespace cm
