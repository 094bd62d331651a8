// SPDX-License-Identifier: Apache-2.0
// bundle_texts.h: the texts that stand in every bundle. They are the files of audit/verify/bundle/, so that the script
// can be read and checked as what it is; CMake makes the object with them.
#pragma once

namespace cm::audit::verify {

extern const char kBundleScript[];
extern const char kBundleReadme[];

}  // namespace cm::audit::verify
