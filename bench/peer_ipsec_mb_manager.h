// SPDX-License-Identifier: Apache-2.0
// peer_ipsec_mb_manager.h: what the two files of the peer share, and nobody else sees.
#pragma once
#include <intel-ipsec-mb.h>

#include "bench/peer_ipsec_mb.h"

namespace cm::bench {

struct IpsecMb::Manager {
  IMB_MGR* mb;
};

}  // namespace cm::bench
