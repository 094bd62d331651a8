// SPDX-License-Identifier: Apache-2.0
// hash_multi.cpp: the entry points of hash_multi.h. The lanes are hash_multi_run.h's business.
#include "crypto/hash_multi/hash_multi.h"

#include "crypto/hash_multi/hash_multi_run.h"

namespace cm {

void sha1_multi(Lane single, Lane wide, const Sha1Job* jobs, size_t count) {
  HashMultiRun<Sha1Multi, Sha1Job>(single, wide, jobs, count).run();
}

void sha256_multi(Lane single, Lane wide, const Sha256Job* jobs, size_t count) {
  HashMultiRun<Sha256Multi, Sha256Job>(single, wide, jobs, count).run();
}

void sha512_multi(Lane single, Lane wide, const Sha512Job* jobs, size_t count) {
  HashMultiRun<Sha512Multi, Sha512Job>(single, wide, jobs, count).run();
}

}  // namespace cm
