// SPDX-License-Identifier: Apache-2.0
// key_file.h: a file that holds one AES-256-GCM key, always wrapped by AES-KWP (SP 800-38F) under a key from
// PBKDF2-HMAC-SHA-256 (SP 800-132), never bare. The password is the user's passphrase or, when the user asked for no
// protection, a random secret in the same file, which says so in clear words. docs/sealed-file-format.md, "Key files".
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cryptomod/cryptomod.hpp"
#include "tools/cryptomod/files.h"
#include "tools/cryptomod/passphrase.h"

namespace cm::tool {

inline constexpr uint32_t kPassphraseIterations = 600'000;
// kSecretIterations: the fewest that are approved; a secret of 256 random bits needs no stretching.
inline constexpr uint32_t kSecretIterations = 1000;
inline constexpr uint32_t kIterationsMax = 100'000'000;  // bounds the time a forged file can cost

enum class Protection : uint8_t { kPassphrase, kNone };

struct KeyFile {
  static constexpr size_t kSaltSize = 32;
  static constexpr size_t kSecretSize = 32;
  static constexpr size_t kWrappedSize = 40;  // 32 bytes of key by AES-KWP

  Protection protection = Protection::kPassphrase;
  std::array<uint8_t, kSaltSize> salt{};
  uint32_t iterations = 0;
  std::array<uint8_t, kSecretSize> secret{};  // kNone only
  std::array<uint8_t, kWrappedSize> wrapped{};
};

// read_key_file: kExitNotAuthentic when it is not a key file of this version. about: what the file is, for open_output.
KeyFile read_key_file(const std::string& path, struct stat& about);
// to_text: the file's contents.
std::string to_text(const KeyFile& file);

// new_key: a fresh key in the form of a key file; no passphrase means Protection::kNone.
KeyFile new_key(const cryptomod::Session& session, const std::optional<Passphrase>& passphrase);
// unlock: the key; kExitNotAuthentic for a wrong passphrase. name: of the file, for messages. The passphrase is needed
// when the protection is kPassphrase.
cryptomod::Key unlock(const cryptomod::Session& session, const KeyFile& file,
                      const std::optional<Passphrase>& passphrase, const std::string& name);

}  // namespace cm::tool
