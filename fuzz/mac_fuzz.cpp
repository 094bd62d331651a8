// SPDX-License-Identifier: Apache-2.0
// mac_fuzz: HMAC, CMAC and KMAC at once and by contexts of any pieces, and GMAC, on a lane that the input chooses,
// against the system's libcrypto; sizes that are wrong, MACs that are wrong, two contexts of one key side by side.
//
// Input: choices as service.h reads them.
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <algorithm>
#include <string>

#include "crypto/module/key_algorithms.h"
#include "fuzz/service.h"

namespace {

using namespace cm::fuzz;  // NOLINT(google-build-using-namespace): the subject of this file

constexpr size_t kTextMax = 3000, kMacMax = 64, kKmacMax = 700;

struct Case {
  uint32_t algorithm;
  Bytes raw, text, whole;  // whole: the MAC by libcrypto; of KMAC, whose MACs have any size, nothing
  Bytes custom;            // of KMAC by contexts
  cm_rc reason;            // CM_OK, or why the key is not approved
};

bool is_kmac(const Case& c) { return cm::key_algorithm(c.algorithm)->form == cm::KeyForm::kKmac; }

// by_libcrypto: iv for GMAC.
Bytes by_libcrypto(const char* mac, const std::string& inside, const Bytes& raw, const Bytes& text,
                   const Bytes& iv = {}) {
  OSSL_PARAM params[] = {OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end()};
  Bytes copy = iv;
  if (!iv.empty()) params[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_IV, copy.data(), copy.size());
  Bytes out(kMacMax);
  size_t size = 0;
  require(EVP_Q_mac(nullptr, mac, nullptr, inside.c_str(), params, raw.data(), raw.size(), text.data(), text.size(),
                    out.data(), out.size(), &size) != nullptr,
          "libcrypto refuses");
  out.resize(size);
  return out;
}

Bytes kmac_by_libcrypto(const Case& c, const Bytes& custom, size_t size) {
  const bool is_128 = c.algorithm == CM_ALG_KMAC128 || c.algorithm == CM_ALG_KMACXOF128;
  int xof = c.algorithm == CM_ALG_KMACXOF128 || c.algorithm == CM_ALG_KMACXOF256 ? 1 : 0;
  Bytes copy = custom, out(size);
  size_t written = 0;
  copy.push_back(0);  // a pointer even without a customization
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_CUSTOM, copy.data(), custom.size()),
                               OSSL_PARAM_construct_int(OSSL_MAC_PARAM_XOF, &xof),
                               OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end()};
  require(EVP_Q_mac(nullptr, is_128 ? "KMAC128" : "KMAC256", nullptr, nullptr, params, c.raw.data(), c.raw.size(),
                    c.text.data(), c.text.size(), out.data(), size, &written) != nullptr &&
              written == size,
          "libcrypto refuses");
  return out;
}

std::string aes(const Bytes& raw, const char* mode) { return "AES-" + std::to_string(raw.size() * 8) + "-" + mode; }

// any_algorithm: CMAC, HMAC over any hash, KMAC.
const cm::KeyAlgorithmRow& any_algorithm(Input& input) {
  const uint8_t choice = input.byte();
  if (choice % 2 == 0) return *cm::key_algorithm(CM_ALG_AES_CMAC);
  static_assert(CM_ALG_KMAC128 == CM_ALG_HMAC_SHA3_512 + 1);
  const size_t count = CM_ALG_KMACXOF256 - CM_ALG_HMAC_SHA1 + 1, which = choice / 2 % (count + 1);
  return *cm::key_algorithm(which == count ? CM_ALG_HMAC_SHA256 : static_cast<uint32_t>(CM_ALG_HMAC_SHA1 + which));
}

