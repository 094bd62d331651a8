// SPDX-License-Identifier: Apache-2.0
// paths.h: paths of a configuration, made independent of the directory the application works in.
#pragma once
#include "audit/producer/fixed_text.h"

namespace cm::audit {

// make_absolute: the application may change its directory before the writer is started again.
void make_absolute(Path& out, const char* path);

// find_writer: the absolute path of the writer's program beside this library, else where `cmake --install` puts it as
// seen from this library, so that an installed tree can be moved. Empty when neither is there.
void find_writer(Path& out);

}  // namespace cm::audit
