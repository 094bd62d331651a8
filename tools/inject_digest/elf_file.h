// SPDX-License-Identifier: Apache-2.0
// elf_file.h: a shared object on disk and the image that the dynamic linker would map from it. It trusts nothing in the
// file: every offset is checked against the file's size first.
#pragma once
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "crypto/module/integrity_image.h"

namespace cm::inject_digest {

// Refusal: the file cannot be read, written or accepted; what() is a sentence for the user.
class Refusal : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct ElfFile {
  std::vector<uint8_t> bytes;  // the file
  std::vector<uint8_t> image;  // index = virtual address
  uint64_t slot_address;       // of the one DigestSlot
  uint64_t slot_offset;        // the same in `bytes`
};

// read_elf: throws Refusal.
ElfFile read_elf(const std::filesystem::path& path);

// measure: the digest of the file with these slot flags. Throws Refusal where the module must not be linked like that.
Measurement measure(ElfFile& file, uint32_t slot_flags);

// injected_slot: what the file holds now.
DigestSlot injected_slot(const ElfFile& file);

// write_slot: puts flags and digest into the file, by a new file beside it and a rename. Throws Refusal.
void write_slot(const ElfFile& file, const std::filesystem::path& path, uint32_t slot_flags, const uint8_t* digest);

// finding_text: a sentence for a finding, without the address.
std::string finding_text(ImageFinding finding);

}  // namespace cm::inject_digest
