// SPDX-License-Identifier: Apache-2.0
// kdf.cpp: see kdf.h. SP 800-56C, SP 800-108, SP 800-132, SP 800-135, RFC 5869, RFC 8446.
#include "crypto/module/kdf.h"

#include "crypto/base/secret.h"
#include "crypto/kdf/hkdf.h"
#include "crypto/kdf/kbkdf.h"
#include "crypto/kdf/one_step.h"
#include "crypto/kdf/pbkdf2.h"
#include "crypto/kdf/ssh_kdf.h"
#include "crypto/kdf/tls12_prf.h"
#include "crypto/kdf/two_step.h"
#include "crypto/module/c_abi.h"
#include "crypto/module/kdf_functions.h"
#include "crypto/module/lanes.h"

namespace cm {
namespace {

using abi::In;

constexpr size_t kApprovedSecretSize = 14;  // SP 800-131A: 112 bits
constexpr size_t kTls13IvSize = 12;

// Wiped: a key object for the length of one derivation.
template <class T>
struct Wiped {
  Wiped() = default;
  ~Wiped() { zeroise(&value, sizeof value); }
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  T value;
};

HashId hash_of(const cm_kdf_params& params) { return static_cast<HashId>(params.hash); }
Lane hash_lane_of(const cm_kdf_params& params) { return hash_lane(hash_of(params), hash_lanes()); }
uint32_t kmac_bits(const cm_kdf_params& params) { return params.prf == CM_PRF_KMAC128 ? 128 : 256; }
bool is_kmac(const cm_kdf_params& params) { return params.prf == CM_PRF_KMAC128 || params.prf == CM_PRF_KMAC256; }
bool has_hash(const cm_kdf_params& params) {
  return params.prf == 0 || params.prf == CM_PRF_HASH || params.prf == CM_PRF_HMAC;
}

// ---- checks

Status check_field(In field, bool taken, uint64_t& total) {
  if (!taken) return field.p == nullptr && field.size == 0 ? Status::kOk : Status::kArgument;
  if (field.missing()) return Status::kNull;
  if (field.wraps() || !hash_takes(total, field.size)) return Status::kLength;
  total += field.size;
  return Status::kOk;
}

// check_fields: that all of them together can be hashed as one message, and that none is there in vain.
Status check_fields(const cm_kdf_params& p, uint32_t fields) {
  constexpr uint64_t kOwn = 1024;  // more than any function adds: keys, blocks, counters, encodings
  uint64_t total = kOwn;
  const bool salt_is_key = p.salt_key.v != 0;
  const struct {
    In field;
    bool taken;
  } all[] = {
      {{p.input, p.input_size}, p.secret.v == 0},
      {{p.salt, p.salt_size}, (fields & kKdfSalt) != 0 && !salt_is_key},
      {{p.label, p.label_size}, (fields & kKdfLabel) != 0},
      {{p.context, p.context_size}, (fields & kKdfContext) != 0},
      {{p.iv, p.iv_size}, p.mode == CM_KBKDF_FEEDBACK},
  };
  for (const auto& row : all)
    if (const Status s = check_field(row.field, row.taken, total); !succeeded(s)) return s;
  const bool takes_salt_key = (fields & kKdfSalt) != 0 && (fields & (kKdfSsh | kKdfIterations)) == 0;
  return salt_is_key && !takes_salt_key ? Status::kArgument : Status::kOk;
}

// check_mode: of SP 800-108; KMAC has none.
Status check_mode(const cm_kdf_params& p, uint32_t fields) {
  constexpr uint32_t kFixedInput = CM_KDF_NO_SEPARATOR | CM_KDF_NO_LENGTH;
  constexpr uint32_t kSshForm = CM_KDF_SSH_STRING | CM_KDF_SSH_ENCODED;
  const bool modes = (fields & kKdfMode) != 0 && !is_kmac(p);
  const bool ssh = (fields & kKdfSsh) != 0;
  if ((p.flags & ~((modes ? kFixedInput : 0) | (ssh ? kSshForm : 0))) != 0 || (p.flags & kSshForm) == kSshForm)
    return Status::kArgument;
  if (!modes) return p.mode == 0 && p.counter_bits == 0 && p.counter_place == 0 ? Status::kOk : Status::kArgument;
  const bool known = p.mode >= CM_KBKDF_COUNTER && p.mode <= CM_KBKDF_DOUBLE_PIPELINE &&
                     p.counter_place <= CM_COUNTER_FIRST && (p.counter_bits != 0 || p.counter_place == 0);
  const bool fed_back = p.mode != CM_KBKDF_COUNTER || p.counter_place != CM_COUNTER_FIRST;
  return known && fed_back ? Status::kOk : Status::kArgument;
}

// ---- the functions

KdfBytes bytes(const void* p, size_t size) { return {static_cast<const uint8_t*>(p), size}; }

Status hkdf(const KdfCall& call, uint8_t* out, size_t out_size) {
  const cm_kdf_params& p = call.params;
  const Lane lane = hash_lane_of(p);
  const size_t size = hash_row(hash_of(p)).digest_size;
  SecretArray<kHashMaxSize> prk;
  const KdfBytes info = bytes(p.context, p.context_size);
  Wiped<HmacKey> key;
  if (p.function == CM_KDF_HKDF_EXPAND) {
    hmac_key_init(key.value, hash_of(p), lane, call.secret.p, call.secret.size);
    return hkdf_expand(key.value, out, out_size, info.p, info.size);
  }
  if (p.function == CM_KDF_HKDF_EXTRACT && out_size != size) return Status::kLength;
  hkdf_extract(hash_of(p), lane, prk.expose(), call.salt.p, call.salt.size, call.secret.p, call.secret.size);
  if (p.function == CM_KDF_HKDF_EXTRACT) {
    std::memcpy(out, prk.expose(), size);
    return Status::kOk;
  }
  hmac_key_init(key.value, hash_of(p), lane, prk.expose(), size);
  return hkdf_expand(key.value, out, out_size, info.p, info.size);
}

Status tls13_label(const KdfCall& call, uint8_t* out, size_t out_size, KdfBytes label, KdfBytes context) {
  Wiped<HmacKey> key;
  hmac_key_init(key.value, hash_of(call.params), hash_lane_of(call.params), call.secret.p, call.secret.size);
  return tls13_expand_label(key.value, out, out_size, label.p, label.size, context.p, context.size);
}

Status tls12(const KdfCall& call, uint8_t* out, size_t out_size) {
  const cm_kdf_params& p = call.params;
  const KdfBytes label = bytes(p.label, p.label_size), seed = bytes(p.context, p.context_size);
  Wiped<HmacKey> key;
  hmac_key_init(key.value, hash_of(p), hash_lane_of(p), call.secret.p, call.secret.size);
  return tls12_prf(key.value, out, out_size, label.p, label.size, seed.p, seed.size);
}

// FixedInput: label, a byte of zero, context and the length of the output in bits (SP 800-108 4), with the counter
// before, behind or after the label.
class FixedInput {
 public:
  FixedInput(const cm_kdf_params& p, size_t out_size) {
    store_be32(length_, static_cast<uint32_t>(out_size * 8));
    add({static_cast<const uint8_t*>(p.label), p.label_size});
    if ((p.flags & CM_KDF_NO_SEPARATOR) == 0) add({&kZero, 1});
    add({static_cast<const uint8_t*>(p.context), p.context_size});
    if ((p.flags & CM_KDF_NO_LENGTH) == 0) add({length_, sizeof length_});
    size_t before = 0;
    if (p.counter_place == CM_COUNTER_AFTER) before = count_;
    if (p.counter_place == CM_COUNTER_MIDDLE) before = 1;
    input_ = {static_cast<KbkdfMode>(p.mode - CM_KBKDF_COUNTER),
              p.counter_bits,
              {static_cast<const uint8_t*>(p.iv), p.iv_size},
              parts_,
              before,
              parts_ + before,
              count_ - before,
              p.counter_place == CM_COUNTER_FIRST};
  }
  const KbkdfInput& input() const { return input_; }

