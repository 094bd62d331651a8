// SPDX-License-Identifier: Apache-2.0
// one_step.cpp: see one_step.h; KMAC is in one_step_kmac.cpp.
#include "crypto/kdf/one_step.h"

#include "crypto/kdf/prf.h"

namespace cm {
namespace {

// HashOnce: a hash with the face of a Prf.
class HashOnce {
 public:
  HashOnce(HashId id, Lane lane) : id_(id), lane_(lane) {}
  ~HashOnce() { zeroise(&ctx_, sizeof ctx_); }
  HashOnce(const HashOnce&) = delete;
  HashOnce& operator=(const HashOnce&) = delete;

  size_t size() const { return hash_row(id_).digest_size; }
  void begin() { hash_init(ctx_, id_, lane_); }
  void add(const uint8_t* in, size_t in_size) { hash_update(ctx_, in, in_size); }
  void end(uint8_t* out) { hash_final(ctx_, out); }

 private:
  HashId id_;
  Lane lane_;
  Hash ctx_ = {};
};

enum class CounterPlace : uint8_t { kBeforeSecret, kBehindSecret };

template <class H>
void add_counter(H& h, uint32_t i) {
  uint8_t counter[4];
  store_be32(counter, i);
  h.add(counter, sizeof counter);
}

template <CounterPlace kPlace, class H>
Status derive(H& h, uint8_t* out, size_t out_size, const OneStepInput& input) {
  const size_t size = h.size();
  if (out_size == 0 || (out_size - 1) / size >= UINT32_MAX) return Status::kLength;
  SecretArray<kPrfMaxSize> block;
  for (uint32_t i = 1; out_size != 0; ++i) {
    h.begin();
    if constexpr (kPlace == CounterPlace::kBeforeSecret) add_counter(h, i);
    h.add(input.secret, input.secret_size);
    if constexpr (kPlace == CounterPlace::kBehindSecret) add_counter(h, i);
    h.add(input.info, input.info_size);
    h.end(block.expose());
    const size_t take = out_size < size ? out_size : size;
    std::memcpy(out, block.expose(), take);
    out += take;
    out_size -= take;
  }
  return Status::kOk;
}

}  // namespace

Status one_step_hash(HashId id, Lane lane, uint8_t* out, size_t out_size, const OneStepInput& input) {
  HashOnce h(id, lane);
  return derive<CounterPlace::kBeforeSecret>(h, out, out_size, input);
}

Status one_step_hmac(const HmacKey& salt, uint8_t* out, size_t out_size, const OneStepInput& input) {
  HmacPrf h(salt);
  return derive<CounterPlace::kBeforeSecret>(h, out, out_size, input);
}

Status x963_kdf(HashId id, Lane lane, uint8_t* out, size_t out_size, const OneStepInput& input) {
  HashOnce h(id, lane);
  return derive<CounterPlace::kBehindSecret>(h, out, out_size, input);
}

}  // namespace cm
