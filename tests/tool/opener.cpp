// SPDX-License-Identifier: Apache-2.0
// opener.cpp: see opener.h. Numbers stand here as the document has them, not as constants of the tool.
#include "tests/tool/opener.h"

#include <openssl/evp.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <span>

namespace cm::tool_tests {
namespace {

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;
using View = std::span<const uint8_t>;

int as_int(size_t size) { return static_cast<int>(size); }

Bytes from_hex(const std::string& text) {
  Bytes bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(std::stoi(text.substr(i, 2), nullptr, 16)));
  return bytes;
}

std::optional<Bytes> gcm_open(const Bytes& key, View iv, View aad, View ciphertext, View tag) {
  const Context context(EVP_CIPHER_CTX_new());
  Bytes out(ciphertext.size());
  Bytes tag_copy(tag.begin(), tag.end());
  int size = 0;
  if (EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), iv.data()) != 1) return std::nullopt;
  if (EVP_DecryptUpdate(context.get(), nullptr, &size, aad.data(), as_int(aad.size())) != 1) return std::nullopt;
  if (!out.empty() &&
      EVP_DecryptUpdate(context.get(), out.data(), &size, ciphertext.data(), as_int(ciphertext.size())) != 1)
    return std::nullopt;
  EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, as_int(tag_copy.size()), tag_copy.data());
  uint8_t nothing = 0;
  if (EVP_DecryptFinal_ex(context.get(), &nothing, &size) != 1) return std::nullopt;
  return out;
}

}  // namespace

std::optional<Bytes> key_of(const std::string& key_file_text, const std::string& passphrase) {
  const auto json = nlohmann::json::parse(key_file_text);
  const Bytes salt = from_hex(json.at("salt").get<std::string>());
  const Bytes wrapped = from_hex(json.at("wrapped_key").get<std::string>());
  Bytes password(passphrase.begin(), passphrase.end());
  if (json.at("protection") == "none") password = from_hex(json.at("secret").get<std::string>());
  Bytes wrapping(32);
  PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(password.data()), as_int(password.size()), salt.data(),
                    as_int(salt.size()), json.at("iterations").get<int>(), EVP_sha256(), as_int(wrapping.size()),
                    wrapping.data());
  const Context context(EVP_CIPHER_CTX_new());
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  Bytes key(wrapped.size());
  int size = 0;
  if (EVP_DecryptInit_ex(context.get(), EVP_aes_256_wrap_pad(), nullptr, wrapping.data(), nullptr) != 1 ||
      EVP_DecryptUpdate(context.get(), key.data(), &size, wrapped.data(), as_int(wrapped.size())) != 1)
    return std::nullopt;
  key.resize(static_cast<size_t>(size));
  return key;
}

std::optional<Bytes> content_of(const Bytes& sealed, const Bytes& key) {
  const View file(sealed);
  if (file.size() < 96 + 28 || std::string(file.begin(), file.begin() + 8) != "CMSEALED") return std::nullopt;
  const Bytes fixed = {1, 0, 1, 0, 0, 0, 16, 0};  // version 1, algorithm 1, chunks of 0x100000 bytes
  if (!std::equal(fixed.begin(), fixed.end(), file.begin() + 8)) return std::nullopt;
  const View header = file.first(96);
  if (!gcm_open(key, header.subspan(64, 12), header.first(64), {}, header.subspan(76, 16))) return std::nullopt;

  Bytes content;
  View rest = file.subspan(96);
  for (uint64_t number = 0; !rest.empty(); ++number) {
    const View chunk = rest.first(std::min<size_t>(rest.size(), (1u << 20) + 28));
    rest = rest.subspan(chunk.size());
    if (chunk.size() < 28) return std::nullopt;
    Bytes aad(header.begin(), header.end());
    for (unsigned i = 0; i < 8; ++i) aad.push_back(static_cast<uint8_t>(number >> (8 * i)));
    aad.push_back(rest.empty() ? 1 : 0);
    const auto part = gcm_open(key, chunk.first(12), aad, chunk.subspan(12, chunk.size() - 28), chunk.last(16));
    if (!part) return std::nullopt;
    content.insert(content.end(), part->begin(), part->end());
  }
  return content;
}

}  // namespace cm::tool_tests
