// SPDX-License-Identifier: Apache-2.0
// ek_certificate.cpp: see ek_certificate.h.
#include "audit/verify/ek_certificate.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

#include "audit/attest/libcrypto.h"

namespace cm::audit::verify {
namespace {

constexpr char kEkPurpose[] = "2.23.133.8.1";  // tcg-kp-EKCertificate (profile, 3.2.16)
constexpr int kSecurityLevel = 2;              // 112 bits: no SHA-1, no RSA below 2048 bits in the chain
constexpr unsigned kRsaExponent = 65537;
constexpr size_t kRsaSize = 256;

constexpr uint8_t kTypeRsa[] = {0x00, 0x01};
constexpr uint8_t kTypeEcc[] = {0x00, 0x23};
constexpr uint8_t kCoordinateSize[] = {0x00, 0x20};
// The public areas of the templates L-1 and L-2 (profile, B.3.3 and B.3.4) between type and unique field: nameAlg
// SHA-256, fixedTPM | fixedParent | sensitiveDataOrigin | adminWithPolicy | restricted | decrypt, PolicyA, AES-128-CFB.
constexpr uint8_t kEkBegin[] = {0x00, 0x0b, 0x00, 0x03, 0x00, 0xb2, 0x00, 0x20, 0x83, 0x71, 0x97, 0x67,
                                0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
                                0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b,
                                0x33, 0x14, 0x69, 0xaa, 0x00, 0x06, 0x00, 0x80, 0x00, 0x43, 0x00, 0x10};
constexpr uint8_t kRsaEnd[] = {0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00};  // 2048 bits, exponent, 256 bytes
constexpr uint8_t kEccEnd[] = {0x00, 0x03, 0x00, 0x10};                          // NIST P-256, no KDF

using Store = std::unique_ptr<X509_STORE, Deleter<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, Deleter<X509_STORE_CTX_free>>;
using Purposes = std::unique_ptr<EXTENDED_KEY_USAGE, Deleter<EXTENDED_KEY_USAGE_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Deleter<GENERAL_NAMES_free>>;

struct FreeAll {
  void operator()(STACK_OF(X509) * all) const { sk_X509_pop_free(all, X509_free); }
};
using Certificates = std::unique_ptr<STACK_OF(X509), FreeAll>;

void append(Bytes& out, std::span<const uint8_t> bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

Digest digest_of(const X509* certificate) {
  Digest out{};
  X509_digest(certificate, EVP_sha256(), out.data(), nullptr);
  return out;
}

std::string name_text(const X509_NAME* name) {
  const Memory out(BIO_new(BIO_s_mem()));
  char* text = nullptr;
  // RFC 2253, but text of attributes that libcrypto has no name for (the TPM's maker and model) stays text.
  constexpr unsigned long kForm = XN_FLAG_RFC2253 & ~XN_FLAG_DUMP_UNKNOWN_FIELDS;
  if (!out || X509_NAME_print_ex(out.get(), name, 0, kForm) < 0) return {};
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<size_t>(size)};
}

// subject_text: many have an empty subject and name the TPM in the alternative name instead (profile, 3.2.9).
std::string subject_text(const X509* certificate) {
  if (X509_NAME_entry_count(X509_get_subject_name(certificate)) > 0)
    return name_text(X509_get_subject_name(certificate));
  const Names names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DIRNAME) return name_text(name->d.directoryName);
  }
  return {};
}

std::string seconds_text(std::time_t now) {
  constexpr uint64_t kNsPerSecond = 1'000'000'000;
  const std::string text = utc_text(static_cast<uint64_t>(now) * kNsPerSecond);
  return text.substr(0, text.find('.')) + "Z";
}

// certificate_in: the DER at the beginning; what fills the NV index behind it is all zero or all ones.
Certificate certificate_in(TpmBytes nv) {
  const uint8_t* end = nv.data();
  Certificate out(d2i_X509(nullptr, &end, static_cast<long>(nv.size())));
  if (!out) return nullptr;
  const TpmBytes rest = nv.subspan(static_cast<size_t>(end - nv.data()));
  const bool filled = std::ranges::all_of(rest, [](uint8_t b) { return b == 0; }) ||
                      std::ranges::all_of(rest, [](uint8_t b) { return b == 0xff; });
  return filled ? std::move(out) : nullptr;
}

// add_pem: every certificate of a PEM text; false when there is none, or something that is none.
bool add_pem(const std::string& text, STACK_OF(X509) * out) {
  const Memory in(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  int count = 0;
  while (in) {
    X509* one = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr);
    if (one == nullptr) break;
    if (sk_X509_push(out, one) <= 0) X509_free(one);
    ++count;
  }
  const unsigned long error = ERR_peek_last_error();
  ERR_clear_error();
  return count != 0 && ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

// check_usage: what the certificate says that its key is for. Extensions that it does not have forbid nothing.
bool check_usage(X509* certificate, EkKind kind, std::string& why) {
  const uint32_t needed = kind == EkKind::kRsa2048 ? KU_KEY_ENCIPHERMENT : KU_KEY_AGREEMENT;
  if (X509_check_ca(certificate) != 0) why = "it is a CA's certificate";
  if ((X509_get_key_usage(certificate) & needed) == 0) why = "its key usage does not allow this";
  const Purposes purposes(
      static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(certificate, NID_ext_key_usage, nullptr, nullptr)));
  if (!purposes) return why.empty();
  bool found = false;
  for (int i = 0; i < sk_ASN1_OBJECT_num(purposes.get()); ++i) {
    std::array<char, 64> text{};
    OBJ_obj2txt(text.data(), text.size(), sk_ASN1_OBJECT_value(purposes.get(), i), 1);
    found = found || std::string(text.data()) == kEkPurpose;
  }
  if (!found) why = fmt::format("its extended key usage is not that of endorsement certificates ({})", kEkPurpose);
  return why.empty();
}

