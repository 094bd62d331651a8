// SPDX-License-Identifier: Apache-2.0
// stack_residue_test.cpp: an algorithm leaves no key, key schedule, power of H, one-time key, keystream or plaintext on
// the stack it ran on (tests/support/stack_residue.h).
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "crypto/aes/aes_kernels.h"
#include "crypto/base/bytes.h"
#include "crypto/ccm/ccm.h"
#include "crypto/chacha/chacha20_poly1305.h"
#include "crypto/chacha/chacha_kernels.h"
#include "crypto/cipher/cipher.h"
#include "crypto/cmac/cmac.h"
#include "crypto/drbg/ctr_drbg.h"
#include "crypto/gcm/gcm.h"
#include "crypto/gcm/gcm_kernels.h"
#include "crypto/gcm_siv/gcm_siv.h"
#include "crypto/keywrap/kw.h"
#include "crypto/keywrap/kwp.h"
#include "crypto/multi/multi.h"
#include "crypto/sha1/sha1.h"
#include "crypto/sha1/sha1_kernels.h"
#include "crypto/sha2/sha256_kernels.h"
#include "crypto/sha2/sha512.h"
#include "crypto/sha2/sha512_constants.h"
#include "crypto/sha2/sha512_kernels.h"
#include "crypto/xts/xts.h"
#include "tests/support/gcm_siv_oracle.h"
#include "tests/support/lanes.h"
#include "tests/support/stack_residue.h"

