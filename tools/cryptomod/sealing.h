// SPDX-License-Identifier: Apache-2.0
// sealing.h: seals a stream and opens it again in constant memory, every chunk by one call into the module. It must not
// write a byte of content that was not authenticated, and must find every change of the sealed file: sealed_format.h.
#pragma once
#include <cstdint>

#include "cryptomod/cryptomod.hpp"
#include "tools/cryptomod/files.h"
#include "tools/cryptomod/progress.h"

namespace cm::tool {

// seal_stream: writes header and chunks; the IVs are the module's. Neither commits the output; both return how many
// bytes of content went through.
uint64_t seal_stream(const cryptomod::Session& session, const cryptomod::Key& key, Input& in, Output& out,
                     Progress& progress);

// open_stream: writes content. kExitNotAuthentic with the place named when the key is wrong or the input was changed;
// chunks written until then are authentic, but only a normal return says that the content is complete.
uint64_t open_stream(const cryptomod::Session& session, const cryptomod::Key& key, Input& in, Output& out,
                     Progress& progress);

}  // namespace cm::tool
