// SPDX-License-Identifier: Apache-2.0
// plan.h: the kinds of faults, and what a seed does: a few faults of given places, and a load. The same seed and kind
// always give the same plan; how far the writer gets until a fault may differ with the machine's timing.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/audit/faults/fault_page.h"

namespace cm::audit_test {

enum class Kind : uint32_t {
  kFileError,
  kFileShort,
  kCrashBefore,
  kCrashAfter,
  kPowerLoss,
  kSocketError,
  kTpmRefuses,
  kTpmLostBefore,
  kTpmLostAfter,
  kTpmGarbage,
  kTpmFlipped,
  kTpmTruncated,
  kTpmStall,
  kTpmReset,
  kForeignExtend,
  kClockJump,
  kClientKilled,
  kClientHostile,
  kClientsMany,
};

struct KindRow {
  Kind kind;
  const char* name;
  // Findings that the verdict may have besides those of kHarmless, and one that it must have once the fault was hit.
  std::vector<std::string_view> may;
  std::string_view must;
};

const std::vector<KindRow>& kinds();
const KindRow& row_of(Kind kind);
std::optional<Kind> kind_named(std::string_view name);

const char* call_name(Call call);

// kHarmless: findings that say what happened and leave the verdict at "verified".
inline constexpr std::string_view kHarmless[] = {"software-anchor", "no-isolation", "recovered", "anchor-lost",
                                                 "client-lost"};

// Round: one life of the writer. end_orderly: SIGTERM at its end, else SIGKILL, unless a fault was quicker.
struct Round {
  std::vector<Fault> faults;
  bool end_orderly = false;
};

struct Plan {
  uint64_t seed = 0;
  Kind kind = Kind::kFileError;
  Fault own = {};          // the fault of the kind; none for the kinds of clients
  std::vector<Kind> also;  // kinds of further faults
  std::vector<Round> rounds;
  bool small_segments = false;
  bool power_goes = false;    // a crash takes away what was not synced
  bool power_resets = false;  // and the TPM
  uint32_t clients = 1;
  uint32_t rings = 1;
  uint32_t steps = 0;
};

Plan draw_plan(uint64_t seed, std::optional<Kind> kind);
// describe: the faults of a plan in one line.
std::string describe(const Plan& plan);

}  // namespace cm::audit_test