namespace cm::test {
namespace {

constexpr size_t kTextSize = 1000;

class StackResidue : public ::testing::Test {
 protected:
  const Bytes raw_ = noise(32, 1);
  const Bytes text_ = noise(kTextSize, 2);
  const Bytes iv_ = noise(12, 3);
};

TEST_F(StackResidue, a_search_finds_what_is_left) {
  const Bytes stack = used_stack([this] {
    volatile uint8_t left[8192] = {};  // low in its frame: the end of the thread uses the top of the stack again
    for (size_t i = 0; i < raw_.size(); ++i) left[i] = raw_[i];
    EXPECT_EQ(left[0], raw_[0]);
  });
  EXPECT_NE(std::search(stack.begin(), stack.end(), raw_.begin(), raw_.end()), stack.end());
}

TEST_F(StackResidue, aes) {
  for (const Lane lane : runnable_lanes(kAesKernels)) {
    const std::string name = lane_name(lane);
    const auto key = std::make_unique<AesKey>();
    const auto other = std::make_unique<AesKey>();
    ASSERT_EQ(aes_key_init(*key, lane, raw_.data(), raw_.size()), Status::kOk);
    const Secrets secrets = schedule_of(*key, raw_);
    Bytes out(5 * kAesBlock), wrapped(48);
    expect_clean(name + " key", [&] { (void)aes_key_init(*other, lane, raw_.data(), raw_.size()); }, secrets);
    expect_clean(name + " encrypt", [&] { aes_encrypt_blocks(*key, out.data(), text_.data(), 5); }, secrets);
    expect_clean(name + " decrypt", [&] { aes_decrypt_blocks(*key, out.data(), text_.data(), 5); }, secrets);
    Secrets with_plain = secrets;
    with_plain["wrapped key"] = copy_of(text_.data(), 40);
    expect_clean(name + " wrap", [&] { (void)kwp_wrap(*key, wrapped.data(), text_.data(), 40); }, with_plain);
  }
}

// Every mode as a stream that stops inside a block, both directions: neither text nor keystream nor what a block held
// back may stay. The stream of a mode is found by putting it over zeros.
TEST_F(StackResidue, cipher_modes) {
  constexpr CipherMode kAll[] = {CipherMode::kEcb,    CipherMode::kCbc,    CipherMode::kCbcCs1,
                                 CipherMode::kCbcCs2, CipherMode::kCbcCs3, CipherMode::kCtr,
                                 CipherMode::kCfb128, CipherMode::kCfb8,   CipherMode::kOfb};
  constexpr size_t kSize = 992;  // whole blocks, for the modes that need them
  for (const Lane lane : runnable_lanes(kAesKernels)) {
    const auto key = std::make_unique<AesKey>();
    ASSERT_EQ(aes_key_init(*key, lane, raw_.data(), raw_.size()), Status::kOk);
    const Bytes iv = noise(kAesBlock, 4);
    // Nothing is asserted in the work: an assertion would use the same stack again.
    size_t made = 0;
    const auto crypt = [&](CipherMode mode, Direction direction, const Bytes& in, Bytes& out) {
      CipherState state;
      size_t rest = 0;
      cipher_init(state, *key, mode, direction, iv.data());
      made = cipher_update(state, out.data(), in.data(), 45);
      made += cipher_update(state, out.data() + made, in.data() + 45, kSize - 45);
      (void)cipher_final(state, out.data() + made, &rest);
      made += rest;
    };
    for (const CipherMode mode : kAll) {
      const std::string name = std::string(lane_name(lane)) + " mode " + std::to_string(static_cast<int>(mode));
      Secrets secrets = schedule_of(*key, raw_);
      secrets["plaintext"] = copy_of(text_.data(), kSize);
      Bytes sealed(kSize), opened(kSize);
      expect_clean(name + " encrypt", [&] { crypt(mode, Direction::kEncrypt, text_, sealed); }, secrets);
      if (mode == CipherMode::kCtr || mode == CipherMode::kOfb) {
        secrets["keystream"] = Bytes(kSize);
        std::transform(sealed.begin(), sealed.end(), text_.begin(), secrets["keystream"].begin(), std::bit_xor<>());
        expect_clean(name + " encrypt", [&] { crypt(mode, Direction::kEncrypt, text_, sealed); }, secrets);
      }
      expect_clean(name + " decrypt", [&] { crypt(mode, Direction::kDecrypt, sealed, opened); }, secrets);
      EXPECT_EQ(made, kSize) << name;
      EXPECT_TRUE(std::equal(opened.begin(), opened.end(), text_.begin())) << name;
      // In place with bytes held back: by way of the buffer.
      Bytes message = text_;
      expect_clean(
          name + " in place",
          [&] {
            CipherState state;
            size_t rest = 0;
            cipher_init(state, *key, mode, Direction::kEncrypt, iv.data());
            cipher_update(state, opened.data(), text_.data(), 5);
            cipher_update(state, message.data(), message.data(), kSize - 5);
            (void)cipher_final(state, opened.data(), &rest);
          },
          schedule_of(*key, raw_));
    }
  }
}

TEST_F(StackResidue, xts_ccm_cmac_and_kw) {
  for (const Lane lane : runnable_lanes(kAesKernels)) {
    const std::string name = lane_name(lane);
    const auto key = std::make_unique<AesKey>();
    const auto xts = std::make_unique<XtsKey>();
    const auto mac = std::make_unique<CmacKey>();
    const Bytes halves = noise(64, 5);
    ASSERT_EQ(aes_key_init(*key, lane, raw_.data(), raw_.size()), Status::kOk);
    ASSERT_EQ(xts_key_init(*xts, lane, halves.data(), halves.size()), Status::kOk);
    ASSERT_EQ(cmac_key_init(*mac, lane, raw_.data(), raw_.size()), Status::kOk);
    Bytes sealed(kTextSize), opened(kTextSize), tag(kAesBlock), tweak(kAesBlock);

    Secrets secrets = schedule_of(xts->data, halves);
    secrets["plaintext"] = text_;
    aes_encrypt_blocks(xts->tweak, tweak.data(), text_.data(), 1);
    secrets["first tweak"] = tweak;
    expect_clean(name + " xts key", [&] { (void)xts_key_init(*xts, lane, halves.data(), halves.size()); }, secrets);
    expect_clean(
        name + " xts encrypt", [&] { (void)xts_encrypt(*xts, text_.data(), sealed.data(), text_.data(), kTextSize); },
        secrets);
    expect_clean(
        name + " xts decrypt", [&] { (void)xts_decrypt(*xts, text_.data(), opened.data(), sealed.data(), kTextSize); },
        secrets);
    EXPECT_EQ(opened, text_);
    // As sectors, whose tweaks are the ciphertexts of small numbers.
    const Bytes number(kAesBlock);
    aes_encrypt_blocks(xts->tweak, tweak.data(), number.data(), 1);
    secrets["first tweak"] = tweak;
    expect_clean(
        name + " xts sectors",
        [&] { (void)xts_encrypt_sectors(*xts, 0, sealed.data(), text_.data(), kTextSize / 20, 20); }, secrets);

    secrets = schedule_of(*key, raw_);
    secrets["plaintext"] = text_;
    const auto message = [&](const Bytes& text) {
      return CcmInput{iv_.data(), iv_.size(), raw_.data(), 0, text.data(), text.size()};
    };
    expect_clean(
        name + " ccm seal", [&] { ccm_seal(*key, sealed.data(), tag.data(), tag.size(), message(text_)); }, secrets);
    secrets["keystream"] = Bytes(kTextSize);
    std::transform(sealed.begin(), sealed.end(), text_.begin(), secrets["keystream"].begin(), std::bit_xor<>());
    expect_clean(
        name + " ccm seal", [&] { ccm_seal(*key, sealed.data(), tag.data(), tag.size(), message(text_)); }, secrets);
    bool opens = false;
    expect_clean(
        name + " ccm open",
        [&] { opens = ct::declassify(ccm_open(*key, opened.data(), tag.data(), tag.size(), message(sealed))); },
        secrets);
    EXPECT_TRUE(opens);

    secrets = schedule_of(mac->aes, raw_);
    secrets["subkeys"] = copy_of(mac->k1, 32);
    secrets["message"] = text_;
    expect_clean(name + " cmac key", [&] { (void)cmac_key_init(*mac, lane, raw_.data(), raw_.size()); }, secrets);
    const size_t end = kTextSize - 1;
    expect_clean(name + " cmac", [&] { cmac(*mac, tag.data(), text_.data(), end); }, secrets);
    secrets["tag"] = tag;
    const Bytes wrong(kCmacTag);
    Status status = Status::kOk;
    expect_clean(
        name + " cmac verify", [&] { status = cmac_verify(*mac, wrong.data(), wrong.size(), text_.data(), end); },
        secrets);
    EXPECT_EQ(status, Status::kAuth);

    secrets = schedule_of(*key, raw_);
    secrets["wrapped key"] = copy_of(text_.data(), 40);
    Bytes wrapped(48), unwrapped(40);
    expect_clean(name + " kw wrap", [&] { (void)kw_wrap(*key, wrapped.data(), text_.data(), 40); }, secrets);
    expect_clean(name + " kw unwrap", [&] { (void)kw_unwrap(*key, unwrapped.data(), wrapped.data(), 48); }, secrets);
  }
}

// Batches, in which one job is long enough to pass through every kernel of its lane. All have one key, because then
// its schedule looks the same on the stack of the portable lane, which mixes those of four.
TEST_F(StackResidue, batches) {
  constexpr size_t kJobs = 21;
  for (const Lane lane : runnable_lanes(kAesKernels)) {
    const std::string name = lane_name(lane);
    const auto key = std::make_unique<CmacKey>();
    ASSERT_EQ(cmac_key_init(*key, lane, raw_.data(), raw_.size()), Status::kOk);
    const Bytes text = noise(kTextSize, 6);
    Bytes turn(kAesBlock);
    std::transform(key->aes.encrypt, key->aes.encrypt + 16, key->aes.encrypt + 16 * key->aes.rounds, turn.begin(),
                   std::bit_xor<>());
    std::vector<Bytes> out(kJobs, Bytes(kTextSize)), opened = out, tag(kJobs, Bytes(16)), iv(kJobs, noise(16, 8));
    const auto size_of = [](size_t job) { return job == 11 ? kTextSize : 40 * (job % 3) + 99; };
    Secrets secrets = schedule_of(key->aes, raw_);
    secrets["first and last round key"] = turn;
    secrets["subkeys"] = copy_of(key->k1, 32);
    secrets["plaintext"] = text;

    std::vector<CbcJob> cbc;
    std::vector<CmacJob> mac;
    std::vector<CcmSealJob> seal;
    std::vector<CcmOpenJob> open;
    for (size_t i = 0; i < kJobs; ++i) {
      const size_t size = size_of(i);
      const CcmInput plain{iv_.data(), iv_.size(), raw_.data(), 0, text.data(), size};
      CcmInput sealed = plain;
      sealed.text = out[i].data();
      cbc.push_back({&key->aes, iv[i].data(), out[i].data(), text.data(), size / kAesBlock});
      mac.push_back({key.get(), tag[i].data(), text.data(), size});
      seal.push_back({&key->aes, out[i].data(), tag[i].data(), tag[i].size(), plain});
      open.push_back({&key->aes, opened[i].data(), tag[i].data(), tag[i].size(), sealed});
    }
    expect_clean(name + " cbc", [&] { aes_cbc_encrypt_multi(cbc.data(), kJobs); }, secrets);
    expect_clean(name + " cmac", [&] { cmac_multi(mac.data(), kJobs); }, secrets);
    ccm_seal_multi(seal.data(), kJobs);
    secrets["keystream"] = Bytes(kTextSize);
    std::transform(out[11].begin(), out[11].end(), text.begin(), secrets["keystream"].begin(), std::bit_xor<>());
    expect_clean(name + " ccm seal", [&] { ccm_seal_multi(seal.data(), kJobs); }, secrets);
    const Bytes right_tag = tag[5];
    secrets["tag"] = right_tag;
    tag[5].assign(16, 0);  // of a forgery, the right tag is what the forger wants
    expect_clean(name + " ccm open", [&] { ccm_open_multi(open.data(), kJobs); }, secrets);
    EXPECT_TRUE(ct::declassify(open[11].right));
    EXPECT_FALSE(ct::declassify(open[5].right));
  }
}

TEST_F(StackResidue, gcm) {
  for (const Lane lane : runnable_lanes(kGcmKernels)) {
    const std::string name = lane_name(lane);
    const auto key = std::make_unique<GcmKey>();
    const auto other = std::make_unique<GcmKey>();
    ASSERT_EQ(gcm_key_init(*key, lane, raw_.data(), raw_.size()), Status::kOk);
    Bytes sealed(kTextSize), opened(kTextSize), tag(kGcmTag), keystream(kTextSize);
    const auto input = [&](const Bytes& text, size_t size) {
      return GcmInput{iv_.data(), iv_.size(), nullptr, 0, text.data(), size};
    };
    gcm_seal(*key, sealed.data(), tag.data(), input(text_, kTextSize));
    std::transform(sealed.begin(), sealed.end(), text_.begin(), keystream.begin(), std::bit_xor<>());
    Secrets secrets = schedule_of(key->aes, raw_);
    secrets["power of H"] = copy_of(key->h_powers, 16);
    secrets["keystream"] = keystream;
    secrets["plaintext"] = text_;
    expect_clean(name + " key", [&] { (void)gcm_key_init(*other, lane, raw_.data(), raw_.size()); }, secrets);
    for (const size_t size : {size_t{45}, kTextSize}) {
      const std::string sized = name + " " + std::to_string(size);
      Bytes short_tag(kGcmTag);
      expect_clean(sized + " seal", [&] { gcm_seal(*key, opened.data(), tag.data(), input(text_, size)); }, secrets);
      expect_clean(
          sized + " open",
          [&] { EXPECT_TRUE(ct::declassify(gcm_open(*key, opened.data(), tag.data(), kGcmTag, input(sealed, size)))); },
          secrets);
    }
  }
}

// polyval_of: what POLYVAL of a lane makes of a key and a message: the powers it works with and its result.
Secrets polyval_of(Lane lane, const Bytes& h, const Bytes& text) {
  const auto scratch = std::make_unique<GcmKey>();
  const GcmInput in{nullptr, 0, nullptr, 0, text.data(), text.size()};
  uint8_t s[16];
  if (lane == Lane::kPortable)
    gcm_polyval_portable(*scratch, s, h.data(), in);
  else if (lane == Lane::kAesni)
    gcm_polyval_x86_aesni(*scratch, s, h.data(), in);
  else if (lane == Lane::kVaes256)
    gcm_polyval_x86_vaes256(*scratch, s, h.data(), in);
  else
    gcm_polyval_x86_vaes512(*scratch, s, h.data(), in);
  return {{"powers of the authentication key", copy_of(scratch->h_powers, sizeof scratch->h_powers)},
          {"hash", copy_of(s, sizeof s)}};
}

TEST_F(StackResidue, gcm_siv) {
  for (const Lane lane : runnable_lanes(kAesKernels)) {
    const std::string name = lane_name(lane);
    const auto key = std::make_unique<GcmSivKey>();
    const auto derived = std::make_unique<AesKey>();
    ASSERT_EQ(gcm_siv_key_init(*key, lane, raw_.data(), raw_.size()), Status::kOk);
    const GcmSivOracle oracle(raw_, iv_);
    ASSERT_EQ(aes_key_init(*derived, lane, oracle.encryption().data(), oracle.encryption().size()), Status::kOk);
    Secrets secrets = schedule_of(key->aes, raw_);
    for (const auto& [what, secret] : schedule_of(*derived, oracle.encryption())) secrets["message " + what] = secret;
    secrets["authentication key"] = oracle.authentication();
    expect_clean(name + " key", [&] { (void)gcm_siv_key_init(*key, lane, raw_.data(), raw_.size()); }, secrets);
    for (const size_t size : {size_t{45}, size_t{300}, kTextSize}) {
      const std::string sized = name + " " + std::to_string(size);
      const Bytes text = copy_of(text_.data(), size);
      Bytes sealed(size), opened(size), tag(kGcmSivTag), keystream(size), wrong(kGcmSivTag);
      const auto input = [&](const Bytes& body) { return GcmSivInput{iv_.data(), raw_.data(), 0, body.data(), size}; };
      gcm_siv_seal(*key, sealed.data(), tag.data(), input(text));
      std::transform(sealed.begin(), sealed.end(), text.begin(), keystream.begin(), std::bit_xor<>());
      Secrets all = secrets;
      all["plaintext"] = text;
      all["keystream"] = keystream;
      all.merge(polyval_of(lane, oracle.authentication(), text));
      expect_clean(sized + " seal", [&] { gcm_siv_seal(*key, opened.data(), wrong.data(), input(text)); }, all);
      bool right = false;
      expect_clean(
          sized + " open",
          [&] { right = ct::declassify(gcm_siv_open(*key, opened.data(), tag.data(), input(sealed))); }, all);
      EXPECT_TRUE(right);
      // Of a forgery, the tag it should have had is a secret too.
      const Bytes forged = GcmSivOracle(raw_, iv_).crypt(noise(kGcmSivTag, 6), sealed);
      all = secrets;
      all["right tag"] = oracle.tag({}, forged);
      wrong = noise(kGcmSivTag, 6);
      expect_clean(
          sized + " open a forgery",
          [&] { right = ct::declassify(gcm_siv_open(*key, opened.data(), wrong.data(), input(sealed))); }, all);
      EXPECT_FALSE(right);
    }
  }
}

// keystream_of: ChaCha20 from block 0 on (RFC 8439 2.4), by libcrypto, whose IV is the counter and the nonce.
Bytes keystream_of(const Bytes& key, const Bytes& iv, size_t size) {
  Bytes counter_and_iv(4), in(size), out(size);
  counter_and_iv.insert(counter_and_iv.end(), iv.begin(), iv.end());
  EVP_CIPHER_CTX* const c = EVP_CIPHER_CTX_new();
  int done = 0;
  EXPECT_EQ(EVP_EncryptInit_ex(c, EVP_chacha20(), nullptr, key.data(), counter_and_iv.data()), 1);
  EXPECT_EQ(EVP_EncryptUpdate(c, out.data(), &done, in.data(), static_cast<int>(size)), 1);
  EVP_CIPHER_CTX_free(c);
  return out;
}

TEST_F(StackResidue, chacha20_poly1305) {
  constexpr size_t kLongText = 3500;
  const Bytes text = noise(kLongText, 4);
  const Bytes stream = keystream_of(raw_, iv_, 64 + kLongText);
  Bytes r(stream.begin(), stream.begin() + 16);
  for (const size_t i : {3, 7, 11, 15}) r[i] &= 15;  // RFC 8439 2.5.1
  for (const size_t i : {4, 8, 12}) r[i] &= 252;
  uint64_t r1 = 0;
  std::memcpy(&r1, &r[8], sizeof r1);
  const uint64_t s1 = r1 + (r1 >> 2);
  const Secrets secrets{{"key", raw_},
                        {"keystream", stream},
                        {"plaintext", text},
                        {"r of Poly1305", r},
                        {"5 r1 / 4", copy_of(&s1, sizeof s1)}};
  for (const Lane lane : runnable_lanes(kChaChaKernels)) {
    const std::string name = lane_name(lane);
    const auto key = std::make_unique<ChaChaKey>();
    expect_clean(name + " key", [&] { (void)chacha_key_init(*key, lane, raw_.data(), raw_.size()); }, secrets);
    Bytes sealed(kLongText), opened(kLongText), tag(kChaChaTag);
    for (const size_t size :
         {size_t{45}, size_t{190}, size_t{301}, size_t{650}, size_t{900}, size_t{1000}, kLongText}) {
      const std::string sized = name + " " + std::to_string(size);
      const auto input = [&](const Bytes& body) { return ChaChaInput{iv_.data(), raw_.data(), 0, body.data(), size}; };
      expect_clean(sized + " seal", [&] { chacha_seal(*key, sealed.data(), tag.data(), input(text)); }, secrets);
      expect_clean(
          sized + " open",
          [&] { EXPECT_TRUE(ct::declassify(chacha_open(*key, opened.data(), tag.data(), kChaChaTag, input(sealed)))); },
          secrets);
    }
  }
}

TEST_F(StackResidue, ctr_drbg) {
  for (const Lane lane : runnable_lanes(kAesKernels)) {
    const auto drbg = std::make_unique<CtrDrbg>();
    ASSERT_EQ(ctr_drbg_instantiate(*drbg, lane, text_.data(), nullptr, 0), Status::kOk);
    const auto twin = std::make_unique<CtrDrbg>(*drbg);
    Bytes out(100);
    ASSERT_EQ(ctr_drbg_generate(*twin, out.data(), out.size(), nullptr, 0), Status::kOk);
    const Secrets secrets{{"next V", copy_of(twin->v, sizeof twin->v)},
                          {"next key", copy_of(twin->key.encrypt, lane == Lane::kPortable ? 960 : 240)},
                          {"output", out}};
    Bytes again(out.size());
    expect_clean(
        lane_name(lane), [&] { (void)ctr_drbg_generate(*drbg, again.data(), again.size(), nullptr, 0); }, secrets);
    EXPECT_EQ(again, out);
  }
}

TEST_F(StackResidue, sha1_blocks) {
  uint32_t w[80];
  for (size_t t = 0; t < 80; ++t)
    w[t] = t < 16 ? load_be32(&text_[4 * t]) : std::rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
  for (const Lane lane : runnable_lanes(kSha1Kernels)) {
    uint32_t state[5], last[5];
    sha1_initial_state(state);
    sha1_initial_state(last);
    sha1_blocks(Lane::kPortable, last, text_.data(), 1);
    for (size_t i = 0; i < 5; ++i) last[i] -= state[i];
    expect_clean(std::string(lane_name(lane)) + " sha1", [&] { sha1_blocks(lane, state, text_.data(), 1); },
                 {{"message", copy_of(text_.data(), kSha1Block)},
                  {"schedule", copy_of(w, sizeof w)},
                  {"working variables", copy_of(last, 4 * sizeof last[0])}});
  }
}

TEST_F(StackResidue, sha512_blocks) {
  uint64_t w[80], kw[80];
  for (size_t t = 0; t < 80; ++t) {
    if (t < 16) {
      w[t] = load_be64(&text_[8 * t]);
    } else {
      const uint64_t x = w[t - 15], y = w[t - 2];
      w[t] = w[t - 16] + (std::rotr(x, 1) ^ std::rotr(x, 8) ^ x >> 7) + w[t - 7] +
             (std::rotr(y, 19) ^ std::rotr(y, 61) ^ y >> 6);
    }
    kw[t] = w[t] + kSha512Round[t];
  }
  for (const Lane lane : runnable_lanes(kSha512Kernels)) {
    uint64_t state[8], last[8];
    sha512_initial_state(state);
    sha512_initial_state(last);
    sha512_blocks(Lane::kPortable, last, text_.data(), 1);
    for (size_t i = 0; i < 8; ++i) last[i] -= state[i];
    expect_clean(std::string(lane_name(lane)) + " sha512", [&] { sha512_blocks(lane, state, text_.data(), 1); },
                 {{"message", copy_of(text_.data(), kSha512Block)},
                  {"schedule", copy_of(w, sizeof w)},
                  {"schedule with constants", copy_of(kw, sizeof kw)},
                  {"working variables", copy_of(last, sizeof last)}});
  }
}

}  // namespace
}  // namespace cm::test
