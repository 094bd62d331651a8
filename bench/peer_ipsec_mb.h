// SPDX-License-Identifier: Apache-2.0
// peer_ipsec_mb.h: Debian's libipsec-mb as a peer through its direct interface: keys expanded beforehand, one job a
// call, no scheduler. HMAC has no direct call and goes through the synchronous burst interface with one job. What has
// no direct call, and batches, go through its jobs: bursts where it has them, else submit and flush, without its
// checks.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

namespace cm::bench {

class IpsecMb {
 public:
  IpsecMb();
  ~IpsecMb();
  IpsecMb(const IpsecMb&) = delete;
  IpsecMb& operator=(const IpsecMb&) = delete;
  std::string version() const;

  // Key objects. gcm_key: 16 or 32 bytes.
  struct GcmKey;
  struct HmacKey;
  std::shared_ptr<GcmKey> gcm_key(const uint8_t* key, size_t key_size) const;
  std::shared_ptr<HmacKey> hmac_key(const uint8_t* key, size_t key_size) const;

  void seal(const GcmKey& key, uint8_t* out, uint8_t* tag, const uint8_t* iv, const uint8_t* aad, size_t aad_size,
            const uint8_t* in, size_t in_size) const;
  // open: the library leaves the comparison of tags to its caller, so it is done here.
  [[nodiscard]] bool open(const GcmKey& key, uint8_t* out, const uint8_t* tag, const uint8_t* iv, const uint8_t* aad,
                          size_t aad_size, const uint8_t* in, size_t in_size) const;
  enum class Work : uint8_t { kEcbEncrypt, kCbcEncrypt, kCbcDecrypt, kCtr, kCmac, kCcmSeal, kChaChaSeal };
  struct AesKey;
  // Job: iv: 16 bytes, 12 for CCM and ChaCha20-Poly1305; tag: 16 bytes, where there is one.
  struct Job {
    const AesKey* key;
    const uint8_t* iv;
    const uint8_t* aad;
    size_t aad_size;
    const uint8_t* in;
    size_t in_size;
    uint8_t* out;
    uint8_t* tag;
  };
  // aes_key: 16 or 32 bytes of AES key, or 32 of ChaCha20.
  std::shared_ptr<AesKey> aes_key(const uint8_t* key, size_t key_size) const;
  void run(Work work, const Job* jobs, size_t count) const;

  void sha256(uint8_t* digest, const uint8_t* in, size_t in_size) const;
  void hmac_sha256(const HmacKey& key, uint8_t* mac, const uint8_t* in, size_t in_size) const;

 private:
  struct Manager;
  std::unique_ptr<Manager> manager_;
};

}  // namespace cm::bench
