// SPDX-License-Identifier: Apache-2.0
// seal_secret.h: the secret from which the seeds of the clients' seals come (audit/seal.h): 32 bytes in a file of the
// run directory that only the writer's user can read, so that a writer that follows another knows them again. It must
// never reach a log. Without it clients of the writer before cannot come back.
#pragma once
#include <array>

#include "audit/chain.h"
#include "audit/record.h"
#include "audit/writer/error.h"

namespace cm::audit {

inline constexpr char kSealSecretName[] = "seal.secret";

using SealSeed = std::array<uint8_t, kSealSeedSize>;

class SealSecret {
 public:
  SealSecret() = default;
  ~SealSecret();
  SealSecret(const SealSecret&) = delete;
  SealSecret& operator=(const SealSecret&) = delete;

  // open: reads the file, or makes it when there is none. A file that others could read or have made is refused.
  Error open(int run_fd);
  // seed: the first 16 bytes of SHA-256(secret | log id | client id): always 64 bytes, of which the first 32 are
  // secret.
  SealSeed seed(Lane lane, const LogId& log_id, const std::array<uint8_t, kIdSize>& client_id) const;

 private:
  Error read_from(int fd);
  Error make(int run_fd);

  std::array<uint8_t, 32> bytes_{};
};

}  // namespace cm::audit