Case read_case(Input& input) {
  const cm::KeyAlgorithmRow& row = any_algorithm(input);
  Case c;
  c.algorithm = row.algorithm;
  c.raw = any_raw_key(input, c.algorithm);
  c.text = input.noise(input.size(kTextMax));
  if (is_kmac(c)) {
    c.raw.resize(std::max<size_t>(c.raw.size(), 4));  // libcrypto takes no shorter one
    c.custom = input.noise(input.size(300));
  } else if (row.form == cm::KeyForm::kHmac) {
    c.whole = by_libcrypto("HMAC", cm::hash_row(row.hash).name, c.raw, c.text);
  } else {
    c.whole = by_libcrypto("CMAC", aes(c.raw, "CBC"), c.raw, c.text);
  }
  c.reason = row.form != cm::KeyForm::kCmac && c.raw.size() < 14 ? CM_NOT_APPROVED_SHORT_KEY : CM_OK;
  return c;
}

size_t mac_size(Input& input, const Case& c) {
  if (input.rare()) return input.byte() % 80;
  return is_kmac(c) ? 4 + input.size(kKmacMax) : c.whole.size() - input.byte() % 4;
}
bool fits(const Case& c, size_t size) {
  return size >= (c.algorithm == CM_ALG_AES_CMAC ? 8U : 4U) && (is_kmac(c) || size <= c.whole.size());
}
Bytes first_bytes(const Bytes& all, size_t size) {
  return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(size)};
}
Bytes right(const Case& c, const Bytes& custom, size_t size) {
  return is_kmac(c) ? kmac_by_libcrypto(c, custom, size) : first_bytes(c.whole, size);
}

void check_at_once(Input& input, const Case& c, cm_key key) {
  const size_t size = mac_size(input, c);
  Texts texts(input, c.text, size);
  const cm_rc rc = cm_mac_compute(session(), key, texts.out(), size, texts.in(), c.text.size());
  if (fits(c, size) && !texts.overlapping(size)) {
    require(rc == c.reason, "a MAC is refused");
    require(texts.output_is(right(c, {}, size)), "a MAC is not that of libcrypto");
    return require(texts.only_output_changed(size), "written outside the MAC");
  }
  require((rc == CM_ERR_OVERLAP && texts.overlapping(size)) || (rc == CM_ERR_LENGTH && !fits(c, size)) ||
              (rc == CM_ERR_NULL && size == 0),
          "a wrong MAC has a wrong answer");
  require(texts.only_output_changed(0), "a refused MAC was written");
}

void check_verify(Input& input, const Case& c, cm_key key) {
  const size_t size = mac_size(input, c);
  if (size == 0 || (!is_kmac(c) && size > c.whole.size())) return;
  Bytes mac = fits(c, size) ? right(c, {}, size) : Bytes(size);
  const auto verify = [&] { return cm_mac_verify(session(), key, mac.data(), size, c.text.data(), c.text.size()); };
  require(verify() == (fits(c, size) ? c.reason : CM_ERR_LENGTH), "a right MAC has a wrong answer");
  mac[input.byte() % size] ^= static_cast<uint8_t>(1u << input.byte() % 8);
  require(verify() == (fits(c, size) ? CM_ERR_AUTH : CM_ERR_LENGTH), "a wrong MAC is accepted");
}

// ---- contexts

cm_mac begin(const Case& c, cm_key key) {
  cm_mac context{};
  const bool plain = c.custom.empty();
  if (plain && !is_kmac(c))
    require(cm_mac_init_custom(session(), &context, key, nullptr, 0) == CM_ERR_USAGE && context.v == 0,
            "a customization of a MAC that has none");
  require((plain ? cm_mac_init(session(), &context, key)
                 : cm_mac_init_custom(session(), &context, key, c.custom.data(), c.custom.size())) == c.reason &&
              context.v != 0,
          "no context");
  return context;
}

// feed: the next piece of the text; a copy of its exact size, so that what is read beyond it is seen.
void feed(Input& input, const Case& c, cm_mac context, size_t& done) {
  const size_t left = c.text.size() - done, chosen = input.size(left), now = chosen == 0 ? left : chosen;
  const auto from = c.text.begin() + static_cast<std::ptrdiff_t>(done);
  const Bytes piece(from, from + static_cast<std::ptrdiff_t>(now));
  if (input.rare()) require(cm_mac_update(session(), context, nullptr, now + 1) == CM_ERR_NULL, "a piece from nowhere");
  require(cm_mac_update(session(), context, piece.data(), now) == c.reason, "a piece is refused");
  done += now;
}

