// SPDX-License-Identifier: Apache-2.0
// variant.cpp: the smallest module that cm-inject-digest can measure; each CM_VARIANT_* puts one thing into it that the
// tool must refuse. CMakeLists.txt adds the variants that only differ in how they are linked.
#include "crypto/module/integrity.h"

// cm_variant: keeps the integrity test linked; 0 when it passes.
extern "C" __attribute__((visibility("default"))) int cm_variant();
int cm_variant() { return static_cast<int>(cm::integrity_check(cm::Lane::kPortable)); }

#if defined(CM_VARIANT_WRITABLE_DATA)
__attribute__((used)) static volatile int counter = 1;
#elif defined(CM_VARIANT_POINTER_IN_DATA)
static int answer() { return 1; }
__attribute__((used)) static int (*volatile hook)() = answer;
#elif defined(CM_VARIANT_OWN_SYMBOL)
extern "C" __attribute__((visibility("default"))) const void* cm_own();
const void* cm_own() {
  const void* p;
  __asm__("movq cm_own@GOTPCREL(%%rip), %0" : "=r"(p));
  return p;
}
#elif defined(CM_VARIANT_IFUNC)
extern "C" {
int chosen();
int chosen() { return 1; }
int (*resolve())();
int (*resolve())() {
  int (*volatile pick)() = chosen;  // volatile: clang runs a constant resolver itself
  return pick;
}
__attribute__((ifunc("resolve"), visibility("hidden"))) int dispatched();
__attribute__((visibility("default"))) int cm_dispatched();
int cm_dispatched() { return dispatched(); }
}
#elif defined(CM_VARIANT_TEXT_RELOCATION)
__asm__(".pushsection .text\n.quad cm_variant\n.popsection");
#endif
