// SPDX-License-Identifier: Apache-2.0
// ek_authority.cpp: see ek_authority.h.
#include "tests/audit/support/ek_authority.h"

#include <openssl/conf.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace cm::audit::test {
namespace {

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Memory = std::unique_ptr<BIO, FreeBio>;

void add_extensions(X509* certificate, X509* issuer, const std::string& text) {
  const std::string configuration =
      "[all]\n" + text + "\n[tpm]\n0.2.23.133.2.1=id:49424D00\n0.2.23.133.2.2=test\n0.2.23.133.2.3=id:00010002\n";
  const Memory in(BIO_new_mem_buf(configuration.data(), static_cast<int>(configuration.size())));
  const std::unique_ptr<CONF, decltype(&NCONF_free)> conf(NCONF_new(nullptr), NCONF_free);
  long line = 0;
  require(NCONF_load_bio(conf.get(), in.get(), &line) == 1, "configuration");
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509V3_set_nconf(&context, conf.get());
  require(X509V3_EXT_add_nconf(conf.get(), &context, "all", certificate) == 1, "extensions");
}

constexpr char kCaExtensions[] = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n";

}  // namespace

TestKey new_ec_key() { return {EVP_EC_gen("P-256"), EVP_PKEY_free}; }
TestKey new_rsa_key(unsigned bits) { return {EVP_RSA_gen(bits), EVP_PKEY_free}; }

TestKey key_from_pem(const std::string& pem) {
  const Memory in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  TestKey key(PEM_read_bio_PUBKEY(in.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  require(key != nullptr, "public key");
  return key;
}

std::string ek_extensions(const std::string& usage) {
  return "basicConstraints=critical,CA:FALSE\nkeyUsage=critical," + usage +
         "\nextendedKeyUsage=2.23.133.8.1\nsubjectAltName=critical,dirName:tpm\n";
}

Authority::Authority(const std::string& common_name, const Authority* parent, const CertificatePlan* plan)
    : key_(new_ec_key()) {
  CertificatePlan own = plan != nullptr ? *plan : CertificatePlan{};
  own.common_name = common_name;
  if (own.extensions.empty()) own.extensions = kCaExtensions;
  certificate_ = parent != nullptr ? parent->make(key_, own) : make(key_, own);
}

std::shared_ptr<X509> Authority::make(const TestKey& key, const CertificatePlan& plan) const {
  static long serial = 0;
  std::shared_ptr<X509> out(X509_new(), X509_free);
  X509_set_version(out.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(out.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(out.get()), plan.from_s);
  X509_gmtime_adj(X509_getm_notAfter(out.get()), plan.until_s);
  X509_set_pubkey(out.get(), key.get());
  X509_NAME* subject = X509_get_subject_name(out.get());
  if (!plan.common_name.empty())
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(plan.common_name.c_str()), -1, -1, 0);
  X509* issuer = certificate_ ? certificate_.get() : out.get();
  X509_set_issuer_name(out.get(), X509_get_subject_name(issuer));
  add_extensions(out.get(), issuer, plan.extensions);
  require(X509_sign(out.get(), key_.get(), EVP_sha256()) > 0, "signature");
  return out;
}

std::string Authority::pem() const {
  const Memory out(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_X509(out.get(), certificate_.get()) == 1, "PEM");
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<size_t>(size)};
}

Digest Authority::sha256() const {
  Digest out{};
  require(X509_digest(certificate_.get(), EVP_sha256(), out.data(), nullptr) == 1, "digest");
  return out;
}

Bytes Authority::issue(const TestKey& key, const CertificatePlan& plan) const {
  const auto made = make(key, plan);
  uint8_t* der = nullptr;
  const int size = i2d_X509(made.get(), &der);
  require(size > 0, "DER");
  Bytes out(der, der + size);
  OPENSSL_free(der);
  return out;
}

}  // namespace cm::audit::test
