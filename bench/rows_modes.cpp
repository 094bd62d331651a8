// SPDX-License-Identifier: Apache-2.0
// rows_modes.cpp: AES in every mode, CMAC, CCM and ChaCha20-Poly1305, one message a call. Every contestant has the same
// key and gets a new IV for each message where it can tell.
#include <openssl/rand.h>

#include "bench/peer_libcrypto.h"
#include "bench/work.h"

namespace cm::bench {
namespace {

// ModeRow: one line of each mode. peer: its name in libcrypto.
struct ModeRow {
  const char* name;
  uint32_t algorithm;
  size_t key_size;
  bool encrypt;
  const char* peer;
  int mb;  // IpsecMb::Work, -1 where libipsec-mb has none
};

constexpr int kNone = -1;
#if defined(CM_HAVE_IPSEC_MB)
constexpr int mb_work(IpsecMb::Work work) { return static_cast<int>(work); }
constexpr int kMbEcb = mb_work(IpsecMb::Work::kEcbEncrypt), kMbCbcEncrypt = mb_work(IpsecMb::Work::kCbcEncrypt),
              kMbCbcDecrypt = mb_work(IpsecMb::Work::kCbcDecrypt), kMbCtr = mb_work(IpsecMb::Work::kCtr);
#else
constexpr int kMbEcb = kNone, kMbCbcEncrypt = kNone, kMbCbcDecrypt = kNone, kMbCtr = kNone;
#endif

constexpr ModeRow kModeRows[] = {
    {"aes-256-ecb-encrypt", CM_ALG_AES_ECB, 32, true, "AES-256-ECB", kMbEcb},
    {"aes-256-cbc-encrypt", CM_ALG_AES_CBC, 32, true, "AES-256-CBC", kMbCbcEncrypt},
    {"aes-256-cbc-decrypt", CM_ALG_AES_CBC, 32, false, "AES-256-CBC", kMbCbcDecrypt},
    {"aes-256-cbc-cs1-encrypt", CM_ALG_AES_CBC_CS1, 32, true, "AES-256-CBC-CTS", kNone},
    {"aes-256-ctr", CM_ALG_AES_CTR, 32, true, "AES-256-CTR", kMbCtr},
    {"aes-128-ctr", CM_ALG_AES_CTR, 16, true, "AES-128-CTR", kMbCtr},
    {"aes-256-cfb128-encrypt", CM_ALG_AES_CFB128, 32, true, "AES-256-CFB", kNone},
    {"aes-256-cfb128-decrypt", CM_ALG_AES_CFB128, 32, false, "AES-256-CFB", kNone},
    {"aes-256-cfb8-decrypt", CM_ALG_AES_CFB8, 32, false, "AES-256-CFB8", kNone},
    {"aes-256-ofb", CM_ALG_AES_OFB, 32, true, "AES-256-OFB", kNone},
    {"aes-256-xts-encrypt", CM_ALG_AES_XTS, 64, true, "AES-256-XTS", kNone},
    {"aes-256-xts-decrypt", CM_ALG_AES_XTS, 64, false, "AES-256-XTS", kNone},
    {"aes-128-xts-encrypt", CM_ALG_AES_XTS, 32, true, "AES-128-XTS", kNone},
};

using Block = std::array<uint8_t, 16>;
using RawKey = std::array<uint8_t, 64>;

RawKey random_key() {
  RawKey raw{};
  libcrypto_random(raw.data(), raw.size());
  return raw;
}

// next_block: another IV.
void next_block(Block& iv) { iv[0] = static_cast<uint8_t>(iv[0] + 1); }

cm_rc crypt_once(const Module& m, const ModeRow& mode, cm_key key, const Block& iv, Work& w, size_t size) {
  const auto call = mode.encrypt ? m.f().cm_cipher_encrypt : m.f().cm_cipher_decrypt;
  return call(m.session(), key, iv.data(), mode.algorithm == CM_ALG_AES_ECB ? 0 : iv.size(), w.out.data(), w.out.size(),
              w.in.data(), size);
}

#if defined(CM_HAVE_IPSEC_MB)
IpsecMb::Job mb_job(const IpsecMb::AesKey& key, const uint8_t* iv, Work& w, size_t size) {
  return {&key, iv, w.aad.data(), kAad, w.in.data(), size, w.out.data(), w.tag.data()};
}
#endif

Row mode_row(Modules modules, const ModeRow& mode, size_t size) {
  Row row;
  row.name = mode.name;
  row.bytes = size;
  const RawKey raw = random_key();
  std::array<cm_key, 2> keys{};
  for (size_t i = 0; i < 2; ++i) {
    const Module& m = *modules[i];
    keys[i] = m.import_key(mode.algorithm, raw.data(), mode.key_size);
    row.runners[i] = repeat(m, mode.name, [&m, mode, key = keys[i], size, iv = std::make_shared<Block>(), w = work()] {
      next_block(*iv);
      return crypt_once(m, mode, key, *iv, *w, size);
    });
  }
  const auto peer = std::make_shared<LibcryptoCipher>(mode.peer, raw.data(), mode.encrypt);
  row.runners[kOpenssl] = [peer, size, w = work()](size_t jobs) {
    Block iv{};
    for (size_t i = 0; i < jobs; ++i) {
      next_block(iv);
      peer->crypt(w->out.data(), iv.data(), w->in.data(), size);
    }
  };
#if defined(CM_HAVE_IPSEC_MB)
  std::shared_ptr<IpsecMb::AesKey> mb_key;
  if (mode.mb != kNone) {
    mb_key = ipsec_mb().aes_key(raw.data(), mode.key_size);
    row.runners[kIpsecMb] = [mode, mb_key, size, w = work()](size_t jobs) {
      Block iv{};
      for (size_t i = 0; i < jobs; ++i) {
        next_block(iv);
        const auto job = mb_job(*mb_key, iv.data(), *w, size);
        ipsec_mb().run(static_cast<IpsecMb::Work>(mode.mb), &job, 1);
      }
    };
  }
#endif
  row.check = [=, m0 = modules[0], m1 = modules[1]] {
    const Block iv{5};
    Work a, b, c;
    m0->require(crypt_once(*m0, mode, keys[0], iv, a, size), mode.name);
    m1->require(crypt_once(*m1, mode, keys[1], iv, b, size), mode.name);
    expect(a.out == b.out, mode.name);
    peer->crypt(c.out.data(), iv.data(), c.in.data(), size);
    expect(a.out == c.out, mode.name);
#if defined(CM_HAVE_IPSEC_MB)
    if (mb_key) {
      Work d;
      const auto job = mb_job(*mb_key, iv.data(), d, size);
      ipsec_mb().run(static_cast<IpsecMb::Work>(mode.mb), &job, 1);
      expect(a.out == d.out, std::string(mode.name) + " of libipsec-mb");
    }
#endif
  };
  return row;
}

// ---- AEADs beside GCM, with the caller's IV, and CMAC

struct AeadRow {
  const char* name;
  uint32_t algorithm;
  const char* peer;
#if defined(CM_HAVE_IPSEC_MB)
  IpsecMb::Work mb;
#endif
};

constexpr AeadRow kAeadRows[] = {
#if defined(CM_HAVE_IPSEC_MB)
    {"aes-256-ccm-seal", CM_ALG_AES_CCM, "AES-256-CCM", IpsecMb::Work::kCcmSeal},
    {"chacha20-poly1305-seal", CM_ALG_CHACHA20_POLY1305, "ChaCha20-Poly1305", IpsecMb::Work::kChaChaSeal},
#else
    {"aes-256-ccm-seal", CM_ALG_AES_CCM, "AES-256-CCM"},
    {"chacha20-poly1305-seal", CM_ALG_CHACHA20_POLY1305, "ChaCha20-Poly1305"},
#endif
};

// seal_once: CM_OK for what this key always answers.
cm_rc seal_once(const Module& m, cm_key key, Work& w, size_t size) {
  const cm_rc rc = m.f().cm_aead_seal_caller_iv(m.session(), key, w.out.data(), w.out.size(), w.iv.data(), kIv,
                                                w.tag.data(), kTag, w.aad.data(), kAad, w.in.data(), size);
  return rc == CM_NOT_APPROVED_ALGORITHM ? CM_OK : rc;
}

Row aead_row(Modules modules, const AeadRow& aead, size_t size) {
  Row row;
  row.name = aead.name;
  row.bytes = size;
  const RawKey raw = random_key();
  std::array<cm_key, 2> keys{};
  for (size_t i = 0; i < 2; ++i) {
    const Module& m = *modules[i];
    keys[i] = m.import_key(aead.algorithm, raw.data(), 32);
    row.runners[i] = repeat(m, aead.name, [&m, key = keys[i], size, w = work()] {
      w->next_iv();
      return seal_once(m, key, *w, size);
    });
  }
  const auto peer = std::make_shared<LibcryptoAead>(aead.peer, raw.data());
  const auto peer_seal = [peer, size](Work& w) {
    w.next_iv();
    peer->seal(w.out.data(), w.tag.data(), w.iv.data(), w.aad.data(), kAad, w.in.data(), size);
  };
  row.runners[kOpenssl] = [peer_seal, w = work()](size_t jobs) {
    for (size_t i = 0; i < jobs; ++i) peer_seal(*w);
  };
#if defined(CM_HAVE_IPSEC_MB)
  const auto mb_seal = [aead, key = ipsec_mb().aes_key(raw.data(), 32), size](Work& w) {
    w.next_iv();
    const auto job = mb_job(*key, w.iv.data(), w, size);
    ipsec_mb().run(aead.mb, &job, 1);
  };
  row.runners[kIpsecMb] = [mb_seal, w = work()](size_t jobs) {
    for (size_t i = 0; i < jobs; ++i) mb_seal(*w);
  };
#endif
  row.check = [=, m0 = modules[0], m1 = modules[1]] {
    Work a, b, c;
    a.next_iv();
    b.next_iv();
    m0->require(seal_once(*m0, keys[0], a, size), aead.name);
    m1->require(seal_once(*m1, keys[1], b, size), aead.name);
    peer_seal(c);
    expect(a.out == b.out && a.tag == b.tag && a.out == c.out && a.tag == c.tag, aead.name);
#if defined(CM_HAVE_IPSEC_MB)
    Work d;
    mb_seal(d);
    expect(a.out == d.out && a.tag == d.tag, std::string(aead.name) + " of libipsec-mb");
#endif
  };
  return row;
}

Row cmac_row(Modules modules, size_t size) {
  Row row;
  row.name = "aes-256-cmac";
  row.bytes = size;
  const RawKey raw = random_key();
  const auto once = [size](const Module& m, cm_key key, Work& w) {
    return m.f().cm_mac_compute(m.session(), key, w.tag.data(), kTag, w.in.data(), size);
  };
  std::array<cm_key, 2> keys{};
  for (size_t i = 0; i < 2; ++i) {
    const Module& m = *modules[i];
    keys[i] = m.import_key(CM_ALG_AES_CMAC, raw.data(), 32);
    row.runners[i] = repeat(m, "cm_mac_compute", [&m, once, key = keys[i], w = work()] { return once(m, key, *w); });
  }
  const auto peer = std::make_shared<LibcryptoCmac>(raw.data(), 32);
  row.runners[kOpenssl] = [peer, size, w = work()](size_t jobs) {
    for (size_t i = 0; i < jobs; ++i) peer->compute(w->tag.data(), w->in.data(), size);
  };
#if defined(CM_HAVE_IPSEC_MB)
  const auto mb_key = ipsec_mb().aes_key(raw.data(), 32);
  row.runners[kIpsecMb] = [mb_key, size, w = work()](size_t jobs) {
    const auto job = mb_job(*mb_key, w->iv.data(), *w, size);
    for (size_t i = 0; i < jobs; ++i) ipsec_mb().run(IpsecMb::Work::kCmac, &job, 1);
  };
#endif
  row.check = [=, m0 = modules[0], m1 = modules[1]] {
    Work a, b, c;
    m0->require(once(*m0, keys[0], a), "cm_mac_compute");
    m1->require(once(*m1, keys[1], b), "cm_mac_compute");
    peer->compute(c.tag.data(), c.in.data(), size);
    expect(a.tag == b.tag && a.tag == c.tag, "CMAC");
#if defined(CM_HAVE_IPSEC_MB)
    Work d;
    const auto job = mb_job(*mb_key, d.iv.data(), d, size);
    ipsec_mb().run(IpsecMb::Work::kCmac, &job, 1);
    expect(a.tag == d.tag, "CMAC of libipsec-mb");
#endif
  };
  return row;
}

}  // namespace

void add_mode_rows(std::vector<RowMaker>& rows, Modules modules) {
  for (const ModeRow& mode : kModeRows)
    for (const size_t size : kSizes) rows.emplace_back([=] { return mode_row(modules, mode, size); });
  for (const AeadRow& aead : kAeadRows)
    for (const size_t size : kSizes) rows.emplace_back([=] { return aead_row(modules, aead, size); });
  for (const size_t size : kSizes) rows.emplace_back([=] { return cmac_row(modules, size); });
}

}  // namespace cm::bench
