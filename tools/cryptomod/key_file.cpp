// SPDX-License-Identifier: Apache-2.0
// key_file.cpp: see key_file.h. The file is JSON; unknown or missing fields and values out of range are refused, since
// a program that skips what it does not understand cannot know what it was told.
#include "tools/cryptomod/key_file.h"

#include <nlohmann/json.hpp>
#include <span>
#include <string_view>

#include "tools/cryptomod/failure.h"
#include "tools/cryptomod/hex.h"

namespace cm::tool {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kFileSizeMax = 16384;
constexpr uint32_t kVersion = 1;
constexpr char kFormat[] = "cryptomod-key";
constexpr char kAlgorithm[] = "AES-256-GCM";
constexpr char kKdf[] = "PBKDF2-HMAC-SHA-256";
constexpr char kWrap[] = "AES-256-KWP";
constexpr char kPassphraseWord[] = "passphrase";
constexpr char kNoneWord[] = "none";
constexpr char kWarning[] = "NOT PROTECTED: whoever can read this file has the key";

[[noreturn]] void not_a_key_file(const std::string& name, std::string_view why) {
  fail(kExitNotAuthentic, "'{}' is not a key file of this tool, or it is damaged: {}", name, why);
}

// Fields: the JSON object, from which every field is taken exactly once.
class Fields {
 public:
  Fields(Json object, const std::string& name) : object_(std::move(object)), name_(name) {
    if (!object_.is_object()) not_a_key_file(name_, "it is not a JSON object");
  }
  std::string text(const char* field) {
    const Json value = take(field);
    if (!value.is_string()) not_a_key_file(name_, fmt::format("\"{}\" is not a string", field));
    return value.get<std::string>();
  }
  uint32_t number(const char* field, uint32_t min, uint32_t max) {
    const Json value = take(field);
    if (!value.is_number_unsigned() || value.get<uint64_t>() < min || value.get<uint64_t>() > max)
      not_a_key_file(name_, fmt::format("\"{}\" is not a number from {} to {}", field, min, max));
    return value.get<uint32_t>();
  }
  void constant(const char* field, std::string_view expected) {
    if (text(field) != expected) not_a_key_file(name_, fmt::format("\"{}\" is not \"{}\"", field, expected));
  }
  void bytes(const char* field, std::span<uint8_t> out) {
    if (!from_hex(text(field), out))
      not_a_key_file(name_, fmt::format("\"{}\" is not {} bytes in hexadecimal", field, out.size()));
  }
  void end() const {
    if (!object_.empty()) not_a_key_file(name_, fmt::format("\"{}\" is unknown", object_.begin().key()));
  }

 private:
  Json take(const char* field) {
    const auto found = object_.find(field);
    if (found == object_.end()) not_a_key_file(name_, fmt::format("\"{}\" is missing", field));
    Json value = *found;
    object_.erase(field);
    return value;
  }

  Json object_;
  const std::string& name_;
};

Protection protection_of(Fields& fields, const std::string& name) {
  const std::string word = fields.text("protection");
  if (word == kPassphraseWord) return Protection::kPassphrase;
  if (word == kNoneWord) return Protection::kNone;
  not_a_key_file(name, "\"protection\" is neither \"passphrase\" nor \"none\"");
}

KeyFile parse(std::string_view text, const std::string& name) {
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) not_a_key_file(name, "it is not JSON");
  Fields fields(std::move(json), name);
  KeyFile file;
  fields.constant("format", kFormat);
  if (const uint32_t version = fields.number("version", 1, UINT32_MAX); version != kVersion)
    fail(kExitNotAuthentic, "the key file '{}' was made by a newer version of this tool (format version {})", name,
         version);
  fields.constant("algorithm", kAlgorithm);
  file.protection = protection_of(fields, name);
  fields.constant("kdf", kKdf);
  fields.bytes("salt", file.salt);
  file.iterations = fields.number("iterations", 1000, kIterationsMax);
  if (file.protection == Protection::kNone) {
    fields.text("warning");
    fields.bytes("secret", file.secret);
  }
  fields.constant("wrap", kWrap);
  fields.bytes("wrapped_key", file.wrapped);
  fields.end();
  return file;
}

