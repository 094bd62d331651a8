// SPDX-License-Identifier: Apache-2.0
// consumer.cpp: a C++20 program against the installed header and library. Without arguments it needs no audit writer;
// with LOG_DIRECTORY it takes every call of the wrapper once around.
#include <algorithm>
#include <cryptomod/cryptomod.hpp>
#include <cstdio>
#include <exception>
#include <string>
#include <type_traits>

namespace {

using namespace cryptomod;

static_assert(std::is_move_constructible_v<Key> && !std::is_copy_constructible_v<Key>);
static_assert(std::is_move_assignable_v<Session> && !std::is_copy_assignable_v<Session>);
static_assert(std::is_move_constructible_v<Hash> && !std::is_copy_constructible_v<Hash>);
static_assert(std::is_move_constructible_v<Mac> && !std::is_copy_constructible_v<Mac>);
static_assert(std::is_move_constructible_v<Module> && !std::is_copy_constructible_v<Module>);

void require(bool condition, const char* what) {
  if (!condition) throw std::logic_error(what);
}

// refused: the code that the call throws, CM_OK when it throws nothing.
template <class Call>
cm_rc refused(Call call) {
  try {
    call();
  } catch (const Error& e) {
    return e.code();
  }
  return CM_OK;
}

void seal_and_open(const Session& session) {
  const Key key = session.generate_key(counter_iv(aes_gcm_key(), {'n', 'o', 'd', 'e'}));
  require(key.approval().approved() && key.info().bits == 256, "generated key");
  const std::array<std::uint8_t, 5> text = {'h', 'e', 'l', 'l', 'o'};
  std::array<std::uint8_t, 5> sealed{}, opened{};
  std::array<std::uint8_t, CM_AEAD_IV_SIZE> iv{};
  std::array<std::uint8_t, CM_AEAD_TAG_SIZE_MAX> tag{};
  require(session.seal(key, sealed, iv, tag, {}, text).approved(), "seal");
  require(session.open(key, opened, iv, tag, {}, sealed).approved() && opened == text, "open");
  tag[0] ^= 1;
  require(refused([&] { session.open(key, opened, iv, tag, {}, sealed); }) == CM_ERR_AUTH, "wrong tag");
  require(refused([&] { session.seal_with_iv(key, sealed, iv, tag, {}, text); }) == CM_ERR_USAGE, "caller's IV");
}

void wrap_and_unwrap(const Session& session) {
  const Key wrapping = session.generate_key(aes_kwp_key());
  auto params = hmac_key();
  params.flags = CM_KEY_EXPORTABLE;
  const Key key = session.generate_key(params);
  const auto wrapped = session.export_wrapped_key(key, wrapping);
  const Key again = session.import_wrapped_key(params, wrapping, wrapped);
  const std::array<std::uint8_t, 3> text = {1, 2, 3};
  Sha256Digest mac{};
  session.mac(key, mac, text);
  session.verify_mac(again, mac, text);
  Mac stream(session, again);
  stream.update(ByteView(text).first(1));
  stream.update(ByteView(text).subspan(1));
  Sha256Digest streamed{};
  require(stream.finish(streamed).approved() && streamed == mac, "streamed MAC");
  mac[31] ^= 1;
  require(refused([&] { session.verify_mac(again, mac, text); }) == CM_ERR_AUTH, "wrong MAC");
}

Sha256Digest derived_mac(const Session& session, const Key& key) {
  Sha256Digest mac{};
  session.mac(key, mac, {});
  return mac;
}

void hash_derive_and_draw(const Session& session) {
  const std::array<std::uint8_t, 3> abc = {'a', 'b', 'c'};
  Hash hash(session);
  hash.update(abc);
  Hash moved = std::move(hash);
  require(moved.finish() == session.sha256(abc) && session.sha256(abc)[0] == 0xba, "SHA-256");
  const Key weak = session.derive_key_pbkdf2(aes_kwp_key(), abc, abc, 1000);
  require(weak.approval().reason() == CM_NOT_APPROVED_PBKDF2_INPUT, "short password");
  const Key secret = session.generate_key(key_params(CM_ALG_SECRET, 256));
  const cm_kdf_params hkdf = kdf_params(CM_KDF_HKDF, CM_HASH_SHA256, secret.handle());
  std::vector<cm_kdf_job> jobs = {{hkdf, hmac_key(), {}, 0}};
  require(session.kdf_batch(jobs).approved(), "derived in a batch");
  require(derived_mac(session, session.derive_key(hmac_key(), hkdf)) == derived_mac(session, session.key_of(jobs[0])),
          "derived alone");
  Sha256Digest raw{};
  require(refused([&] { session.derive_raw(raw, hkdf); }) == CM_ERR_ROLE, "bytes are for the officer");
  Key imported = session.import_key(hmac_key(24), abc);
  imported.close();
  Session other;
  Key kept = other.import_key(hmac_key(), std::array<std::uint8_t, 32>{1});
  other.close();
  require(refused([&] { kept.close(); }) == CM_ERR_HANDLE && kept.handle().v != 0, "a refused close keeps the handle");
  Sha256Digest random{};
  session.random(random);
  require(std::any_of(random.begin(), random.end(), [](std::uint8_t b) { return b != 0; }), "random bytes");
  session.sync(true, 5000);
  require(!session.selftest().empty(), "self-tests");
}

void use_services(const char* log_directory) {
  Module module(Module::private_writer(log_directory));
  {
    Session session;
    seal_and_open(session);
    wrap_and_unwrap(session);
    hash_derive_and_draw(session);
    session.close();
  }
  module.close();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    require(std::string(version().version) == CM_VERSION_STRING, "version");
    require(status().state == CM_STATE_READY, "state");
    require(refused([] { Session session; }) == CM_ERR_STATE, "no session before cm_init");
    if (argc == 2) use_services(argv[1]);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "consumer: %s\n", e.what());
    return 1;
  }
  return 0;
}
