// SPDX-License-Identifier: Apache-2.0
// image_test.cpp: the module as the dynamic linker loaded it has the injected digest on every lane of SHA-256, and a
// changed byte in any page that is covered, or two pages that change places, give another one on each.
#include <dlfcn.h>
#include <elf.h>
#include <gtest/gtest.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "crypto/module/integrity_image.h"
#include "tests/support/lanes.h"

namespace cm {
namespace {

constexpr uint64_t kPage = 4096;

using Digest = std::array<uint8_t, kIntegrityDigestSize>;
struct Range {
  uint64_t begin, end;
};

// LoadedModule: a copy of the module's memory, page for page.
class LoadedModule {
 public:
  LoadedModule() {
    if (dlopen(CM_LIBRARY_PATH, RTLD_NOW | RTLD_LOCAL) == nullptr) throw std::runtime_error(dlerror());
    dl_iterate_phdr(
        [](dl_phdr_info* info, size_t, void* self) {
          if (std::string(info->dlpi_name) != CM_LIBRARY_PATH) return 0;
          static_cast<LoadedModule*>(self)->copy(*info);
          return 1;
        },
        this);
    if (bytes.empty()) throw std::runtime_error("the module is not loaded");
    find_slot();
  }

  // measure: none where the image is refused.
  std::optional<Digest> measure(Lane lane) const {
    Measurement out{};
    const Image image = {bytes.data(), load_address, slot, true};
    if (measure_image(image, lane, out) != ImageFinding::kNone) return std::nullopt;
    Digest digest;
    std::copy_n(out.digest, digest.size(), digest.begin());
    return digest;
  }

  Digest injected() const {
    Digest digest;
    std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(slot + offsetof(DigestSlot, digest)), digest.size(),
                digest.begin());
    return digest;
  }

  std::vector<uint8_t> bytes;
  std::vector<Range> read_only;  // segments
  uint64_t load_address = 0, slot = 0;

 private:
  void copy(const dl_phdr_info& info) {
    load_address = info.dlpi_addr;
    for (const ElfW(Phdr)* p = info.dlpi_phdr; p != info.dlpi_phdr + info.dlpi_phnum; ++p) {
      if (p->p_type == PT_GNU_RELRO) relro_ = {p->p_vaddr, p->p_vaddr + p->p_memsz};
      if (p->p_type != PT_LOAD) continue;
      const uint64_t begin = p->p_vaddr / kPage * kPage;
      const uint64_t end = (p->p_vaddr + p->p_memsz + kPage - 1) / kPage * kPage;
      bytes.resize(std::max<size_t>(bytes.size(), end));
      std::memcpy(bytes.data() + begin, reinterpret_cast<const uint8_t*>(load_address + begin), end - begin);
      if ((p->p_flags & PF_W) == 0) read_only.push_back({p->p_vaddr, p->p_vaddr + p->p_filesz});
    }
  }

  void find_slot() {
    for (uint64_t at = relro_.begin / 64 * 64; at + sizeof(DigestSlot) <= relro_.end; at += alignof(DigestSlot))
      if (std::memcmp(bytes.data() + at, kDigestSlotMagic, kDigestSlotMagicSize) == 0) slot = at;
  }

  Range relro_{};
};

class ImageDigest : public testing::TestWithParam<Lane> {
 protected:
  LoadedModule loaded;
};

TEST_P(ImageDigest, is_the_injected_one_on_every_lane) { EXPECT_EQ(loaded.measure(GetParam()), loaded.injected()); }

TEST_P(ImageDigest, changes_with_a_byte_of_any_page) {
  size_t pages = 0, refused = 0;
  for (const Range& segment : loaded.read_only)
    for (uint64_t at = segment.begin; at < segment.end; at += kPage, ++pages) {
      // Behind the headers in the first page, and seldom in the relocations: those have to be well-formed, too.
      const uint64_t place = std::min(at + 0xc00 + pages % 512, segment.end - 1);
      loaded.bytes[place] ^= static_cast<uint8_t>(1u << pages % 8);
      const std::optional<Digest> changed = loaded.measure(GetParam());
      EXPECT_NE(changed, loaded.injected()) << std::hex << place;
      if (!changed) ++refused;
      loaded.bytes[place] ^= static_cast<uint8_t>(1u << pages % 8);
    }
  EXPECT_GT(pages, 100u);
  EXPECT_LE(refused, 2u);
}

TEST_P(ImageDigest, changes_when_pages_change_places) {
  for (const Range& segment : loaded.read_only)
    for (const uint64_t distance : {uint64_t{1}, uint64_t{2}, uint64_t{7}})
      // From the second page on: headers are in the first, and relocation tables are not in code.
      for (uint64_t at = segment.begin + kPage; at + (distance + 1) * kPage <= segment.end; at += 16 * kPage) {
        uint8_t* const one = loaded.bytes.data() + at;
        uint8_t* const other = one + distance * kPage;
        if (std::memcmp(one, other, kPage) == 0) continue;
        std::swap_ranges(one, one + kPage, other);
        EXPECT_NE(loaded.measure(GetParam()), loaded.injected()) << std::hex << at;
        std::swap_ranges(one, one + kPage, other);
      }
  EXPECT_EQ(loaded.measure(GetParam()), loaded.injected());
}

INSTANTIATE_TEST_SUITE_P(Lanes, ImageDigest, testing::ValuesIn(test::runnable_lanes(kSha256Kernels)),
                         test::LaneTestName());

}  // namespace
}  // namespace cm
