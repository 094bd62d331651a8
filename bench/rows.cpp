// SPDX-License-Identifier: Apache-2.0
// rows.cpp: see rows.h. Every contestant of a row works on buffers of its own with the same alignment, the same lengths
// and a new IV for each job. Sealing uses the counter regime, whose keys never leave the module; so the comparison of
// results before timing uses an imported key for what goes to or comes from a peer, and a round trip for the counter
// key.
#include "bench/rows.h"

#include "bench/peer_libcrypto.h"
#include "bench/work.h"

namespace cm::bench {
namespace {

constexpr size_t kSizesDrbg[] = {16, 1024, 16384};
cm_rc seal_once(const Module& m, cm_key key, Work& w, size_t size) {
  return m.f().cm_aead_seal(m.session(), key, w.out.data(), w.out.size(), w.iv.data(), kIv, w.tag.data(), kTag,
                            w.aad.data(), kAad, w.in.data(), size);
}
cm_rc open_once(const Module& m, cm_key key, Work& w, size_t size) {
  return m.f().cm_aead_open(m.session(), key, w.out.data(), w.out.size(), w.iv.data(), kIv, w.tag.data(), kTag,
                            w.aad.data(), kAad, w.in.data(), size);
}

Runner seal_runner(const Module& m, cm_key key, size_t size) {
  return repeat(m, "cm_aead_seal", [&m, key, size, w = work()] { return seal_once(m, key, *w, size); });
}

// Sealed: one text under one key, sealed by libcrypto, for the open rows and for the comparison.
struct Sealed {
  std::array<uint8_t, 32> key;
  size_t key_size;
  Work work;  // in = plaintext, out = ciphertext
};
std::shared_ptr<Sealed> seal_with_libcrypto(size_t key_size, size_t size) {
  auto s = std::make_shared<Sealed>();
  s->key_size = key_size;
  libcrypto_random(s->key.data(), s->key.size());
  libcrypto_random(s->work.iv.data(), kIv);
  LibcryptoGcm(s->key.data(), key_size)
      .seal(s->work.out.data(), s->work.tag.data(), s->work.iv.data(), s->work.aad.data(), kAad, s->work.in.data(),
            size);
  return s;
}

// received: what a contestant that opens has before it.
std::shared_ptr<Work> received(const Sealed& s) {
  auto w = std::make_shared<Work>(s.work);
  w->in = s.work.out;
  w->out.fill(0);
  return w;
}

void check_module_gcm(const Module& m, const Sealed& s, size_t size) {
  const cm_key key = m.import_key(CM_ALG_AES_GCM, s.key.data(), s.key_size);
  auto w = received(s);
  expect(open_once(m, key, *w, size) == CM_OK && std::memcmp(w->out.data(), s.work.in.data(), size) == 0,
         "module opens libcrypto's text");
  w->tag[3] ^= 1;
  expect(open_once(m, key, *w, size) == CM_ERR_AUTH, "module refuses a wrong tag");
  Work sealing;
  m.require(seal_once(m, key, sealing, size), "cm_aead_seal");
  Work opened;
  LibcryptoGcm peer(s.key.data(), s.key_size);
  expect(peer.open(opened.out.data(), sealing.tag.data(), sealing.iv.data(), sealing.aad.data(), kAad,
                   sealing.out.data(), size) &&
             std::memcmp(opened.out.data(), sealing.in.data(), size) == 0,
         "libcrypto opens the module's text");
  m.require(m.f().cm_key_destroy(m.session(), key), "cm_key_destroy");
}

void check_counter_key(const Module& m, cm_key key, size_t size) {
  Work a;
  Work b;
  m.require(seal_once(m, key, a, size), "cm_aead_seal");
  m.require(seal_once(m, key, b, size), "cm_aead_seal");
  expect(a.iv != b.iv, "two seals have two IVs");
  Work back = b;
  back.in = b.out;
  expect(open_once(m, key, back, size) == CM_OK && std::memcmp(back.out.data(), b.in.data(), size) == 0,
         "module opens its own text");
}

#if defined(CM_HAVE_IPSEC_MB)
void check_ipsec_mb_gcm(const Sealed& s, size_t size) {
  const auto key = ipsec_mb().gcm_key(s.key.data(), s.key_size);
  Work w;
  w.iv = s.work.iv;
  ipsec_mb().seal(*key, w.out.data(), w.tag.data(), w.iv.data(), w.aad.data(), kAad, w.in.data(), size);
  expect(w.tag == s.work.tag && std::memcmp(w.out.data(), s.work.out.data(), size) == 0,
         "libipsec-mb seals as libcrypto does");
}
#endif

std::string gcm_name(size_t key_size, const char* operation) {
  return "aes-" + std::to_string(key_size * 8) + "-gcm-" + operation;
}

void add_seal_peers(Row& row, const Sealed& s, size_t size, bool random_iv) {
  auto peer = std::make_shared<LibcryptoGcm>(s.key.data(), s.key_size);
  row.runners[kOpenssl] = [peer, size, random_iv, w = work()](size_t jobs) {
    for (size_t i = 0; i < jobs; ++i) {
      if (random_iv) {
        libcrypto_random(w->iv.data(), kIv);
      } else {
        w->next_iv();
      }
      peer->seal(w->out.data(), w->tag.data(), w->iv.data(), w->aad.data(), kAad, w->in.data(), size);
    }
  };
#if defined(CM_HAVE_IPSEC_MB)
  // It has no random generator: nothing to compare random IVs with.
  if (random_iv) return;
  row.runners[kIpsecMb] = [key = ipsec_mb().gcm_key(s.key.data(), s.key_size), size, w = work()](size_t jobs) {
    for (size_t i = 0; i < jobs; ++i) {
      w->next_iv();
      ipsec_mb().seal(*key, w->out.data(), w->tag.data(), w->iv.data(), w->aad.data(), kAad, w->in.data(), size);
    }
  };
#endif
}

Row seal_row(Modules modules, size_t key_size, size_t size) {
  Row row;
  row.name = gcm_name(key_size, "seal");
  row.bytes = size;
  const auto sealed = seal_with_libcrypto(key_size, size);
  std::array<cm_key, 2> keys{};
  for (size_t i = 0; i < 2; ++i) {
    keys[i] = modules[i]->generate_counter_key(static_cast<uint32_t>(key_size * 8));
    row.runners[i] = seal_runner(*modules[i], keys[i], size);
  }
  add_seal_peers(row, *sealed, size, false);
  row.check = [m0 = modules[0], m1 = modules[1], keys, sealed, size] {
    check_module_gcm(*m0, *sealed, size);
    check_module_gcm(*m1, *sealed, size);
    check_counter_key(*m0, keys[0], size);
    check_counter_key(*m1, keys[1], size);
#if defined(CM_HAVE_IPSEC_MB)
    check_ipsec_mb_gcm(*sealed, size);
#endif
  };
  return row;
}

Row seal_random_iv_row(Modules modules, size_t key_size, size_t size) {
  Row row;
  row.name = gcm_name(key_size, "seal-random-iv");
  row.bytes = size;
  const auto sealed = seal_with_libcrypto(key_size, size);
  for (size_t i = 0; i < 2; ++i)
    row.runners[i] =
        seal_runner(*modules[i], modules[i]->import_key(CM_ALG_AES_GCM, sealed->key.data(), key_size), size);
  add_seal_peers(row, *sealed, size, true);
  row.check = [m0 = modules[0], m1 = modules[1], sealed, size] {
    check_module_gcm(*m0, *sealed, size);
    check_module_gcm(*m1, *sealed, size);
  };
  return row;
}

Row open_row(Modules modules, size_t key_size, size_t size) {
  Row row;
  row.name = gcm_name(key_size, "open");
  row.bytes = size;
  const auto sealed = seal_with_libcrypto(key_size, size);
  for (size_t i = 0; i < 2; ++i) {
    const Module& m = *modules[i];
    const cm_key key = m.import_key(CM_ALG_AES_GCM, sealed->key.data(), key_size);
    row.runners[i] =
        repeat(m, "cm_aead_open", [&m, key, size, w = received(*sealed)] { return open_once(m, key, *w, size); });
  }
  auto peer = std::make_shared<LibcryptoGcm>(sealed->key.data(), key_size);
  row.runners[kOpenssl] = [peer, size, w = received(*sealed)](size_t jobs) {
    bool all = true;
    for (size_t i = 0; i < jobs; ++i)
      all &= peer->open(w->out.data(), w->tag.data(), w->iv.data(), w->aad.data(), kAad, w->in.data(), size);
    expect(all, "libcrypto opens its own text");
  };
#if defined(CM_HAVE_IPSEC_MB)
  row.runners[kIpsecMb] = [key = ipsec_mb().gcm_key(sealed->key.data(), key_size), size,
                           w = received(*sealed)](size_t jobs) {
    bool all = true;
    for (size_t i = 0; i < jobs; ++i)
      all &= ipsec_mb().open(*key, w->out.data(), w->tag.data(), w->iv.data(), w->aad.data(), kAad, w->in.data(), size);
    expect(all, "libipsec-mb opens libcrypto's text");
  };
#endif
  row.check = [m0 = modules[0], m1 = modules[1], sealed, size] {
    check_module_gcm(*m0, *sealed, size);
    check_module_gcm(*m1, *sealed, size);
#if defined(CM_HAVE_IPSEC_MB)
    check_ipsec_mb_gcm(*sealed, size);
#endif
  };
  return row;
}

// Random bytes cannot be equal. The check is that two requests differ; that the generator is CTR_DRBG is for the tests.
Row drbg_row(Modules modules, size_t size) {
  Row row;
  row.name = "drbg";
  row.bytes = size;
  for (size_t i = 0; i < 2; ++i) {
    const Module& m = *modules[i];
    row.runners[i] = repeat(m, "cm_random_bytes",
                            [&m, size, w = work()] { return m.f().cm_random_bytes(m.session(), w->out.data(), size); });
  }
  row.runners[kOpenssl] = [size, w = work()](size_t jobs) {
    for (size_t i = 0; i < jobs; ++i) libcrypto_random(w->out.data(), size);
  };
  row.check = [m0 = modules[0], m1 = modules[1], size] {
    for (const Module* m : {m0, m1}) {
      Work a;
      Work b;
      m->require(m->f().cm_random_bytes(m->session(), a.out.data(), size), "cm_random_bytes");
      m->require(m->f().cm_random_bytes(m->session(), b.out.data(), size), "cm_random_bytes");
      expect(a.out != b.out, "two requests for random bytes differ");
    }
  };
  return row;
}

}  // namespace

std::vector<RowMaker> make_rows(const Module& ours, const Module& ours_noaudit) {
  const Modules modules{&ours, &ours_noaudit};
  std::vector<RowMaker> rows;
  for (const size_t key_size : {size_t{16}, size_t{32}}) {
    for (const size_t size : kSizes) rows.emplace_back([=] { return seal_row(modules, key_size, size); });
    for (const size_t size : kSizes) rows.emplace_back([=] { return open_row(modules, key_size, size); });
  }
  for (const size_t size : kSizes) rows.emplace_back([=] { return seal_random_iv_row(modules, 32, size); });
  add_hash_rows(rows, modules);
  add_kdf_rows(rows, modules);
  for (const size_t size : kSizesDrbg) rows.emplace_back([=] { return drbg_row(modules, size); });
  add_mode_rows(rows, modules);
  add_batch_rows(rows, modules);
  return rows;
}

std::string peer_versions() {
  std::string text = libcrypto_version();
#if defined(CM_HAVE_IPSEC_MB)
  text += ", " + ipsec_mb().version();
#endif
  return text;
}

}  // namespace cm::bench
