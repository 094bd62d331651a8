// SPDX-License-Identifier: Apache-2.0
// constant_time_check LANE | leak-branch | leak-index: to be run under valgrind, which reports every branch and every
// address that depends on what was marked as secret. Prints which operations it ran, and fails when there was none.
#include <valgrind/memcheck.h>

#include <cstdint>
#include <cstdio>
#include <cstring>

#include "crypto/base/ct.h"
#include "crypto/cpu/features.h"
#include "tests/constant_time/operations.h"

namespace cm::test {
namespace {

// What the check must find.
int leak_by_branch() {
  volatile uint8_t secret = 7;
  ct::poison(const_cast<const uint8_t*>(&secret), 1);
  volatile int taken = 0;
  if (secret > 5) taken = 1;
  return taken * 0;
}

int leak_by_index() {
  static volatile const uint8_t table[256] = {1};
  volatile uint8_t secret = 7;
  ct::poison(const_cast<const uint8_t*>(&secret), 1);
  volatile uint8_t found = table[secret];
  static_cast<void>(found);
  return 0;
}

Lane lane_named(const char* name) {
  for (const LaneRow& row : kLaneTable)
    if (std::strcmp(row.name, name) == 0) return row.lane;
  return Lane::kNone;
}

// needs: what valgrind has to offer for a lane. It has no VAES, no AVX-512 and no SHA extensions.
FeatureMask needs(Lane lane) {
  switch (lane) {
    case Lane::kAesni:
      return kFeatureSse41 | kFeatureAesni;
    case Lane::kAvx2:
      return kFeatureAvx2 | kFeatureBmi2;
    default:
      return 0;
  }
}

int check(const char* name) {
  const Lane lane = lane_named(name);
  if (lane == Lane::kNone || (cpu_features_detected() & needs(lane)) != needs(lane)) {
    std::fprintf(stderr, "constant_time_check: no lane %s here\n", name);
    return 1;
  }
  size_t count = 0, ran = 0;
  const Operation* all = operations(&count);
  for (size_t i = 0; i < count; ++i) {
    const auto before = VALGRIND_COUNT_ERRORS;
    if (!all[i].run(lane)) continue;
    ++ran;
    std::printf("%-28s %s\n", all[i].name, VALGRIND_COUNT_ERRORS == before ? "no dependence" : "DEPENDS ON A SECRET");
  }
  std::printf("%zu operations on lane %s\n", ran, name);
  return ran == 0 ? 1 : 0;
}

}  // namespace
}  // namespace cm::test

int main(int argc, char** argv) {
  if (argc != 2 || RUNNING_ON_VALGRIND == 0) {
    std::fprintf(stderr, "usage: valgrind constant_time_check LANE|leak-branch|leak-index\n");
    return 1;
  }
  if (std::strcmp(argv[1], "leak-branch") == 0) return cm::test::leak_by_branch();
  if (std::strcmp(argv[1], "leak-index") == 0) return cm::test::leak_by_index();
  return cm::test::check(argv[1]);
}