// check_chain: the trusted certificate that it leads to. Whatever the auditor names as a root is the end of a chain;
// the certificate itself cannot be.
bool check_chain(X509* certificate, const CaFiles& cas, Digest& ca, std::string& why) {
  const Certificates roots(sk_X509_new_null()), between(sk_X509_new_null());
  if (!roots || !add_pem(cas.roots, roots.get())) return why = "the file of the roots holds no PEM certificates", false;
  for (const std::string& text : cas.intermediates)
    if (!add_pem(text, between.get())) return why = "a file of intermediates holds no PEM certificates", false;
  const Store store(X509_STORE_new());
  const StoreContext context(X509_STORE_CTX_new());
  for (int i = 0; store && i < sk_X509_num(roots.get()); ++i)
    X509_STORE_add_cert(store.get(), sk_X509_value(roots.get(), i));
  if (!store || !context || X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN) != 1 ||
      X509_STORE_CTX_init(context.get(), store.get(), certificate, between.get()) != 1)
    return why = "libcrypto refuses", false;
  X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(context.get()), kSecurityLevel);
  if (X509_verify_cert(context.get()) != 1) {
    const int error = X509_STORE_CTX_get_error(context.get());
    why = fmt::format("{}, {} above it", X509_verify_cert_error_string(error),
                      X509_STORE_CTX_get_error_depth(context.get()));
    return false;
  }
  const STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(context.get());
  if (sk_X509_num(chain) < 2) return why = "it stands among the roots itself", false;
  ca = digest_of(sk_X509_value(chain, sk_X509_num(chain) - 1));
  return true;
}

// template_with: empty when the key is not of this kind.
Bytes template_with(const EVP_PKEY* key, EkKind kind) {
  Bytes out;
  if (kind == EkKind::kEccP256) {
    const auto point = point_of(key);
    if (!point) return {};
    append(out, kTypeEcc);
    append(out, kEkBegin);
    append(out, kEccEnd);
    for (const auto* coordinate : {&point->x, &point->y}) {
      append(out, kCoordinateSize);
      append(out, *coordinate);
    }
    return out;
  }
  BIGNUM* n = nullptr;
  BIGNUM* e = nullptr;
  Bytes modulus(kRsaSize);
  const bool good = EVP_PKEY_is_a(key, "RSA") == 1 && EVP_PKEY_get_bits(key) == 8 * kRsaSize &&
                    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
                    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_is_word(e, kRsaExponent) == 1 &&
                    BN_bn2binpad(n, modulus.data(), kRsaSize) == kRsaSize;
  BN_free(n);
  BN_free(e);
  if (!good) return {};
  append(out, kTypeRsa);
  append(out, kEkBegin);
  append(out, kRsaEnd);
  append(out, modulus);
  return out;
}

}  // namespace

std::optional<CertifiedKey> check_ek_certificate(TpmBytes nv, EkKind kind, const CaFiles& cas, std::string& why) {
  const Certificate certificate = certificate_in(nv);
  std::string reason;
  CertifiedKey out;
  out.kind = kind;
  if (certificate) out.key.reset(X509_get_pubkey(certificate.get()), EVP_PKEY_free);
  if (out.key) out.ek_public = template_with(out.key.get(), kind);
  if (!certificate)
    reason = "it is no X.509 certificate";
  else if (out.ek_public.empty())
    reason = fmt::format("its key is not {}", ek_kind_text(kind));
  else if (check_usage(certificate.get(), kind, reason))
    check_chain(certificate.get(), cas, out.about.ca_sha256, reason);
  if (!reason.empty()) {
    why = "the endorsement certificate is refused: " + reason;
    return std::nullopt;
  }
  out.about.certificate_sha256 = digest_of(certificate.get());
  out.about.subject = subject_text(certificate.get());
  out.about.issuer = name_text(X509_get_issuer_name(certificate.get()));
  out.about.checked = seconds_text(std::time(nullptr));
  return out;
}

std::string ek_kind_text(EkKind kind) { return kind == EkKind::kRsa2048 ? "rsa-2048" : "ecc-p256"; }

std::optional<EkKind> ek_kind_of(const std::string& text) {
  for (const EkKind kind : {EkKind::kRsa2048, EkKind::kEccP256})
    if (text == ek_kind_text(kind)) return kind;
  return std::nullopt;
}

}  // namespace cm::audit::verify