void end(Input& input, const Case& c, cm_mac context) {
  const size_t size = mac_size(input, c);
  Bytes mac(size, 0xee);
  if (!fits(c, size)) {
    const cm_rc rc = cm_mac_final(session(), context, mac.data(), size);
    require(rc == CM_ERR_LENGTH || (rc == CM_ERR_NULL && size == 0), "a wrong size has a wrong answer");
    require(mac == Bytes(size, 0xee), "a refused end was written");
    mac.resize(is_kmac(c) ? 32 : c.whole.size());
  }
  require(cm_mac_final(session(), context, mac.data(), mac.size()) == c.reason, "no end");
  require(mac == right(c, c.custom, mac.size()), "pieces are not the whole");
  require(cm_mac_free(session(), context) == CM_ERR_HANDLE, "a context outlives its end");
}

// check_pieces: two contexts in turns.
void check_pieces(Input& input, const Case& c, Key& key) {
  const cm_mac contexts[] = {begin(c, key.get()), begin(c, key.get())};
  size_t done[2] = {};
  while (done[0] < c.text.size() || done[1] < c.text.size())
    for (int i = 0; i < 2; ++i)
      if (done[i] < c.text.size()) feed(input, c, contexts[i], done[i]);
  end(input, c, contexts[0]);
  if (!input.rare()) return end(input, c, contexts[1]);
  key.destroy();
  Bytes mac(16, 0xee);
  require(cm_mac_update(session(), contexts[1], mac.data(), 1) == CM_ERR_HANDLE, "an update without a key");
  require(cm_mac_final(session(), contexts[1], mac.data(), 16) == CM_ERR_HANDLE && mac == Bytes(16),
          "an end without a key");
}

// ---- GMAC

void check_gmac(Input& input) {
  const Bytes raw = any_raw_key(input, CM_ALG_AES_GMAC);
  const size_t iv_size = input.rare() ? input.byte() % 70 : 12;
  const Bytes aad = input.noise(input.size(kTextMax));
  Bytes iv = input.bytes(iv_size);
  const size_t size = input.rare() ? input.byte() % 20 : 16;
  const bool fits = size >= 12 && size <= 16 && iv_size >= 1 && iv_size <= 64;
  const Key key(key_params(CM_ALG_AES_GMAC), raw);
  Bytes tag(size, 0xee);
  const cm_rc rc = cm_aead_seal_caller_iv(session(), key.get(), nullptr, 0, iv.data(), iv_size, tag.data(), size,
                                          aad.data(), aad.size(), nullptr, 0);
  if (!fits) {
    require(rc == CM_ERR_LENGTH || (rc == CM_ERR_NULL && (size == 0 || iv_size == 0)),
            "a wrong GMAC has a wrong answer");
    return require(tag == Bytes(size, 0xee), "a refused GMAC was written");
  }
  require(rc == CM_NOT_APPROVED_CALLER_IV, "a GMAC is refused");
  require(tag == first_bytes(by_libcrypto("GMAC", aes(raw, "GCM"), raw, aad, iv), size),
          "a GMAC is not that of libcrypto");
  const auto open = [&] {
    return cm_aead_open(session(), key.get(), nullptr, 0, iv.data(), iv_size, tag.data(), size, aad.data(), aad.size(),
                        nullptr, 0);
  };
  require(open() == CM_OK, "a right GMAC is refused");
  tag[input.byte() % size] ^= static_cast<uint8_t>(1u << input.byte() % 8);
  require(open() == CM_ERR_AUTH, "a wrong GMAC is accepted");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  start_case(input);
  if (input.byte() % 4 == 3) {
    check_gmac(input);
  } else {
    const Case c = read_case(input);
    Key key(key_params(c.algorithm), c.raw);
    check_at_once(input, c, key.get());
    check_verify(input, c, key.get());
    check_pieces(input, c, key);
  }
  end_case();
  return 0;
}
