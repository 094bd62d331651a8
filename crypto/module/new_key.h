// SPDX-License-Identifier: Apache-2.0
// new_key.h: how a key comes into the store, for all services that make one: its attributes are checked, the raw bytes
// are expanded into the form that services use, the key is published and handed out.
#pragma once
#include "crypto/module/c_abi.h"
#include "crypto/module/key_algorithms.h"

namespace cm::abi {

inline constexpr uint32_t kGenerateMinBits = 112;  // SP 800-131A: nothing weaker is generated or derived here

// NewKey: a key on its way to the caller.
struct NewKey {
  cm_key* out;
  cm_key_params params;  // the module's copy
  cm_key made;
};

// start_key: what all services that make a key begin with; a and b are their inputs. Nothing is written before every
// input is known to lie apart from the output.
Status start_key(NewKey& key, cm_key* out, const cm_key_params* params, In a = {}, In b = {});

// is_zero: of what is no secret.
bool is_zero(const uint8_t* p, size_t size);

// check_params: everything that can be judged without the key. params is the module's copy; generated: the key is made
// here and nobody else can have it.
Status check_params(const cm_key_params& params, uint32_t bits, bool generated);

// indicator_of: whether having this key is already outside of what is approved, whatever its history; kPolicy when it
// must not be made. own: kOk, or why the way it is made is not approved.
Status indicator_of(const cm_key_params& params, size_t raw_size, Status own = Status::kOk);

// lane_of: the lane that works with such a key, which may not have been made.
Lane lane_of(const cm_key_params& params);

// expand_key: a key in the store that nobody can see yet (store::publish_key, store::drop_key). params and raw_size
// have passed check_params. indicator is kOk or the reason why the key is not approved; the key keeps it. kNoMemory,
// kArgument (XTS).
Status expand_key(const cm_key_params& params, const uint8_t* raw, size_t raw_size, Status indicator, uint32_t* slot);

// make_key: the same, published. The result is the indicator.
Status make_key(NewKey& to, const uint8_t* raw, size_t raw_size, Status indicator);

// leave_with_key: hands the key out, or destroys it when the module has left its operational state meanwhile.
cm_rc leave_with_key(Gate& gate, const NewKey& key, Status s, Lane lane);

}  // namespace cm::abi
