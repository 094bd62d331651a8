// SPDX-License-Identifier: Apache-2.0
// upper_vectors_x86.h: what a dispatcher does before it calls a kernel in legacy SSE encoding (_x86_shani). For common
// code, not for kernel files: the instruction exists only where AVX is, which is asked first.
#pragma once
#include "crypto/cpu/features.h"

namespace cm {

// clear_upper_vectors: legacy SSE code crawls while the upper halves of zmm0-15 are in use (1 KiB of SHA-256: 2,205
// cycles clean, 285,560 dirty). The upper halves belong to nobody at a call (System V ABI: caller-saved), so nothing is
// lost.
inline void clear_upper_vectors() {
  if (cpu_features_detected() & kFeatureAvx2) __asm__ volatile("vzeroupper");
}

}  // namespace cm
