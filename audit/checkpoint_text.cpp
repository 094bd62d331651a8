// SPDX-License-Identifier: Apache-2.0
// checkpoint_text.cpp: see checkpoint_text.h.
#include "audit/checkpoint_text.h"

#include "audit/text.h"
#include "crypto/sha2/sha256.h"

namespace cm::audit {

std::string log_origin(const LogId& log_id) { return std::string(kOriginPrefix) + hex_text(log_id); }

std::string checkpoint_text(std::string_view origin, const TreeHead& head) {
  return std::string(origin) + "\n" + std::to_string(head.size) + "\n" + base64_text(head.root) + "\n";
}

Digest checkpoint_challenge(Lane lane, std::string_view text) {
  Digest out;
  sha256(lane, out.data(), reinterpret_cast<const uint8_t*>(text.data()), text.size());
  return out;
}

}  // namespace cm::audit
