// SPDX-License-Identifier: Apache-2.0
// ek_authority.h: a maker of TPMs with its CA, for tests: certificates of endorsement keys as the TCG profile has them,
// and such as it does not.
#pragma once
#include <ctime>
#include <memory>
#include <string>

#include "audit/payload.h"

struct evp_pkey_st;
struct x509_st;

namespace cm::audit::test {

using TestKey = std::shared_ptr<evp_pkey_st>;

TestKey new_ec_key();
TestKey new_rsa_key(unsigned bits = 2048);
TestKey key_from_pem(const std::string& pem);

// CertificatePlan: extensions are a section of an OpenSSL configuration.
struct CertificatePlan {
  std::string extensions;
  std::string common_name;  // empty: an empty subject
  std::time_t from_s = -3600;
  std::time_t until_s = 3600;  // both from now
};
// ek_extensions: of an endorsement certificate; usage "keyAgreement" or "keyEncipherment".
std::string ek_extensions(const std::string& usage);

class Authority {
 public:
  // A root, or what the parent certified.
  explicit Authority(const std::string& common_name, const Authority* parent = nullptr,
                     const CertificatePlan* plan = nullptr);
  std::string pem() const;
  Digest sha256() const;
  // issue: DER.
  Bytes issue(const TestKey& key, const CertificatePlan& plan) const;

 private:
  std::shared_ptr<x509_st> make(const TestKey& key, const CertificatePlan& plan) const;

  TestKey key_;
  std::shared_ptr<x509_st> certificate_;
};

}  // namespace cm::audit::test
