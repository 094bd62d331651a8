// SPDX-License-Identifier: Apache-2.0
// passphrase.h: a passphrase from the terminal (never echoed) or from a file that only its owner can read. It is never
// taken from the command line or the environment, where other processes could see it, and is wiped after use.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace cm::tool {

inline constexpr size_t kPassphraseCharactersMin = 14;  // fewer than 14 bytes and PBKDF2 is not approved
inline constexpr size_t kPassphraseSizeMax = 1024;

class Passphrase {
 public:
  Passphrase() = default;
  ~Passphrase();
  Passphrase(Passphrase&& other) noexcept;
  Passphrase(const Passphrase&) = delete;
  Passphrase& operator=(const Passphrase&) = delete;

  std::span<const uint8_t> bytes() const { return std::span(bytes_).first(size_); }
  // characters: of UTF-8 text.
  size_t characters() const;
  bool same(const Passphrase& other) const;
  // append: false when there is no room.
  bool append(uint8_t byte);
  void drop_carriage_return();

 private:
  std::array<uint8_t, kPassphraseSizeMax> bytes_{};
  size_t size_ = 0;
};

// passphrase_from_file: its first line, without the line end.
Passphrase passphrase_from_file(const std::string& path);
// ask_passphrase: one line from the terminal of this process.
Passphrase ask_passphrase(std::string_view prompt);
// ask_new_passphrase: asked for twice; passphrases that are too short or differ are refused.
Passphrase ask_new_passphrase();
// require_strong: refuses what is too short for a new key.
void require_strong(const Passphrase& passphrase);

}  // namespace cm::tool
