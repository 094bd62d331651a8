// SPDX-License-Identifier: Apache-2.0
// peer_ipsec_mb.h: Debian's libipsec-mb as a peer through its direct interface: keys expanded beforehand, one job a
// call, no scheduler. What has no direct call, and batches, go through its jobs: bursts where it has them, else submit
// and flush, without its checks. Its direct hash functions do not use the SHA extensions, so that hashes are jobs too.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

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
  std::shared_ptr<GcmKey> gcm_key(const uint8_t* key, size_t key_size) const;

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

  enum class Hash : uint8_t { kSha1, kSha256, kSha512 };
  struct HmacKey;
  // hmac_key: key is no longer than a block of the hash.
  std::shared_ptr<HmacKey> hmac_key(Hash hash, const uint8_t* key, size_t key_size) const;
  // HashJob: digest takes the whole digest or MAC; key: null for a hash.
  struct HashJob {
    std::shared_ptr<HmacKey> key;
    const uint8_t* in;
    size_t in_size;
    uint8_t* digest;
  };
  // hasher: runs the batch, all of it hashes or all of it HMACs, with that of the library's managers that is the
  // fastest for it: the one for the newest processors is not always, least of all with few messages.
  std::function<void()> hasher(Hash hash, const std::vector<HashJob>& jobs) const;

 private:
  struct Manager;
  std::unique_ptr<Manager> manager_;
};

}  // namespace cm::bench
