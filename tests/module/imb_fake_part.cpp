// SPDX-License-Identifier: Apache-2.0
// imb_fake_part.cpp: a shared object in the place of libcryptomod-imb.so.1 that says so when any of its code runs. With
// a digest it may be opened, but it is of another version; without one it must not be.
#include <unistd.h>

#include "crypto/imb/imb_part.h"

namespace {

__attribute__((constructor)) void announce() {
  constexpr char kText[] = "the fake part runs\n";
  static_cast<void>(!write(2, kText, sizeof kText - 1));
}

const cm::ImbPart kPart = {cm::kImbPartVersion + 1,
                           sizeof(cm::CmacKey),
                           &cm::digest_slot,
                           nullptr,
                           nullptr,
                           nullptr,
                           nullptr,
                           nullptr,
                           nullptr};

}  // namespace

extern "C" const cm::ImbPart* cm_imb_part() { return &kPart; }
