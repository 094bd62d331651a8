// SPDX-License-Identifier: Apache-2.0
// rechain.h: what an attacker can do who owns the log, but not the attestation key: compute every digest, checksum and
// head anew after a change. And the frame at which that must be found.
#pragma once
#include <optional>
#include <vector>

#include "tests/audit/mutations/clean_log.h"
#include "tests/audit/mutations/dice.h"

namespace cm::audit::test {

// Claims: what anchors and start frames say about heads and the PCR is left, or corrected as far as no key is needed.
enum class Claims : uint8_t { kLeft, kCorrected };

// References: for each frame the one after which it shows the state of the TPM.
using References = std::vector<std::optional<uint64_t>>;
References references(const CleanLog& clean);

// Witness: the first frame behind a change that shows another history, by the numbers before the change.
struct Witness {
  uint64_t frame;
  FindingId id;
};
std::optional<Witness> first_witness(const CleanLog& clean, uint64_t changed, Claims claims);

// rechain: the segments of the frames; segment-seals say where they stand now.
std::vector<Bytes> rechain(const CleanLog& clean, std::vector<TestFrame> frames, Claims claims = Claims::kLeft);

// change_freely: something that no rule binds. False where there is nothing of that kind.
bool change_freely(TestFrame& frame, Dice& dice);

}  // namespace cm::audit::test