std::span<const uint8_t> password_of(const KeyFile& file, const std::optional<Passphrase>& passphrase) {
  if (file.protection == Protection::kNone) return file.secret;
  if (!passphrase) fail(kExitFailed, "the key file needs a passphrase");
  return passphrase->bytes();
}

cryptomod::Key wrapping_key(const cryptomod::Session& session, const KeyFile& file,
                            const std::optional<Passphrase>& passphrase) {
  const auto password = password_of(file, passphrase);
  const auto params = cryptomod::aes_kwp_key(256);
  cm_key key{0};
  const cm_rc rc = cm_key_derive_pbkdf2(session.handle(), &key, &params, password.data(), password.size(),
                                        file.salt.data(), file.salt.size(), file.iterations);
  require(rc, "cannot derive a key from the passphrase");
  return cryptomod::Key(session.handle(), key, cryptomod::Approval(rc));
}

}  // namespace

KeyFile read_key_file(const std::string& path, struct stat& about) {
  Input input(open_private_file(path, "key file"), path);
  about = input.about();
  std::string text(kFileSizeMax + 1, '\0');
  text.resize(input.read(std::span(reinterpret_cast<uint8_t*>(text.data()), text.size())));
  if (text.size() > kFileSizeMax) not_a_key_file(path, "it is too large");
  return parse(text, path);
}

std::string to_text(const KeyFile& file) {
  const bool bare = file.protection == Protection::kNone;
  Json json = {{"format", kFormat},
               {"version", kVersion},
               {"algorithm", kAlgorithm},
               {"protection", bare ? kNoneWord : kPassphraseWord}};
  if (bare) json["warning"] = kWarning;
  json["kdf"] = kKdf;
  json["salt"] = to_hex(file.salt);
  json["iterations"] = file.iterations;
  if (bare) json["secret"] = to_hex(file.secret);
  json["wrap"] = kWrap;
  json["wrapped_key"] = to_hex(file.wrapped);
  return json.dump(2) + "\n";
}

KeyFile new_key(const cryptomod::Session& session, const std::optional<Passphrase>& passphrase) {
  KeyFile file;
  file.protection = passphrase ? Protection::kPassphrase : Protection::kNone;
  file.iterations = passphrase ? kPassphraseIterations : kSecretIterations;
  require(cm_random_bytes(session.handle(), file.salt.data(), file.salt.size()), "cannot draw a salt");
  if (!passphrase)
    require(cm_random_bytes(session.handle(), file.secret.data(), file.secret.size()), "cannot draw a secret");

  auto params = cryptomod::aes_gcm_key(256);
  params.flags = CM_KEY_EXPORTABLE;
  cm_key handle{0};
  const cm_rc rc = cm_key_generate(session.handle(), &handle, &params);
  require(rc, "cannot generate a key");
  const cryptomod::Key key(session.handle(), handle, cryptomod::Approval(rc));
  const cryptomod::Key wrapping = wrapping_key(session, file, passphrase);
  size_t size = 0;
  require(cm_key_export_wrapped(session.handle(), key.handle(), wrapping.handle(), file.wrapped.data(),
                                file.wrapped.size(), &size),
          "cannot wrap the key");
  if (size != file.wrapped.size()) fail(kExitFailed, "the module wrapped a key of another length than was asked for");
  return file;
}

cryptomod::Key unlock(const cryptomod::Session& session, const KeyFile& file,
                      const std::optional<Passphrase>& passphrase, const std::string& name) {
  const cryptomod::Key wrapping = wrapping_key(session, file, passphrase);
  const auto params = cryptomod::aes_gcm_key(256);
  cm_key key{0};
  const cm_rc rc = cm_key_import_wrapped(session.handle(), &key, &params, wrapping.handle(), file.wrapped.data(),
                                         file.wrapped.size());
  if (rc == CM_ERR_AUTH)
    fail(kExitNotAuthentic, "{} '{}' is damaged",
         file.protection == Protection::kNone ? "the key file" : "wrong passphrase, or the key file", name);
  require(rc, "cannot unwrap the key");
  return cryptomod::Key(session.handle(), key, cryptomod::Approval(rc));
}

}  // namespace cm::tool
