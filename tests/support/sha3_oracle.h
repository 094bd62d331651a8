// SPDX-License-Identifier: Apache-2.0
// sha3_oracle.h: the functions of FIPS 202 by name, and what the system's libcrypto says of them, to compare with.
#pragma once
#include <openssl/evp.h>

#include <memory>
#include <string>

#include "crypto/sha3/sponge.h"
#include "tests/support/evp_oracle.h"

namespace cm::test {

struct Sha3Function {
  const char* name;  // in libcrypto, and in the files of NIST with _ for -
  size_t rate;
  uint8_t suffix;
  size_t size;  // of the digest; 0 for SHAKE
};

inline constexpr Sha3Function kSha3Functions[] = {
    {"SHA3-224", kSha3_224Rate, kSha3Suffix, kSha3_224Size},
    {"SHA3-256", kSha3_256Rate, kSha3Suffix, kSha3_256Size},
    {"SHA3-384", kSha3_384Rate, kSha3Suffix, kSha3_384Size},
    {"SHA3-512", kSha3_512Rate, kSha3Suffix, kSha3_512Size},
    {"SHAKE128", kShake128Rate, kShakeSuffix, 0},
    {"SHAKE256", kShake256Rate, kShakeSuffix, 0},
};

// evp_sha3: of libcrypto's digest of that name; size counts for those with output of any size.
inline Bytes evp_sha3(const std::string& name, const Bytes& message, size_t size) {
  const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> md(EVP_MD_fetch(nullptr, name.c_str(), nullptr), EVP_MD_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!md) throw std::runtime_error("libcrypto has no " + name);
  Bytes out(size + 1);
  must(EVP_DigestInit_ex(context.get(), md.get(), nullptr));
  must(EVP_DigestUpdate(context.get(), message.data(), message.size()));
  if (name.starts_with("SHA3")) {
    unsigned written = 0;
    must(EVP_DigestFinal_ex(context.get(), out.data(), &written));
    if (written != size) throw std::runtime_error(name + " has another size");
  } else if (size != 0) {
    must(EVP_DigestFinalXOF(context.get(), out.data(), size));
  }
  out.resize(size);
  return out;
}

inline Bytes sponge_of(Lane lane, const Sha3Function& f, const Bytes& message, size_t size) {
  Bytes out(size);
  sponge(lane, f.rate, f.suffix, out.data(), size, message.data(), message.size());
  return out;
}

}  // namespace cm::test
