// SPDX-License-Identifier: Apache-2.0
// log_signature.h: the signature of a log's attestation key under a checkpoint (C2SP signed-note, type 0x02: ECDSA). It
// says that root, or the writer's own user, vouched for this tree on the machine of the log's TPM. Free of state; every
// function may be called by any thread.
#pragma once
#include <optional>
#include <string>

#include "audit/attest/p256.h"
#include "audit/verify/checkpoint.h"
#include "audit/verify/trust.h"

namespace cm::audit::verify {

// CheckpointKey: who may sign for a log.
struct CheckpointKey {
  P256Key key;
  // origin: of the log that the key was enrolled for; nothing when the auditor brought the key alone: then whatever log
  // the checkpoint names counts as its.
  std::optional<std::string> origin;
};

// checkpoint_key: nothing without a trust root, or when its key is none.
std::optional<CheckpointKey> checkpoint_key(const Trust& trust);

// log_signature: a TPMT_SIGNATURE as a line behind the checkpoint of that origin. Nothing when it is malformed.
std::optional<NoteSignature> log_signature(Lane lane, const P256Key& key, std::string_view origin, TpmBytes signature);

enum class NoteVerdict {
  kUnsigned,  // no signature is this key's; what others signed is not looked at
  kSigned,
  kWrong,  // it names this key and is not its signature, or the checkpoint is of another log
};

// judge_note: origin is the checkpoint's.
NoteVerdict judge_note(Lane lane, const CheckpointKey& key, std::string_view origin, const SignedNote& note);

}  // namespace cm::audit::verify