 private:
  static constexpr uint8_t kZero = 0;
  void add(KbkdfPart part) { parts_[count_++] = part; }
  uint8_t length_[4];
  KbkdfPart parts_[4];
  size_t count_ = 0;
  KbkdfInput input_;
};
static_assert(static_cast<int>(KbkdfMode::kFeedback) == CM_KBKDF_FEEDBACK - CM_KBKDF_COUNTER &&
              static_cast<int>(KbkdfMode::kDoublePipeline) == CM_KBKDF_DOUBLE_PIPELINE - CM_KBKDF_COUNTER);

Status kbkdf(const KdfCall& call, uint8_t* out, size_t out_size) {
  const cm_kdf_params& p = call.params;
  if (is_kmac(p)) {
    const KdfBytes label = bytes(p.label, p.label_size), context = bytes(p.context, p.context_size);
    return kbkdf_kmac(lanes().keccak, kmac_bits(p), call.secret.p, call.secret.size, out, out_size, label.p, label.size,
                      context.p, context.size);
  }
  if (out_size > UINT32_MAX / 8) return Status::kLength;  // L has 32 bits
  const FixedInput fixed(p, out_size);
  if (p.prf == CM_PRF_CMAC) {
    Wiped<CmacKey> key;
    const Status s = cmac_key_init(key.value, lanes().aes, call.secret.p, call.secret.size);
    return succeeded(s) ? kbkdf_cmac(key.value, out, out_size, fixed.input()) : s;
  }
  Wiped<HmacKey> key;
  hmac_key_init(key.value, hash_of(p), hash_lane_of(p), call.secret.p, call.secret.size);
  return kbkdf_hmac(key.value, out, out_size, fixed.input());
}

Status two_step(const KdfCall& call, uint8_t* out, size_t out_size) {
  const cm_kdf_params& p = call.params;
  if (out_size > UINT32_MAX / 8) return Status::kLength;
  const FixedInput fixed(p, out_size);
  if (p.prf == CM_PRF_CMAC) {
    constexpr uint8_t kNoSalt[16] = {};  // SP 800-56C 5.1
    const KdfBytes salt = call.salt.size != 0 ? call.salt : KdfBytes{kNoSalt, sizeof kNoSalt};
    Wiped<CmacKey> key;
    const Status s = cmac_key_init(key.value, lanes().aes, salt.p, salt.size);
    return succeeded(s) ? two_step_cmac(key.value, out, out_size, call.secret.p, call.secret.size, fixed.input()) : s;
  }
  Wiped<HmacKey> key;
  hmac_key_init(key.value, hash_of(p), hash_lane_of(p), call.salt.p, call.salt.size);
  return two_step_hmac(key.value, out, out_size, call.secret.p, call.secret.size, fixed.input());
}

Status one_step(const KdfCall& call, uint8_t* out, size_t out_size) {
  const cm_kdf_params& p = call.params;
  const KdfBytes info = bytes(p.context, p.context_size);
  const OneStepInput input = {call.secret.p, call.secret.size, info.p, info.size};
  if (p.function == CM_KDF_X963) return x963_kdf(hash_of(p), hash_lane_of(p), out, out_size, input);
  if (is_kmac(p)) return one_step_kmac(lanes().keccak, kmac_bits(p), call.salt.p, call.salt.size, out, out_size, input);
  if (p.prf == CM_PRF_HASH) return one_step_hash(hash_of(p), hash_lane_of(p), out, out_size, input);
  Wiped<HmacKey> key;
  hmac_key_init(key.value, hash_of(p), hash_lane_of(p), call.salt.p, call.salt.size);
  return one_step_hmac(key.value, out, out_size, input);
}

SshSecret ssh_form(uint32_t flags) {
  if ((flags & CM_KDF_SSH_STRING) != 0) return SshSecret::kString;
  return (flags & CM_KDF_SSH_ENCODED) != 0 ? SshSecret::kEncoded : SshSecret::kMpint;
}

Status ssh(const KdfCall& call, uint8_t* out, size_t out_size) {
  const cm_kdf_params& p = call.params;
  const KdfBytes hash = bytes(p.context, p.context_size);
  const bool encoded = ssh_form(p.flags) == SshSecret::kEncoded;
  if (encoded && (call.secret.size < 4 || load_be32(call.secret.p) != call.secret.size - 4)) return Status::kArgument;
  const SshKdfInput input = {call.secret.p, call.secret.size, ssh_form(p.flags), hash.p,
                             hash.size,     call.salt.p,      call.salt.size,    static_cast<uint8_t>(p.ssh_letter)};
  return ssh_kdf(hash_of(p), hash_lane_of(p), out, out_size, input);
}

Status pbkdf2_alone(const KdfCall& call, uint8_t* out, size_t out_size) {
  const cm_kdf_params& p = call.params;
  if (const Status s = pbkdf2_check(hash_of(p), out_size, p.iterations); !succeeded(s)) return s;
  const Pbkdf2Job job = {call.secret.p, call.secret.size, call.salt.p, call.salt.size, out, out_size};
  pbkdf2(hash_of(p), hash_lane_of(p), lanes().hash_multi, &job, 1, p.iterations);
  return Status::kOk;
}

// is_old_master_secret: the master secret of TLS 1.2 without the extended one of RFC 7627, which IG D.Q asks for. The
// function sees label and seed as one text, so it does not matter where the one ends.
bool is_old_master_secret(const cm_kdf_params& p) {
  constexpr char kLabel[] = "master secret";
  constexpr size_t kSize = sizeof kLabel - 1;
  if (p.function != CM_KDF_TLS12_PRF) return false;
  const size_t of_label = p.label_size < kSize ? p.label_size : kSize, of_seed = kSize - of_label;
  return p.context_size >= of_seed && (of_label == 0 || std::memcmp(p.label, kLabel, of_label) == 0) &&
         (of_seed == 0 || std::memcmp(p.context, kLabel + of_label, of_seed) == 0);
}

// secret_size: of an encoded one, without the four bytes of its length; what is shorter than they are is too short.
size_t secret_size(const KdfCall& call) {
  const bool encoded = call.params.function == CM_KDF_SSH && (call.params.flags & CM_KDF_SSH_ENCODED) != 0;
  return encoded && call.secret.size >= 4 ? call.secret.size - 4 : call.secret.size;
}

}  // namespace

Status kdf_check(const cm_kdf_params& params) {
  const KdfFunctionRow* row = kdf_function(params.function);
  if (row == nullptr) return Status::kArgument;
  const bool prf_fits = row->prfs == 0 ? params.prf == 0 : params.prf < 32 && (row->prfs & prf_bit(params.prf)) != 0;
  if (!prf_fits) return Status::kArgument;
  const bool hash_fits = has_hash(params) ? params.hash - 1 < kHashCount : params.hash == 0;
  if (!hash_fits) return Status::kArgument;
  if (const Status s = check_mode(params, row->fields); !succeeded(s)) return s;
  if ((row->fields & kKdfIterations) == 0 && params.iterations != 0) return Status::kArgument;
  if ((row->fields & kKdfSsh) == 0 && params.ssh_letter != 0) return Status::kArgument;
  if (params.ssh_letter > 0xff) return Status::kArgument;
  if (params.prf == CM_PRF_HASH && (params.salt_size != 0 || params.salt_key.v != 0)) return Status::kArgument;
  return check_fields(params, row->fields);
}

Status kdf_approval(const KdfCall& call, KdfTarget target, size_t out_size) {
  const cm_kdf_params& p = call.params;
  if (p.function == CM_KDF_PBKDF2)
    return pbkdf2_approved(call.secret.size, call.salt.size, p.iterations, out_size) ? Status::kOk
                                                                                     : Status::kNotApprovedPbkdf2Input;
  if (has_hash(p) && (kdf_function(p.function)->hashes & hash_bit(p.hash)) == 0) return Status::kNotApprovedKdfInput;
  if (is_old_master_secret(p)) return Status::kNotApprovedKdfInput;
  // What is extracted is for expansion only (SP 800-56C 5).
  if (p.function == CM_KDF_HKDF_EXTRACT && target != KdfTarget::kSecret) return Status::kNotApprovedKdfInput;
  return secret_size(call) < kApprovedSecretSize ? Status::kNotApprovedShortKey : Status::kOk;
}

Lane kdf_lane(const cm_kdf_params& params) {
  if (is_kmac(params)) return lanes().keccak;
  return params.prf == CM_PRF_CMAC ? lanes().aes : hash_lane_of(params);
}

Status kdf_compute(const KdfCall& call, uint8_t* out, size_t out_size) {
  const cm_kdf_params& p = call.params;
  switch (p.function) {
    case CM_KDF_HKDF:
    case CM_KDF_HKDF_EXTRACT:
    case CM_KDF_HKDF_EXPAND:
      return hkdf(call, out, out_size);
    case CM_KDF_TLS13_EXPAND_LABEL:
      return tls13_label(call, out, out_size, bytes(p.label, p.label_size), bytes(p.context, p.context_size));
    case CM_KDF_TLS13_TRAFFIC_KEY: {
      constexpr uint8_t kKey[] = {'k', 'e', 'y'};
      return tls13_label(call, out, out_size, {kKey, sizeof kKey}, {});
    }
    case CM_KDF_TLS12_PRF:
      return tls12(call, out, out_size);
    case CM_KDF_KBKDF:
      return kbkdf(call, out, out_size);
    case CM_KDF_ONE_STEP:
    case CM_KDF_X963:
      return one_step(call, out, out_size);
    case CM_KDF_TWO_STEP:
      return two_step(call, out, out_size);
    case CM_KDF_SSH:
      return ssh(call, out, out_size);
    case CM_KDF_PBKDF2:
      return pbkdf2_alone(call, out, out_size);
    default:
      return Status::kArgument;
  }
}

Status kdf_tls13_iv(const KdfCall& call, uint8_t* iv) {
  constexpr uint8_t kIv[] = {'i', 'v'};
  return tls13_label(call, iv, kTls13IvSize, {kIv, sizeof kIv}, {});
}

}  // namespace cm
