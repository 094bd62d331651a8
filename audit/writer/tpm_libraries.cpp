// SPDX-License-Identifier: Apache-2.0
// tpm_libraries.cpp: see tpm_libraries.h.
#include "audit/writer/tpm_libraries.h"

#include <dlfcn.h>
#include <link.h>

#include <cstring>
#include <string>
#include <vector>

namespace cm::audit {
namespace {

int collect(dl_phdr_info* info, size_t, void* out) {
  if (info->dlpi_name != nullptr && std::strstr(info->dlpi_name, "libtss2-") != nullptr)
    static_cast<std::vector<std::string>*>(out)->push_back(info->dlpi_name);
  return 0;
}

}  // namespace

void keep_tpm_libraries() {
  std::vector<std::string> names;
  dl_iterate_phdr(collect, &names);
  for (const std::string& name : names) (void)dlopen(name.c_str(), RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

}  // namespace cm::audit
