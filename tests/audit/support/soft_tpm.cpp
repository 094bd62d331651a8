// SPDX-License-Identifier: Apache-2.0
// soft_tpm.cpp: see soft_tpm.h. TCG TPM 2.0 Library, Part 2: Structures.
#include "tests/audit/support/soft_tpm.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include <stdexcept>

namespace cm::audit::test {
namespace {

void require(bool condition) {
  if (!condition) throw std::runtime_error("libcrypto refused");
}

constexpr uint16_t kAlgSha256 = 0x000b;

std::shared_ptr<EVP_PKEY> make_key(uint8_t seed) {
  std::array<uint8_t, 32> scalar;
  scalar.fill(seed);
  BIGNUM* d = BN_bin2bn(scalar.data(), scalar.size(), nullptr);
  EC_GROUP* group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  EC_POINT* point = EC_POINT_new(group);
  require(EC_POINT_mul(group, point, d, nullptr, nullptr, nullptr) == 1);
  std::array<uint8_t, 65> encoded;
  require(EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, encoded.data(), encoded.size(), nullptr) ==
          65);
  OSSL_PARAM_BLD* builder = OSSL_PARAM_BLD_new();
  OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size());
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, d);
  OSSL_PARAM* params = OSSL_PARAM_BLD_to_param(builder);
  EVP_PKEY_CTX* ctx = EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr);
  EVP_PKEY* key = nullptr;
  require(EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) == 1);
  EVP_PKEY_CTX_free(ctx);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(builder);
  EC_POINT_free(point);
  EC_GROUP_free(group);
  BN_free(d);
  return {key, EVP_PKEY_free};
}

Bytes coordinate(EVP_PKEY* key, const char* name) {
  BIGNUM* v = nullptr;
  require(EVP_PKEY_get_bn_param(key, name, &v) == 1);
  Bytes out(32);
  require(BN_bn2binpad(v, out.data(), 32) == 32);
  BN_free(v);
  return out;
}

void put_common(BigEndian& out, const AttestFields& f) {
  out.u32(f.magic).u16(f.type).sized(f.signer).sized(f.extra).u64(f.clock_ms).u32(f.reset_count).u32(f.restart_count);
  out.u8(f.safe).u64(f.firmware);
}

Bytes name_of(std::span<const uint8_t> area) {
  const Digest d = sha256_of(area);
  return BigEndian().u16(kAlgSha256).raw(d).take();
}

}  // namespace

Digest sha256_of(std::span<const uint8_t> bytes) {
  Digest out;
  require(EVP_Digest(bytes.data(), bytes.size(), out.data(), nullptr, EVP_sha256(), nullptr) == 1);
  return out;
}

BigEndian& BigEndian::u8(uint8_t v) {
  out_.push_back(v);
  return *this;
}
BigEndian& BigEndian::u16(uint16_t v) { return u8(static_cast<uint8_t>(v >> 8)).u8(static_cast<uint8_t>(v)); }
BigEndian& BigEndian::u32(uint32_t v) { return u16(static_cast<uint16_t>(v >> 16)).u16(static_cast<uint16_t>(v)); }
BigEndian& BigEndian::u64(uint64_t v) { return u32(static_cast<uint32_t>(v >> 32)).u32(static_cast<uint32_t>(v)); }
BigEndian& BigEndian::raw(std::span<const uint8_t> v) {
  out_.insert(out_.end(), v.begin(), v.end());
  return *this;
}
BigEndian& BigEndian::sized(std::span<const uint8_t> v) { return u16(static_cast<uint16_t>(v.size())).raw(v); }

Bytes marshal_quote(const AttestFields& f) {
  BigEndian out;
  put_common(out, f);
  out.u32(static_cast<uint32_t>(f.selection.size()));
  for (const auto& [bank, bits] : f.selection) {
    out.u16(bank).u8(3).u8(static_cast<uint8_t>(bits)).u8(static_cast<uint8_t>(bits >> 8));
    out.u8(static_cast<uint8_t>(bits >> 16));
  }
  return out.sized(f.digest_or_name).raw(f.trailing).take();
}

Bytes marshal_certification(const AttestFields& f) {
  BigEndian out;
  put_common(out, f);
  return out.sized(f.digest_or_name).u16(f.offset).sized(f.contents).raw(f.trailing).take();
}

Bytes ak_template(uint32_t attributes, std::span<const uint8_t> x, std::span<const uint8_t> y) {
  BigEndian out;
  out.u16(0x0023).u16(kAlgSha256).u32(attributes).sized({});
  out.u16(0x0010).u16(0x0018).u16(kAlgSha256).u16(0x0003).u16(0x0010);
  return out.sized(x).sized(y).take();
}

SoftTpm::SoftTpm(uint8_t key_seed) : key_(make_key(key_seed)) {
  ak_public_ = ak_template(kAkAttributes, coordinate(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X),
                           coordinate(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y));
  identity.kind = 1;
  identity.manufacturer = 0x49424d00;
  identity.firmware = 0x2019102300163636;
  identity.reset_count = 3;
  identity.clock_ms = 100000;
  identity.clock_safe = 1;
}

std::string SoftTpm::ak_pem() const {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  require(PEM_write_bio_PUBKEY(out.get(), key_.get()) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<size_t>(size)};
}

Bytes SoftTpm::nv_name() const {
  // TPMS_NV_PUBLIC of a written counter: index, name algorithm, attributes, policy, size.
  return name_of(BigEndian().u32(nv_index).u16(kAlgSha256).u32(0x22060016).sized({}).u16(8).take());
}

Bytes SoftTpm::qualified_signer() const { return name_of(BigEndian().u32(0x4000000b).raw(name_of(ak_public_)).take()); }

void SoftTpm::extend(const Digest& digest) { pcr = sha256_of(BigEndian().raw(pcr).raw(digest).take()); }

void SoftTpm::reset(bool orderly) {
  ++identity.reset_count;
  identity.restart_count = 0;
  identity.clock_safe = orderly ? 1 : 0;
  pcr.fill(0);
}

AttestFields SoftTpm::quote_fields(const Digest& extra) const {
  AttestFields f;
  f.type = 0x8018;
  f.signer = qualified_signer();
  f.extra.assign(extra.begin(), extra.end());
  f.clock_ms = identity.clock_ms;
  f.reset_count = identity.reset_count;
  f.restart_count = identity.restart_count;
  f.safe = identity.clock_safe;
  f.firmware = identity.firmware;
  f.selection = {{kAlgSha256, 1u << pcr_index}};
  const Digest d = sha256_of(pcr);
  f.digest_or_name.assign(d.begin(), d.end());
  return f;
}

AttestFields SoftTpm::certification_fields(const Digest& extra) const {
  AttestFields f = quote_fields(extra);
  f.type = 0x8014;
  f.digest_or_name = nv_name();
  f.contents = BigEndian().u64(nv_value).take();
  return f;
}

Bytes SoftTpm::sign(const Bytes& attest) {
  const size_t made = signatures_made_++;
  if (made < prepared_signatures.size()) return prepared_signatures[made];
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> ctx(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::array<uint8_t, 80> der;
  size_t size = der.size();
  require(EVP_DigestSignInit(ctx.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1);
  require(EVP_DigestSign(ctx.get(), der.data(), &size, attest.data(), attest.size()) == 1);
  const uint8_t* p = der.data();
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> sig(d2i_ECDSA_SIG(nullptr, &p, static_cast<long>(size)),
                                                                  ECDSA_SIG_free);
  Bytes r(32), s(32);
  require(BN_bn2binpad(ECDSA_SIG_get0_r(sig.get()), r.data(), 32) == 32);
  require(BN_bn2binpad(ECDSA_SIG_get0_s(sig.get()), s.data(), 32) == 32);
  return BigEndian().u16(0x0018).u16(kAlgSha256).sized(r).sized(s).take();
}

}  // namespace cm::audit::test
